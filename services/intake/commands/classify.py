"""``intake classify``: what would become of a mail, and why; nothing is sent or stored."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from services.intake.configuration import read_desk
from services.intake.domain.contact import Contact, Known, understand, unread
from services.intake.domain.parts import word_of
from shared import clock
from shared.commands import FINE, USAGE
from shared.config import Misconfigured

_SHOWN = 400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Reads mails (RFC 5322, as received) and prints the decision: the ticket that would be opened, or why none would."
        " Whether a mail belongs to a thread, or repeats another, only the running service knows."
    )
    parser.add_argument("files", nargs="+", metavar="FILE.eml", help="- is stdin; a folder: every file in it")
    parser.add_argument("--config", type=Path, default=Path("deploy/config"), metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="one JSON object per mail")


def run(arguments: argparse.Namespace) -> int:
    """Print one decision per mail; return 0, or 2 when a file or the configuration cannot be read."""
    try:
        known = read_desk(arguments.config)
    except Misconfigured as error:
        print(f"classify: {error}", file=sys.stderr)
        return USAGE
    code = FINE
    for name in _files(arguments.files):
        try:
            raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            print(f"classify: {_printable(name)}: {error.strerror}", file=sys.stderr)
            code = USAGE
            continue
        _print(_printable(name), decision_of(_read(raw, known)), arguments.json)
    return code


def _files(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if name != "-" and Path(name).is_dir():
            yield from sorted(str(path) for path in Path(name).rglob("*") if path.is_file())
        else:
            yield name


def _printable(name: str) -> str:
    """Return a file's name as UTF-8 can hold it."""
    return os.fsencode(name).decode("utf-8", "replace")


def _read(raw: bytes, known: Known) -> Contact:
    try:
        return understand(raw, known, clock.now())
    except Exception as error:  # noqa: BLE001  # the edge: one of thousands must not hide the others
        return unread(raw, known.triage, word_of(error))


def decision_of(contact: Contact) -> dict[str, Any]:
    """Return the answer for one mail, as JSON has it: what becomes of it, then the fields of ``Contact``."""
    decision = "discard" if contact.discarded else "open"
    nested = {
        "attachments": [one._asdict() for one in contact.attachments],
        "relation": contact.relation._asdict(),
        "bounced": None if contact.bounced is None else contact.bounced._asdict(),
    }
    return {"decision": decision, "auto_reply": not contact.automatic, **contact._asdict(), **nested}


def _print(name: str, decision: dict[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(orjson.dumps({"file": name, **decision}).decode() + "\n")
        return
    print(f"{name}:")
    for field, value in decision.items():
        if value not in (None, "", (), []):
            print(f"  {field}: {_shown(value)}")


def _shown(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    text = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
    return text[:_SHOWN].replace("\n", "\n    ")
