"""``sla_timer catalog``: check catalog files, every error with file, line, path and rule; print their JSON Schema."""

import argparse
import sys
from pathlib import Path

import orjson

from services.sla_timer.commands.offline import FINDINGS, FINE, USAGE
from shared.catalog import CatalogError, load_files
from shared.catalog.schema import schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser(
        "check", help="exit code 1 with every error of every file, 0 when all can be used together"
    )
    check.add_argument("files", nargs="+", type=Path, metavar="F")
    check.add_argument("--json", action="store_true", help="one JSON object per error")
    actions.add_parser("schema", help="the JSON Schema for editors").add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    """Check or print; return 0, 1 with errors, 2 for a file that cannot be read."""
    if arguments.action == "schema":
        print(orjson.dumps(schema(), option=orjson.OPT_INDENT_2).decode())
        return FINE
    unread = [said for path in arguments.files if (said := _unreadable(path)) is not None]
    for said in unread:
        print(f"catalog check: {said}", file=sys.stderr)
    try:
        catalogs = load_files([path for path in arguments.files if _unreadable(path) is None])
    except CatalogError as error:
        for line in str(error).splitlines():
            print(orjson.dumps(_fields(line)).decode() if arguments.json else line)
        return USAGE if unread else FINDINGS
    if unread:
        return USAGE
    if not arguments.json:
        print(f"fine: {', '.join(catalog.version for catalog in catalogs.versions)}")
    return FINE


def _unreadable(path: Path) -> str | None:
    """Return why a file is no text that can be read, None when it is."""
    try:
        path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return f"{path}: {error}"
    return None


def _fields(line: str) -> dict[str, str | int]:
    place, path, rule = [*line.split(": ", 2), "", ""][:3]
    file, _, number = place.rpartition(":")
    return {"file": file, "line": int(number), "path": path, "rule": rule}
