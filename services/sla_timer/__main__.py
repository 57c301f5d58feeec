"""``python -m services.sla_timer [migrate | assess | explain | …]``."""

import sys
from pathlib import Path

from services.sla_timer.app import build
from services.sla_timer.commands import command
from services.sla_timer.settings import Settings
from shared.commands import answer, is_command
from shared.service import main

if __name__ == "__main__":
    if is_command(sys.argv[1:]):
        answer(command)
    main("sla_timer", "sla", Settings, build, Path(__file__).parent / "migrations")
