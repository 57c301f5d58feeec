"""Events of ``notices.v1``: what was planned, sent, failed, suppressed, acknowledged. People are opaque ids."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.notifier.store import AlertKey, Delivery
from shared.events import Event, event_id, new_event, type_name

SOURCE = "prazo/notifier"


def notice_id(delivery_id: int) -> str:
    """Return the public id of a delivery."""
    return event_id("notice", delivery_id)


def notice(kind: type[BaseModel], delivery: Delivery, n: int, **more: Any) -> Event[Any]:
    """Return the event ``kind`` of a claimed delivery; ``n`` tells repetitions apart."""
    body = {"person": delivery.person, "step": delivery.step, "attempt": delivery.attempt, **more}
    return notice_of(kind, delivery.delivery_id, delivery.key, delivery.now, n=n, **body)


def notice_of(
    kind: type[BaseModel], delivery_id: int, key: AlertKey, at: datetime, *, n: int, **more: Any
) -> Event[Any]:
    """Return the event ``kind`` of any delivery; its id is deterministic, so a crash repeats it."""
    ticket_id, metric, cycle = key
    data = kind(
        notice_id=notice_id(delivery_id), ticket_id=ticket_id, metric=metric, cycle=cycle, channel="email", **more
    )
    return new_event(data, id=event_id(type_name(kind), delivery_id, n), source=SOURCE, subject=ticket_id, time=at)
