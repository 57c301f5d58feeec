"""What a reading may never be, whatever the mail."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson

from services.intake.commands.classify import decision_of
from services.intake.configuration import read_desk
from services.intake.domain.contact import Contact, Known, understand
from services.intake.domain.message import TITLE_LENGTH

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
SECONDS = 2.0  # of processor time for one mail; ten seconds after its begin only its header would be read
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_UNFIT = re.compile("[\0\ud800-\udfff]")


def shipped() -> Known:
    """Return what the shipped configuration knows."""
    return read_desk(Path("deploy/config"))


def fault(raw: bytes, known: Known) -> tuple[str | None, float]:
    """Return what is wrong with the reading of ``raw``, None if nothing is, and its seconds of processor time."""
    began = time.process_time()
    try:
        found = understand(raw, known, AT)
        orjson.dumps(decision_of(found))
    except Exception as error:  # the edge: to find these is the purpose
        return f"{type(error).__name__}: {error}"[:200], time.process_time() - began
    taken = time.process_time() - began
    return (f"slow: {taken:.1f} s" if taken > SECONDS else _unfit(found)), taken


def _unfit(found: Contact) -> str | None:
    if any(_UNFIT.search(text) for text in _texts(found)):
        return "a text with U+0000 or a surrogate"
    if not 0 < len(found.title) <= TITLE_LENGTH:
        return f"a title of {len(found.title)} characters"
    if _ADDRESS.search(found.title):
        return "an address in the title"
    said = found.quoted + found.signature
    if not any(map(str.isalnum, found.text)) and any(map(str.isalnum, said)):
        return "nothing new, although there is text"
    return None


def _texts(found: Contact) -> tuple[str, ...]:
    names = (name for one in found.attachments for name in (one.name, one.type))
    return (found.title, found.text, found.quoted, found.signature, found.sender, found.message_id, *names)
