"""What the command lines of all services share: exit codes, how a command is found, where its answer goes."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import NoReturn

import structlog

FINE, FINDINGS, USAGE, ENVIRONMENT = 0, 1, 2, 3


def run_command(service: str, about: str, commands: Mapping[str, ModuleType], arguments: Sequence[str]) -> int:
    """Run one of ``commands`` (each a module with ``add_arguments`` and ``run``) and return its exit code."""
    parser = argparse.ArgumentParser(
        prog=service,
        description=f"{about} Without a command the service runs; with migrate its schema is brought up to date.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, module in commands.items():
        module.add_arguments(subparsers.add_parser(name, help=(module.__doc__ or "").partition(": ")[2]))
    parsed = parser.parse_args(arguments)
    return int(commands[parsed.command].run(parsed))


def is_command(arguments: Sequence[str]) -> bool:
    """Tell whether something else is asked than to run the service or to migrate."""
    return list(arguments) not in ([], ["migrate"])


def answer(command: Callable[[Sequence[str]], int]) -> NoReturn:
    """Run the command that was typed and end with its exit code; standard output is the answer and nothing else."""
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # a terminal of another kind is no reason to end
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sys.exit(command(sys.argv[1:]))
