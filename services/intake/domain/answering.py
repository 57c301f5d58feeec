"""Whether a contact gets an automatic answer (RFC 3834), and what it has to say. Pure."""

from typing import Literal

from services.intake.domain.contact import Contact
from services.intake.domain.identity import AutoReply

Why = Literal["automatic", "unverified", "too_many", "flood"]


def why_no_reply(found: Contact, settings: AutoReply, today: int, flood: bool) -> Why | None:
    """Return why a mail that opened a ticket gets no automatic answer, or None; ``today``: how many its sender got.

    Never to what a machine wrote, nor to a sender who may be forged: the answer would hit somebody else.
    """
    if found.automatic:
        return "automatic"
    if found.relation.verified is False:
        return "unverified"
    if flood:
        return "flood"
    return "too_many" if today >= settings.a_day else None
