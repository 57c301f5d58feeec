"""``python -m services.backup_audit [migrate]``."""

from pathlib import Path

from services.backup_audit.app import build
from services.backup_audit.settings import Settings
from shared.service import main

if __name__ == "__main__":
    main("backup_audit", "backup", Settings, build, Path(__file__).parent / "migrations")
