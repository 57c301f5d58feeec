"""What of a clock's event decides who is told, and how."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.events import Event


@dataclass(frozen=True, slots=True)
class Facts:
    """Of an alert's last event. Without one that can be read everything is unknown: nobody is passed over for that."""

    metric: str
    client: str | None = None
    service: str | None = None
    priority: str | None = None
    channel: str | None = None
    emergency: bool = False
    assignee: str | None = None
    coverage: str = "unknown"
    chargeable: str = "no"
    due_at: datetime | None = None

    @property
    def concerns_account_manager(self) -> bool:
        """Tell whether no contract covers the ticket, or it may be charged (policy rules 3, 9, 11 and 12)."""
        return self.coverage == "none" or self.chargeable != "no"


def facts_of(metric: str, event: Event[Any] | None) -> Facts:
    """Return the facts of a clock of ``metric`` from its event."""
    if event is None:
        return Facts(metric)
    data, ticket = event.data, event.data.ticket
    return Facts(
        metric,
        data.client_id,
        ticket.service,
        ticket.priority,
        ticket.channel,
        ticket.emergency,
        ticket.assignee,
        ticket.coverage,
        ticket.chargeable,
        data.due_at,
    )
