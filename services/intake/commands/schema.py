"""``intake schema``: write the JSON Schemas of the configuration files, for editors."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from pydantic import BaseModel

from services.intake.domain.agents import Agents
from services.intake.domain.identity import Identity
from services.intake.domain.mailboxes import Mailboxes
from services.intake.domain.phone import Phone
from services.intake.domain.routing import Routing
from services.intake.domain.tokens import TokenFile
from shared.clients import Clients
from shared.commands import ENVIRONMENT, FINE
from shared.config_schema import config_schema

FILES: Mapping[str, type[BaseModel]] = {
    "agents.yaml": Agents,
    "clients.yaml": Clients,
    "desk.yaml": Identity,
    "mailboxes.yaml": Mailboxes,
    "phone.yaml": Phone,
    "routing.yaml": Routing,
    "tokens.yaml": TokenFile,
}


def schemas() -> Iterator[tuple[str, bytes]]:
    """Yield (file name, content) of each schema."""
    for name, model in FILES.items():
        written = orjson.dumps(config_schema(model, name), option=orjson.OPT_INDENT_2)
        yield f"{name.removesuffix('.yaml')}.schema.json", written + b"\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("folder", type=Path, nargs="?", default=Path("deploy/config"), metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="one JSON object per file written")


def run(arguments: argparse.Namespace) -> int:
    """Write every schema into the folder and name it; return 0, or 3 when that is impossible."""
    try:
        for name, content in schemas():
            path = arguments.folder / name
            path.write_bytes(content)
            print(orjson.dumps({"file": str(path)}).decode() if arguments.json else path)
    except OSError as error:
        print(f"schema: {arguments.folder}: {error.strerror}", file=sys.stderr)
        return ENVIRONMENT
    return FINE
