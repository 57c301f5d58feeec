"""``python -m services.notifier [migrate]``."""

from pathlib import Path

from services.notifier.app import build
from services.notifier.settings import Settings
from shared.service import main

if __name__ == "__main__":
    main("notifier", "notifier", Settings, build, Path(__file__).parent / "migrations")
