"""``python -m services.intake [migrate | classify | …]``."""

import sys
from pathlib import Path

from services.intake.app import build
from services.intake.commands import command
from services.intake.settings import Settings
from shared.commands import answer, is_command
from shared.service import main

if __name__ == "__main__":
    if is_command(sys.argv[1:]):
        answer(command)
    main("intake", "intake", Settings, build, Path(__file__).parent / "migrations")
