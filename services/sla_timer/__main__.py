"""``python -m services.sla_timer [migrate]``."""

from pathlib import Path

from services.sla_timer.app import build
from services.sla_timer.settings import Settings
from shared.service import main

if __name__ == "__main__":
    main("sla_timer", "sla", Settings, build, Path(__file__).parent / "migrations")
