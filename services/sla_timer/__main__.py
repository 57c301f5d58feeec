"""``python -m services.sla_timer [migrate | assess | explain | …]``."""

import sys
from pathlib import Path

import structlog

from services.sla_timer.app import build
from services.sla_timer.commands import COMMANDS, command
from services.sla_timer.settings import Settings
from shared.service import main

if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in COMMANDS:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output is the answer
        sys.exit(command(sys.argv[1:]))
    main("sla_timer", "sla", Settings, build, Path(__file__).parent / "migrations")
