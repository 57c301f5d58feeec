"""``python -m services.intake [migrate | classify | …]``."""

import sys
from pathlib import Path

import structlog

from services.intake.app import build
from services.intake.commands import command
from services.intake.settings import Settings
from shared.service import main

if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["migrate"]):
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # a terminal of another kind is no reason to end
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output is the answer
        sys.exit(command(sys.argv[1:]))
    main("intake", "intake", Settings, build, Path(__file__).parent / "migrations")
