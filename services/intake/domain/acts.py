"""What a person does to a ticket at the desk page: a filled-in form → the data of exactly one event. Pure.

What is wrong is a ``Wrong`` that names the field and the rule (a key of the texts that people read).
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from services.intake.domain.desk_time import DESK_ZONE
from services.intake.domain.following import Ticket
from services.intake.domain.masks import masked
from shared.events import (
    TicketAssigned,
    TicketCancelled,
    TicketData,
    TicketMerged,
    TicketPaused,
    TicketReclassified,
    TicketReopened,
    TicketResolved,
    TicketResponded,
    TicketResumed,
    TicketScheduled,
)

PAUSE_REASONS = ("waiting_customer", "customer_infrastructure", "third_party")
WHY_LENGTH = 500
Form = Mapping[str, str]


class Wrong(Exception):
    """A form cannot be taken: ``field`` is its field, ``rule`` the key of a text."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule = field, rule


class Choices(NamedTuple):
    """What may be chosen, by id."""

    services: Collection[str]
    priorities: Collection[str]
    agents: Collection[str]


class _Doing(NamedTuple):
    ticket: Ticket
    form: Form
    agent: str
    choices: Choices


def act_of(name: str, ticket: Ticket, form: Form, agent: str, choices: Choices) -> TicketData:
    """Return the data of the event that the button ``name`` stands for; raises ``Wrong``."""
    act = _ACTS.get(name)
    if act is None:
        raise Wrong("act", "unknown_act")
    if not is_possible(name, ticket):
        raise Wrong("act", "not_now")
    return act(_Doing(ticket, form, agent, choices))


def is_possible(name: str, ticket: Ticket) -> bool:
    """Tell whether a button makes sense in the ticket's state; what does not is not offered."""
    if name == "reopened":
        return ticket.state != "open"
    if ticket.state != "open":
        return False
    return name != "resumed" or bool(ticket.pauses)


def _responded(doing: _Doing) -> TicketData:
    return TicketResponded(ticket_id=doing.ticket.ticket_id, by=doing.agent)


def _resolved(doing: _Doing) -> TicketData:
    return TicketResolved(ticket_id=doing.ticket.ticket_id, by=doing.agent)


def _reopened(doing: _Doing) -> TicketData:
    return TicketReopened(ticket_id=doing.ticket.ticket_id, by=doing.agent)


def _cancelled(doing: _Doing) -> TicketData:
    return TicketCancelled(ticket_id=doing.ticket.ticket_id, by=doing.agent)


def _assigned(doing: _Doing) -> TicketData:
    assignee = _one_of(doing.form, "assignee", doing.choices.agents)
    if assignee == doing.ticket.assignee:
        raise Wrong("assignee", "nothing_changes")
    return TicketAssigned.model_validate(_said(doing, assignee=assignee))


def _paused(doing: _Doing) -> TicketData:
    reason = _one_of(doing.form, "reason", PAUSE_REASONS)
    if reason in doing.ticket.pauses:
        raise Wrong("reason", "paused_already")
    return TicketPaused.model_validate(_said(doing, reason=reason))


def _resumed(doing: _Doing) -> TicketData:
    reason = doing.form.get("reason", "")
    if not reason:
        return TicketResumed.model_validate(_said(doing))
    return TicketResumed.model_validate(_said(doing, reason=_one_of(doing.form, "reason", doing.ticket.pauses)))


def _reclassified(doing: _Doing) -> TicketData:
    ticket, form = doing.ticket, doing.form
    said = {
        "service": _one_of(form, "service", {*doing.choices.services, ticket.service}),
        "priority": _one_of(form, "priority", {*doing.choices.priorities, ticket.priority or ""}, optional=True),
        "scope": _one_of(form, "scope", ("in_scope", "out_of_scope")),
    }
    changes: dict[str, object] = {
        n: value for n, value in said.items() if value not in ("", getattr(ticket, n), form.get(f"was_{n}"))
    }  # was_…: what the page showed; another person may have changed it since
    emergency = _one_of(form, "emergency", ("yes", "no"), optional=True)
    if emergency not in ("", form.get("was_emergency")) and (emergency == "yes") is not ticket.emergency:
        changes["emergency"] = emergency == "yes"
    if not changes:
        raise Wrong("service", "nothing_changes")
    why = masked(" ".join(form.get("why", "").split()))
    if not why:
        raise Wrong("why", "required")
    if len(why) > WHY_LENGTH:
        raise Wrong("why", "too_long")
    if "scope" in changes:
        changes["scope_reason"] = why
    return TicketReclassified.model_validate(_said(doing, why=why, **changes))


def _scheduled(doing: _Doing) -> TicketData:
    starts_at, ends_at = _instant(doing.form, "starts_at"), _instant(doing.form, "ends_at")
    if starts_at is None:
        raise Wrong("starts_at", "required")
    if ends_at is not None and ends_at <= starts_at:
        raise Wrong("ends_at", "ends_before_start")
    said: dict[str, object] = {"starts_at": starts_at, **({} if ends_at is None else {"ends_at": ends_at})}
    if doing.ticket.scheduled_at is not None:
        said["moved_by"] = _one_of(doing.form, "moved_by", ("client", "vendor"))
    return TicketScheduled.model_validate(_said(doing, **said))


def _merged(doing: _Doing) -> TicketData:
    into = doing.form.get("into", "").strip().removeprefix("#")
    if not into:
        raise Wrong("into", "required")
    if into == doing.ticket.ticket_id:
        raise Wrong("into", "merged_into_itself")
    return TicketMerged(ticket_id=doing.ticket.ticket_id, into=into[:200], by=doing.agent)


def _said(doing: _Doing, **data: object) -> dict[str, object]:
    """Return data with who says it: where the contract has no ``by`` it is an extra field, which everybody keeps."""
    return {"ticket_id": doing.ticket.ticket_id, "by": doing.agent, **data}


def _one_of(form: Form, field: str, allowed: Collection[str], *, optional: bool = False) -> str:
    value = form.get(field, "")
    if not value and not optional:
        raise Wrong(field, "required")
    if value and value not in allowed:
        raise Wrong(field, "unknown_choice")
    return value


def _instant(form: Form, field: str) -> datetime | None:
    """Return a local date and time of Brasília as an instant, as browsers send it: ``2026-03-05T14:30``."""
    text = form.get(field, "").strip()
    if not text:
        return None
    try:
        local = datetime.strptime(text[:16], "%Y-%m-%dT%H:%M").replace(tzinfo=DESK_ZONE)
    except ValueError:
        raise Wrong(field, "no_instant") from None
    if not 2000 <= local.year < 2099:
        raise Wrong(field, "no_instant")
    return local.astimezone(UTC)


_ACTS: Mapping[str, Callable[[_Doing], TicketData]] = {
    "responded": _responded,
    "resolved": _resolved,
    "paused": _paused,
    "resumed": _resumed,
    "assigned": _assigned,
    "reclassified": _reclassified,
    "scheduled": _scheduled,
    "merged": _merged,
    "cancelled": _cancelled,
    "reopened": _reopened,
}
ACTS = tuple(_ACTS)
"""Every button; the type of its event is ``ticket.<name>``."""
