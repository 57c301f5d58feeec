"""``python -m services.intake [migrate]``."""

from pathlib import Path

from services.intake.app import build
from services.intake.settings import Settings
from shared.service import main

if __name__ == "__main__":
    main("intake", "intake", Settings, build, Path(__file__).parent / "migrations")
