"""The command line of intake: what can be asked of it beside running it.

Exit codes: 0 fine, 1 findings, 2 usage or input, 3 environment.
"""

import argparse
from collections.abc import Sequence

from services.intake.commands import classify

COMMANDS = {"classify": classify}


def command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="intake",
        description=f"{__doc__} Without a command the service runs; with migrate its schema is brought up to date.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        module.add_arguments(subparsers.add_parser(name, help=(module.__doc__ or "").partition(": ")[2]))
    parsed = parser.parse_args(arguments)
    return int(COMMANDS[parsed.command].run(parsed))
