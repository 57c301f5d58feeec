"""Data of the types on ``tickets.v1``. Optional fields say in the contract what their absence means.

Every text is bounded, so that every event made of one fits into a record (decision 0005).
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from shared.events.envelope import Data


def _printable(value: str) -> str:
    if any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or 0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise ValueError("control characters and surrogates are not allowed")
    return value


TicketId = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Name = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=2000)]
Names = Annotated[tuple[Name, ...], Field(max_length=100)]
Scope = Literal["in_scope", "out_of_scope"]
Coverage = Literal["covered", "unknown", "none"]
PauseReason = Literal["waiting_customer", "customer_infrastructure", "third_party"]


class TicketData(Data):
    """What every ticket event carries: ``ticket_id`` equals the envelope's ``subject``."""

    ticket_id: TicketId


class TicketOpened(TicketData):
    """A contact became a ticket; its clocks start at the event's time."""

    service: Name
    channel: Name
    title: str = Field(max_length=120)
    client_id: Name | None = None
    priority: Name | None = None
    contact_ref: Name | None = None
    scope: Scope = "in_scope"
    scope_reason: Text | None = None
    scope_hint: Text | None = None
    coverage: Coverage = "unknown"
    emergency: bool | None = None
    chargeable: Literal["no", "maybe", "yes"] | None = None
    documents: Names = ()
    contact_registered: bool | None = None
    remote_access: bool | None = None
    coverage_reason: Text | None = None
    routing_rule: Name | None = None
    rejection_codes: Names = ()
    articles: Names = ()
    sender_verified: bool | None = None
    protocol: Name | None = None
    responded: bool = False


class TicketAssigned(TicketData):
    """A person or a team took the ticket; it moves no clock."""

    assignee: Name


class TicketResponded(TicketData):
    """Somebody answered the customer; ``automatic`` answers never stop a clock."""

    by: Name | None = None
    automatic: bool = False


class TicketActionStarted(TicketData):
    """Work began; meets the action clock where the catalog says so."""

    by: Name | None = None


class TicketPaused(TicketData):
    """The clocks that the catalog names for ``reason`` stand still from the event's time on."""

    reason: PauseReason


class TicketResumed(TicketData):
    """The pause of ``reason`` ends, or every pause when there is none."""

    reason: PauseReason | None = None


class TicketReclassified(TicketData):
    """A person changed what the ticket is."""

    service: Name | None = None
    priority: Name | None = None
    scope: Scope | None = None
    scope_reason: Text | None = None
    emergency: bool | None = None
    client_id: Name | None = None
    coverage: Coverage | None = None
    why: Text | None = None
    by: Name | None = None


class TicketScheduled(TicketData):
    """An appointment was agreed (policy rule 9)."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime | None = None
    moved_by: Literal["client", "vendor"] | None = None

    @model_validator(mode="after")
    def _ends_after_start(self) -> "TicketScheduled":
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class TicketResolved(TicketData):
    """The ticket was resolved; meets the action clock."""

    by: Name | None = None
    automatic: bool = False


class TicketReopened(TicketData):
    """The ticket is open again."""

    by: Name | None = None
    automatic: bool = False


class TicketCancelled(TicketData):
    """Spam or a mistake: the clocks are cancelled."""

    by: Name | None = None
    automatic: bool = False


class TicketMerged(TicketData):
    """The ticket went on in another one: its own clocks are cancelled."""

    into: Name
    by: Name | None = None
    automatic: bool = False


class TicketExempted(TicketData):
    """An authorised source exempted one clock, with a reason."""

    metric: Literal["response", "action", "scheduling"]
    reason_code: Name
    approved_by: Name


class TicketRefused(TicketData):
    """intake's record of a contact that policy refuses, with the rule's number."""

    rule: int
    reason: Text
    channel: Name | None = None
