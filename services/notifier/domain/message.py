"""A message to one person by one channel: what goes out, and what is known of it afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


class Word(StrEnum):
    """What a message says. Only ``warning`` and ``breached`` disturb; the others inform."""

    WARNING = "warning"
    BREACHED = "breached"
    ACKNOWLEDGED = "acknowledged"  # somebody took it: to the others who were told
    ALL_CLEAR = "all_clear"  # the clock ended: to exactly those who were told
    STARTED = "started"  # a clock began: to whom a policy names
    ACCOUNT = "account"  # no contract covers the ticket, or it is charged: to the account manager
    FINDING = "finding"  # nobody is on call, or nobody could be reached: to the manager
    TEST = "test"


class Outcome(StrEnum):
    """What is known after an attempt. ``accepted``: the remote took responsibility; ``delivered``: it proved the arrival;
    ``unknown``: it may have taken it, the answer was lost."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED_TEMPORARY = "failed_temporary"
    FAILED_PERMANENT = "failed_permanent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one attempt. ``reason`` is a word of ours, never a text of the remote; ``retry_in``: what it asked for."""

    outcome: Outcome
    reason: str | None = None
    provider_id: str | None = None
    retry_in: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A rendered message without its link (``LINK`` stands for it). ``short`` is one SMS of GSM-7, at most 160 septets with
    its link; a form that the channel does not need is empty. ``facts`` are those of ``Outgoing``."""

    subject: str = ""
    plain: str = ""
    html: str = ""
    short: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message ready to go; the same notice is the same bytes in every attempt, but for the mark of a repetition.

    ``notice_id`` is its identity at the remote, the same in every attempt; ``thread`` is that of everything that is said
    about one alert (PagerDuty's dedup key, a mail's thread). ``repeated``: an earlier attempt's outcome is unknown.
    ``to`` is the method's address or number, "" where the channel itself is the place. ``facts``: ticket_id, metric, cycle,
    client, service, priority, due_at and the like, as text, for channels that carry structure.
    """

    notice_id: str
    thread: str
    word: Word
    attempt: int
    repeated: bool
    person: str
    to: str
    language: str
    content: Content
    link: str
    facts: Mapping[str, str]
    sent_at: datetime


class Channel(Protocol):
    """One way out. ``send`` never raises for what the remote does: it says what is known; it ends within its timeout."""

    async def send(self, message: Outgoing) -> Result:
        """Try once."""
        ...
