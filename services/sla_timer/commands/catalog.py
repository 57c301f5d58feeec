"""``sla_timer catalog``: check catalog files, every error with file, line, path and rule; print their JSON Schema."""

import argparse
from pathlib import Path

import orjson

from shared.catalog import CatalogError, load_files
from shared.catalog.schema import schema
from shared.commands import FINDINGS, FINE, USAGE


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
    unread = [path for path in arguments.files if not _is_readable(path)]
    try:
        catalogs = load_files(arguments.files)
    except CatalogError as error:
        for fault in error.faults:
            print(orjson.dumps(fault._asdict()).decode() if arguments.json else fault)
        return USAGE if unread else FINDINGS
    if not arguments.json:
        print(f"fine: {', '.join(catalog.version for catalog in catalogs.versions)}")
    return FINE


def _is_readable(path: Path) -> bool:
    """Tell whether a file is there and may be read."""
    try:
        path.open("rb").close()
    except OSError:
        return False
    return True
