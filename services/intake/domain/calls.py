"""The life of one call → what becomes of it. Pure: from all that is known of the call, the rules and the time.

    entered ──► answered ──► ended      an agent spoke with the caller
       │──────► left ──────► ended      the queue let go of the caller: nobody answered, whatever comes next
       └───────────────────► ended      the caller hung up: a misdial, or a call that was missed
    outgoing ─► answered                we called somebody back

Events may come twice, in any order, late or never: what is earliest counts (of ends the latest), and an instant ahead of
our clock is the one at which we heard of it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from services.intake.domain.phone import Phone

Kind = Literal["started", "left", "answered", "ended", "outgoing"]

LATE_ANSWER = timedelta(seconds=5)
"""After an end: an answer may still be on its way."""
LATE_START = timedelta(seconds=60)
"""After the first word of a call: its beginning may still be on its way."""
_LET_GO = timedelta(seconds=1)  # who hangs up in the queue leaves it in the same moment
TURNED_AWAY = frozenset({"timeout", "no_agent", "key", "full", "closed", "lost"})
"""Causes of an end (or of leaving the queue) that are no caller's change of mind."""


class CallEvent(NamedTuple):
    """Something heard of a call; texts as the PBX said them, "" where it did not. ``received_at`` is by our clock."""

    kind: Kind
    at: datetime
    received_at: datetime
    number: str = ""
    trunk: str = ""
    queue: str = ""
    agent: str = ""
    cause: str = ""
    protocol: str = ""

    @property
    def happened_at(self) -> datetime:
        """Return when it happened: a PBX whose clock is ahead costs nobody anything."""
        return min(self.at, self.received_at)


class CallId(NamedTuple):
    """A call's identity: the name of its exchange and the id it has there (Asterisk's Linkedid)."""

    pbx: str
    call_id: str


class Heard(NamedTuple):
    """A word of a call. ``channel``: the caller's own channel (Asterisk's Uniqueid), by which queue_log knows the call."""

    call: CallId
    event: CallEvent
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing can be said before ``look_at``, unless something more is heard."""

    look_at: datetime


@dataclass(frozen=True, slots=True)
class Missed:
    """No human answered: a contact, whose clock starts when the caller entered the queue."""

    entered_at: datetime
    emergency: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """An agent spoke with the caller."""

    entered_at: datetime
    answered_at: datetime
    agent: str
    emergency: bool


@dataclass(frozen=True, slots=True)
class Misdialled:
    """The caller hung up at once: counted, not opened."""

    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Blocked:
    """A number that the desk does not want: counted, not opened."""

    entered_at: datetime


@dataclass(frozen=True, slots=True)
class CalledBack:
    """We called somebody, who answered."""

    answered_at: datetime
    agent: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """We called somebody, who did not answer."""


Decision = Waiting | Missed | Answered | Misdialled | Blocked | CalledBack | Unreached


class Call(NamedTuple):
    """What all events of a call come to. ``number`` in E.164; ``heard_at``, ``last_at``: our first and last word of it."""

    heard_at: datetime
    last_at: datetime
    first_at: datetime
    entered_at: datetime | None
    left_at: datetime | None
    answered: CallEvent | None
    ended: CallEvent | None
    outgoing: bool
    turned_away: bool
    number: str | None
    protocol: str
    agent: str


def fold(events: Iterable[CallEvent], phone: Phone) -> Call:
    """Return what ``events`` (at least one, in any order) come to."""
    known = sorted(events, key=lambda e: (e.happened_at, e.kind, e.received_at, e[3:]))
    of = {kind: [e for e in known if e.kind == kind] for kind in ("started", "left", "answered", "ended", "outgoing")}
    numbers = (phone.number(e.number, e.trunk or _first(known, "trunk")) for e in known)
    return Call(
        heard_at=min(e.received_at for e in known),
        last_at=max(e.received_at for e in known),
        first_at=known[0].happened_at,
        entered_at=of["started"][0].happened_at if of["started"] else None,
        left_at=of["left"][0].happened_at if of["left"] else None,
        answered=of["answered"][0] if of["answered"] else None,
        ended=of["ended"][-1] if of["ended"] else None,
        outgoing=bool(of["outgoing"]),
        turned_away=any(e.cause in TURNED_AWAY for e in (*of["left"], *of["ended"])),
        number=next((number for number in numbers if number is not None), None),
        protocol=_first(known, "protocol"),
        agent=_first((*of["answered"], *of["outgoing"]), "agent"),
    )


def _first(events: Iterable[CallEvent], name: str) -> str:
    return next((said for e in events if (said := getattr(e, name))), "")


def judge(call: Call, phone: Phone, is_emergency: Callable[[datetime], bool], now: datetime) -> Decision:
    """Return what becomes of ``call`` at ``now``, by our clock."""
    over_at = call.heard_at + timedelta(hours=phone.open_hours)
    if call.outgoing:
        return _outgoing(call, over_at, now)
    if call.entered_at is None and now < min(call.heard_at + LATE_START, over_at):
        return Waiting(call.heard_at + LATE_START)
    entered_at = call.entered_at or call.first_at
    if call.number in phone.blocked:
        return Blocked(entered_at)
    if call.answered is not None:
        answered_at = max(call.answered.happened_at, entered_at)
        return Answered(entered_at, answered_at, call.agent, is_emergency(entered_at))
    look_at = over_at if call.ended is None else min(call.ended.received_at + LATE_ANSWER, over_at)
    if now < look_at:
        return Waiting(look_at)
    if _is_misdial(call, phone.misdial):
        return Misdialled(entered_at)
    return Missed(entered_at, is_emergency(entered_at))


def _outgoing(call: Call, over_at: datetime, now: datetime) -> Decision:
    if call.answered is not None:
        return CalledBack(call.answered.happened_at, call.agent)
    look_at = over_at if call.ended is None else min(call.ended.received_at + LATE_ANSWER, over_at)
    return Waiting(look_at) if now < look_at else Unreached()


def _is_misdial(call: Call, misdial: timedelta) -> bool:
    """Tell whether the caller hung up at once; who was let go of by the queue (no agent, a key, too long) did not.

    Without a beginning nobody knows how long the caller waited: no misdial.
    """
    if call.ended is None or call.entered_at is None or call.turned_away:
        return False
    let_go = call.left_at is not None and call.ended.happened_at - call.left_at > _LET_GO
    return not let_go and call.ended.happened_at - call.entered_at < misdial
