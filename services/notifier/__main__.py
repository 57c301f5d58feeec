"""``python -m services.notifier [migrate | coverage | …]``."""

import sys
from pathlib import Path

from services.notifier.app import build
from services.notifier.commands import command
from services.notifier.settings import Settings
from shared.commands import answer, is_command
from shared.service import main

if __name__ == "__main__":
    if is_command(sys.argv[1:]):
        answer(command)
    main("notifier", "notifier", Settings, build, Path(__file__).parent / "migrations")
