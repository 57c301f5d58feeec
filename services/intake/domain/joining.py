"""What a mail means for the ticket that it belongs to. Pure.

A customer's mail ends a wait for the customer and opens again what was resolved; both are said of every such mail, for at
its own instant it changes nothing where there was nothing to end (semantics of a clock), and our view may lag.
"""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from services.intake.domain.contact import Contact

Became = Literal["opened", "reply", "answer", "machine", "copy", "own"]

_MACHINE = frozenset(
    {"null_sender", "report", "auto_replied", "auto_submitted", "away_subject", "autoresponder", "robot_address"}
)
"""Written by no person; a list, or somebody who wants no automatic answers, is one."""


class Standing(NamedTuple):
    """Where a ticket stands; ``closed_at`` is None while it is open."""

    ticket_id: str
    state: str
    client_id: str | None
    contact_ref: str | None
    closed_at: datetime | None


def takes(standing: Standing, received_at: datetime, open_for: timedelta) -> bool:
    """Tell whether a ticket still takes mail: not once it was cancelled, nor long after its resolution."""
    if standing.state == "cancelled":
        return False
    resolved_at = standing.closed_at if standing.state == "resolved" else None
    return resolved_at is None or received_at - resolved_at <= open_for


def is_known_to(found: Contact, contact_ref: str | None, standing: Standing) -> bool:
    """Tell whether a sender may name a ticket: its own contact, somebody of its client, or an agent who is proved.

    A CNPJ does not count here: anybody can write one.
    """
    if found.relation.agent is not None and found.relation.verified:
        return True
    if found.relation.verified is False:
        return False
    if contact_ref is not None and contact_ref == standing.contact_ref:
        return True
    return (
        found.client_id is not None
        and found.client_by in ("address", "domain")
        and found.client_id == standing.client_id
    )


def joins_as(found: Contact) -> Became:
    """Return what a mail of a ticket's thread is to it."""
    relation = found.relation
    if relation.ours:
        return "own"
    if _MACHINE.intersection(found.automatic) or found.discarded is not None:
        return "machine"
    return "answer" if is_answer(found) else "reply"


def is_answer(found: Contact) -> bool:
    """Tell whether an agent answered the customer: authenticated by our own server, the support mailbox in copy."""
    relation = found.relation
    return relation.agent is not None and relation.verified is True and relation.to_desk


def moves_clocks(found: Contact) -> bool:
    """Tell whether a reply is a customer's who wants something: not of an agent (proved or not), not only thanks."""
    return found.relation.agent is None and not found.relation.own_address and not found.thanks
