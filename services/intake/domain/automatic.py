"""Mail that machines wrote: which opens no ticket, and which only gets no auto-reply.

No ticket is opened only for a null sender, a report (RFC 6522), ``Auto-Submitted: auto-replied`` (RFC 3834), and an
out-of-office notice that answers a mail of ours. Everything else opens one: "NF-e não entregue" is a complaint here, and
help desks of clients send ``Precedence: list``.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from services.intake.domain.headers import Header

_AWAY = re.compile(
    r"^\s*(?:(?:re|res|enc|fw|fwd)\s*:\s*)*(?:resposta\s+autom[aá]tica|fora\s+d[oa]\s+escrit[oó]rio|aus[eê]ncia\s+tempor[aá]ria"
    r"|automatic\s+reply|out\s+of\s+(?:the\s+)?office|respuesta\s+autom[aá]tica|autoreply|auto-?reply)\b",
    re.IGNORECASE,
)
_ROBOT = re.compile(rb"<?(?:no-?reply|do-?not-?reply|nao-?responda|mailer-daemon|postmaster)[^@]{0,40}@", re.IGNORECASE)


class Automatic(NamedTuple):
    """``discarded``: why no ticket is opened, None where one is. ``traits``: why no auto-reply is sent."""

    discarded: str | None
    traits: tuple[str, ...]


def automatic(header: Header, *, null_sender: bool, report: bool, answers_ours: bool) -> Automatic:
    """Return what the header says of who wrote the mail; ``answers_ours``: it refers to a Message-ID of ours."""
    traits = tuple(_traits(header, null_sender, report))
    return Automatic(_discarded(header, traits, answers_ours), traits)


def is_null_sender(header: Header) -> bool:
    """Tell whether the Return-Path is empty, as the last server wrote it (RFC 5321, section 4.4)."""
    return re.fullmatch(rb"<\s*>", header.raw("return-path")) is not None


def _traits(header: Header, null_sender: bool, report: bool) -> Iterator[str]:
    if null_sender:
        yield "null_sender"
    if report:
        yield "report"
    submitted = _word(header, "auto-submitted")
    if submitted not in ("", "no"):
        yield "auto_replied" if submitted == "auto-replied" else "auto_submitted"
    if _AWAY.match(header.text("subject")):
        yield "away_subject"
    if _word(header, "precedence") in ("bulk", "junk", "list", "auto_reply"):
        yield "precedence"
    if header.raw("x-auto-response-suppress") not in (b"", b"None"):
        yield "response_suppressed"
    if any(header.raw(name) for name in ("list-id", "list-unsubscribe", "list-post")):
        yield "list"
    if any(header.raw(name) for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-loop")):
        yield "autoresponder"
    if _ROBOT.search(header.raw("from")):
        yield "robot_address"


def _word(header: Header, name: str) -> str:
    """Return the first word of a field: parameters and comments follow it."""
    found = re.match(r"\s*([\w-]+)", header.text(name))
    return found[1].lower() if found else ""


def _discarded(header: Header, traits: tuple[str, ...], answers_ours: bool) -> str | None:
    for trait in ("null_sender", "report", "auto_replied"):
        if trait in traits:
            return trait
    return "away" if "away_subject" in traits and answers_ours else None
