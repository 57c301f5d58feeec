"""What the command lines of all services share: exit codes, how a command is found, its settings, where its answer goes."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, NoReturn, TypeVar

import structlog
from pydantic import ValidationError
from pydantic_settings import SettingsError

from shared.service import ServiceSettings, wrong_settings

FINE, FINDINGS, USAGE, ENVIRONMENT = 0, 1, 2, 3

S = TypeVar("S", bound=ServiceSettings)


class Wrong(Exception):
    """An argument, a setting or a file cannot be used."""


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


def settings_of(kind: type[S], **unused: Any) -> S:
    """Return the settings as the service has them (``PRAZO_…``); raises ``Wrong`` with every error.

    ``unused``: values for what must be set and the caller does not look at.
    """
    try:
        return kind(**unused)
    except SettingsError as error:
        raise Wrong(f"settings of the service; {error}") from None
    except ValidationError as error:
        raise Wrong("; ".join(["settings of the service", *wrong_settings(error)])) from None


def printable(value: object) -> str:
    """Return one line that no terminal takes for a command: what cannot be printed is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))


def agreed(question: str) -> bool:
    """Ask at the terminal; raises ``Wrong`` where there is none."""
    if not sys.stdin.isatty():
        raise Wrong("without a terminal to ask at, --yes is needed")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes", "s", "sim")
