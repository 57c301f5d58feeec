"""One example of every type that may be published; each is taken as it stands by a service that knows the source ``crm/``."""

from collections.abc import Mapping
from typing import Any

_TICKET = "CRM-4821"
DATA: Mapping[str, Mapping[str, Any]] = {
    "ticket.action_started": {"ticket_id": _TICKET, "by": "ana"},
    "ticket.assigned": {"ticket_id": _TICKET, "assignee": "ana"},
    "ticket.cancelled": {"ticket_id": _TICKET, "by": "ana"},
    "ticket.exempted": {
        "ticket_id": _TICKET,
        "metric": "action",
        "reason_code": "sefaz_outage",
        "approved_by": "bruno",
    },
    "ticket.merged": {"ticket_id": _TICKET, "into": "CRM-4800", "by": "ana"},
    "ticket.opened": {
        "ticket_id": _TICKET,
        "service": "nfe-emission",
        "channel": "portal",
        "title": "Rejeição 204 ao emitir NF-e",
        "client_id": "acme",
        "priority": "high",
        "rejection_codes": ["204"],
    },
    "ticket.paused": {"ticket_id": _TICKET, "reason": "waiting_customer"},
    "ticket.reclassified": {"ticket_id": _TICKET, "priority": "urgent", "why": "no invoice can be issued", "by": "ana"},
    "ticket.reopened": {"ticket_id": _TICKET, "by": "ana"},
    "ticket.resolved": {"ticket_id": _TICKET, "by": "ana"},
    "ticket.responded": {"ticket_id": _TICKET, "by": "ana"},
    "ticket.resumed": {"ticket_id": _TICKET, "reason": "waiting_customer"},
    "ticket.scheduled": {
        "ticket_id": _TICKET,
        "starts_at": "2026-03-09T14:00:00-03:00",
        "ends_at": "2026-03-09T16:00:00-03:00",
        "moved_by": "client",
    },
}


def example(name: str, way: str = "single") -> dict[str, Any]:
    """Return an event of a type; its id is one of its own for each ``way`` in which it is shown."""
    return {
        "specversion": "1.0",
        "id": f"example-{way}-{name}",
        "source": "crm/production",
        "type": name,
        "subject": _TICKET,
        "time": "2026-03-05T08:00:00-03:00",
        "data": dict(DATA[name]),
    }
