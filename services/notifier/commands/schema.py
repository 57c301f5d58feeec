"""``notifier schema``: write the JSON Schema of oncall.yaml, for editors."""

import argparse
import sys
from pathlib import Path

import orjson

from services.notifier.domain.oncall_file import OnCallFile
from shared.commands import ENVIRONMENT, FINE
from shared.config_schema import config_schema

NAME = "oncall.schema.json"


def schema() -> bytes:
    """Return the content of the schema's file."""
    return orjson.dumps(config_schema(OnCallFile, "oncall.yaml"), option=orjson.OPT_INDENT_2) + b"\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("folder", type=Path, nargs="?", default=Path("deploy/config"), metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="one JSON object with the file written")


def run(arguments: argparse.Namespace) -> int:
    """Write the schema into the folder and name it; return 0, or 3 when that is impossible."""
    path = arguments.folder / NAME
    try:
        path.write_bytes(schema())
    except OSError as error:
        print(f"schema: {path}: {error.strerror}", file=sys.stderr)
        return ENVIRONMENT
    print(orjson.dumps({"file": str(path)}).decode() if arguments.json else path)
    return FINE
