"""Data of the types on ``notices.v1``. People are opaque ids; no address is ever here."""

from pydantic import AwareDatetime

from shared.events.envelope import Data


class NoticeData(Data):
    """What every notice event carries: which clock, which person, by what channel, at which step."""

    notice_id: str
    ticket_id: str
    metric: str
    cycle: int
    person: str | None = None
    channel: str | None = None
    step: int | None = None
    attempt: int | None = None
    reason: str | None = None
    provider_id: str | None = None


class NoticePlanned(NoticeData):
    """A page is due at ``due_at``."""

    due_at: AwareDatetime | None = None


class NoticeSent(NoticeData):
    """The channel accepted the page."""


class NoticeDelivered(NoticeData):
    """The channel proved that it arrived."""


class NoticeFailed(NoticeData):
    """An attempt failed; ``reason`` says whether for ever."""


class NoticeUnknown(NoticeData):
    """The outcome of an attempt is unknown: it is repeated with the same identity."""


class NoticeSuppressed(NoticeData):
    """A page was not sent, with the reason."""


class NoticeAcknowledged(NoticeData):
    """A person took the alert."""

    by: str
    promised_until: AwareDatetime | None = None


class NoticeReleased(NoticeData):
    """An acknowledgement holds no more: ``reason`` is ``undone`` or ``passed_on`` (by who took it) or ``promise_ended``."""


class NoticeEscalated(NoticeData):
    """Nobody acknowledged: the next person is told."""


class NoticeExhausted(NoticeData):
    """Every step was used and nobody acknowledged."""


class NoticeBounced(Data):
    """A page of ours came back undeliverable; published by intake."""

    notice_id: str
    status: str | None = None
