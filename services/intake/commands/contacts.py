"""``intake contacts``: import who is registered for announcements (policy rule 13), or find a contact's opaque id."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from services.intake.commands.online import carry_out
from services.intake.configuration import read_desk, read_phone
from services.intake.domain import contact_file
from services.intake.domain.contact_file import FILE_BYTES, read_contacts
from services.intake.settings import Settings
from services.intake.store import queries
from services.intake.store.contacts import register
from shared import clock
from shared.commands import FINDINGS, FINE, Wrong


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    what = parser.add_subparsers(dest="what", required=True)
    imports = what.add_parser(
        "import",
        help="register contacts of a CSV file, all or none",
        description=f"{(contact_file.__doc__ or '').partition(chr(10) * 2)[2]} All errors are said at once, with their lines. What is not in the"
        " file stays as it is.",
    )
    imports.add_argument("file", metavar="FILE.csv", help="- is stdin")
    imports.add_argument("--dry-run", action="store_true", help="check and count, change nothing")
    found = what.add_parser("find", help="the CONTACT_REF of an address or number", description="For `intake forget`.")
    found.add_argument("contact", metavar="ADDRESS|NUMBER", help="- reads it from stdin, which no history keeps")
    for one in (imports, found):
        one.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Import or find; return 0, 1 for a contact that is not known, 2 for a wrong file, 3 without a database."""
    return carry_out("contacts", partial(_import if arguments.what == "import" else _find, arguments))


async def _import(arguments: argparse.Namespace, settings: Settings, pool: Any) -> int:
    known, phone = read_desk(settings.config_dir), read_phone(settings.config_dir)
    clients = {client.id for client in known.clients.clients}
    raw, now = _read(arguments.file), clock.now()
    wanted, faults = read_contacts(raw, clients, now, phone.ddd or "")
    if faults:
        lines = "\n".join(f"{arguments.file}:{fault}" for fault in sorted(faults))
        raise Wrong(f"nothing was changed, {len(faults)} errors\n{lines}")
    counts = await register(pool, wanted, now, write=not arguments.dry_run)
    if arguments.json:
        print(orjson.dumps({**counts._asdict(), "dry_run": arguments.dry_run}).decode())
    else:
        print(", ".join(f"{count} {word}" for word, count in counts._asdict().items()))
    return FINE


def _read(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(FILE_BYTES + 1)
        with Path(name).open("rb") as file:
            return file.read(FILE_BYTES + 1)
    except OSError as error:
        raise Wrong(f"{name}: {error.strerror}") from None


async def _find(arguments: argparse.Namespace, settings: Settings, pool: Any) -> int:
    phone = read_phone(settings.config_dir)
    said = (sys.stdin.readline() if arguments.contact == "-" else arguments.contact).strip()
    number = None if "@" in said else phone.number(said, "")
    rows = [row async for row in queries.refs_of(pool, address=said.lower(), number=number)]
    for row in rows:
        print(orjson.dumps(dict(row)).decode() if arguments.json else f"{row['contact_ref']} {row['kind']}")
    return FINE if rows else FINDINGS
