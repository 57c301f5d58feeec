"""About which open ticket somebody calls. Pure. Caller ID only suggests: what is guessed may raise urgency, never lower it."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from services.intake.domain.phone import Services
from services.intake.domain.window import Window

_TYPED = re.compile(r"#?(20[0-9]{6})([0-9]{6,12})#?")


def ticket_named(protocol: str) -> str:
    """Return the ticket that a protocol number names: typed on a keypad it has no hyphen, and ``#`` ends it."""
    bare = protocol.strip()
    typed = _TYPED.fullmatch(bare)
    return f"{typed[1]}-{typed[2]}" if typed else bare.strip("#")


class OpenTicket(NamedTuple):
    """An open ticket that may be what a call is about; ``called_at``: its opening or the last call that joined it.

    ``named``: the caller gave its protocol number. ``same_number``: its contact is the caller's number; else its client
    is the one that the number suggests.
    """

    ticket_id: str
    opened_at: datetime
    called_at: datetime
    channel: str
    service: str
    emergency: bool | None
    responded: bool
    named: bool
    same_number: bool


def to_join(tickets: Sequence[OpenTicket], service: str, entered_at: datetime, within: timedelta) -> OpenTicket | None:
    """Return the ticket of an earlier missed call that this one joins: of the same number before that of the client.

    One that somebody has answered is not joined: nothing would watch over the new call.
    """
    fitting = [
        t
        for t in tickets
        if t.channel == "phone"
        and t.service == service
        and not t.responded
        and (t.same_number or not t.named)
        and abs(entered_at - t.called_at) <= within
    ]
    return max(fitting, key=lambda t: (t.same_number, t.called_at), default=None)


def about(tickets: Sequence[OpenTicket], entered_at: datetime, window: Window, services: Services) -> OpenTicket | None:
    """Return the open business ticket that a call in the emergency window makes an emergency, or None.

    The one whose protocol was given, else the only open one of the number, else the only open one of the client. A ticket that
    is an emergency already, or whose service knows none, is not one (a call back asked for in business hours is: it
    becomes the emergency line's).
    """
    found = _only(tickets)
    if found is None or found.emergency is not None or entered_at < found.opened_at:
        return None  # what an agent said of it, yes or no, stays
    if found.channel == "phone" and window.is_emergency(found.opened_at):
        return None
    capable = found.service == services.business or window.is_capable(found.service, entered_at)
    return found if capable else None


def _only(tickets: Sequence[OpenTicket]) -> OpenTicket | None:
    for group in (
        [t for t in tickets if t.named],
        [t for t in tickets if t.same_number],
        [t for t in tickets if not t.named and not t.same_number],
    ):
        if group:
            return group[0] if len(group) == 1 else None
    return None


def waiting_for_us(tickets: Sequence[OpenTicket], answered_at: datetime) -> Sequence[OpenTicket]:
    """Return the tickets of missed calls of the same number, the newest last: whoever speaks with the caller answers them.

    Not those of a call that came after ``answered_at``: an answer may be heard of late.
    """
    missed = [
        t for t in tickets if t.channel == "phone" and t.same_number and not t.responded and t.called_at <= answered_at
    ]
    return sorted(missed, key=lambda t: (t.called_at, t.ticket_id))
