"""Data of the types on ``sla.v1``, published by sla_timer."""

from typing import Literal

from pydantic import AwareDatetime, Field

from shared.events.envelope import Data

Metric = Literal["response", "action", "scheduling"]


class Plan(Data):
    """The versions a verdict was reached under; with the journal they reproduce it bit for bit."""

    catalog: str
    calendar: str
    tzdata: str
    engine: str


class TicketSummary(Data):
    """What people see of the ticket beside its clock."""

    title: str
    service: str
    priority: str
    emergency: bool
    channel: str
    assignee: str | None
    coverage: str
    chargeable: str
    opened_at: AwareDatetime


class Interval(Data):
    """One counted interval, or one subtracted pause with its reasons; [start, end), counted seconds."""

    kind: Literal["counted", "paused"]
    start: AwareDatetime
    end: AwareDatetime
    seconds: int
    reasons: tuple[str, ...] = ()


class SlaData(Data):
    """What every clock event carries; seconds are whole, rounded towards minus infinity.

    ``due_at`` is null while the clock is paused, unless it is breached. ``sequence`` grows by one per ticket.
    """

    ticket_id: str
    client_id: str | None
    metric: Metric
    cycle: int
    sequence: int
    due_at: AwareDatetime | None
    target_seconds: int
    elapsed_seconds: int
    remaining_seconds: int
    occurred_at: AwareDatetime
    detected_at: AwareDatetime
    detected_late: bool
    ingest_lag_seconds: float | None = None
    plan: Plan
    ticket: TicketSummary
    explanation: tuple[Interval, ...] = ()
    truncated: bool = False


class SlaStarted(SlaData):
    """A clock began; its time starts to run at ``counts_from``, null until an appointment is made."""

    counts_from: AwareDatetime | None
    calendar: str


class SlaWarning(SlaData):
    """A threshold was reached: "80%" consumed, or "30m" left."""

    threshold: str


class SlaBreached(SlaData):
    """The deadline passed without the act; dated at the deadline."""


class SlaMet(SlaData):
    """The act came in time."""


class SlaClosedLate(SlaData):
    """The act came after the breach, ``late_seconds`` of counted time late."""

    late_seconds: int


class SlaPaused(SlaData):
    """The deadline went away."""


class SlaResumed(SlaData):
    """The deadline came back."""


class SlaRescheduled(SlaData):
    """The deadline moved without a change of verdict."""

    previous_due_at: AwareDatetime | None
    cause: str


class SlaCancelled(SlaData):
    """The clock was stopped by something that is neither success nor failure."""

    cause: str | None = None


class SlaExempted(SlaData):
    """An authorised person exempted the clock."""

    reason_code: str | None = None


class SlaRevised(SlaData):
    """A verdict that had been announced is no longer true."""

    replaces: str
    from_: str = Field(alias="from")
    to: str
    cause: str
