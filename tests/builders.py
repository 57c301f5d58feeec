"""Short ways to say what tests are about: instants, catalogs, ticket events."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from services.sla_timer.domain.journal import Fact
from shared.catalog import Catalogs, load
from shared.clock import from_us, to_us
from shared.events import Event, decode_json

CATALOG: dict[str, Any] = {
    "schema": "prazo.catalog/1",
    "version": "t1",
    "effective_from": "2000-01-01T00:00:00-03:00",
    "calendars": {"business": {"zone": "America/Sao_Paulo", "day": "12h", "week": {"mon-fri": ["07:00-19:00"]}}},
    "priorities": ["high", "medium"],
    "defaults": {
        "priority": "medium",
        "calendar": "business",
        "triage": "triage",
        "warnings": ["50%", "80%", "30m"],
        "pauses": {"response": [], "action": ["waiting_customer", "customer_infrastructure", "third_party"]},
    },
    "services": {
        "triage": {
            "name": {"en": "Triage"},
            "targets": {"high": {"response": "1h", "action": "4h"}, "medium": {"response": "2h", "action": "1bd"}},
        }
    },
}


def us(text: str) -> int:
    """Return the microseconds of a local São Paulo (-03:00) ``YYYY-MM-DD HH:MM[:SS]``, or of a full RFC 3339 instant."""
    full = text if "T" in text else f"{text.replace(' ', 'T')}-03:00"
    return to_us(datetime.fromisoformat(full))


def catalog_file(folder: Path, **changes: Any) -> Path:
    """Write the test catalog with top-level ``changes`` and return its path."""
    path = folder / "catalog.yaml"
    path.write_text(yaml.safe_dump({**CATALOG, **changes}, sort_keys=False), encoding="utf-8")
    return path


def catalogs(folder: Path, **changes: Any) -> Catalogs:
    """Return the test catalog as the only version."""
    return Catalogs([load(catalog_file(folder, **changes))])


def ticket_event(type_: str, at: str, ticket: str = "T1", **data: Any) -> Event[Any]:
    """Return a ticket event; an opening gets what it must have."""
    if type_ == "opened":
        data = {"service": "triage", "channel": "email", "title": "t", **data}
    return decode_json(
        {
            "specversion": "1.0",
            "id": f"{type_}@{at}{data.get('reason') or ''}",
            "source": "test",
            "type": f"ticket.{type_}",
            "subject": ticket,
            "time": from_us(us(at)).isoformat(),
            "data": {"ticket_id": ticket, **data},
        }
    )


def facts(*events: Event[Any]) -> Sequence[Fact]:
    """Return the facts of events that arrived when they happened."""
    return [Fact.of(event, event.time) for event in events]
