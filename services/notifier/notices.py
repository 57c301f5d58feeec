"""Events of ``notices.v1``: what was planned, sent, failed, suppressed, acknowledged. People are opaque ids.

A notice that tells of many alerts has one event for each of them: every ticket's topic history is whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.notifier.store.alerts import AlertKey
from services.notifier.store.notices import Claimed
from services.notifier.store.pages import Opened
from shared.events import Event, NoticeEscalated, NoticePlanned, event_id, new_event, type_name

SOURCE = "prazo/notifier"


def notice_event(
    kind: type[BaseModel], notice_id: str, key: AlertKey, at: datetime, *, n: int | str, **more: Any
) -> Event[Any]:
    """Return the event ``kind`` about a notice and one of its alerts; ``n`` tells repetitions apart, so a crash repeats
    the same id."""
    ticket_id, metric, cycle = key
    data = kind(notice_id=notice_id, ticket_id=ticket_id, metric=metric, cycle=cycle, **more)
    id_ = event_id(type_name(kind), notice_id, n, ticket_id, metric, cycle)
    return new_event(data, id=id_, source=SOURCE, subject=ticket_id, time=at)


def of_claimed(
    kind: type[BaseModel], claimed: Claimed, attempt: int, *, once: str = "", **more: Any
) -> list[Event[Any]]:
    """Return the event ``kind`` of an attempt of a claimed notice, one for each of its alerts; ``once`` tells apart what
    may happen before one attempt more than once."""
    said = {"person": claimed.person, "channel": claimed.channel, "attempt": attempt, **more}
    return [
        notice_event(kind, claimed.notice_id, m.key, claimed.now, n=once or attempt, step=m.position, **said)
        for m in claimed.members
    ]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page's step stands in its policy; ``escalates``: somebody was told before and did not acknowledge."""

    position: int
    escalates: bool


def of_opened(opened: Iterable[Opened], places: Mapping[int, Place], now: datetime) -> list[Event[Any]]:
    """Return what opening pages has to say: each notice is planned; a person beyond the first step is an escalation too."""
    events: list[Event[Any]] = []
    told = set[tuple[int, str]]()
    for one in opened:
        want, place = one.want, places.get(one.want.step_id or 0)
        position = None if place is None else place.position
        said = {"person": want.person, "channel": one.channel, "step": position}
        events.append(
            notice_event(NoticePlanned, one.notice_id, want.key, now, n=want.telling, due_at=one.due_at, **said)
        )
        if place is not None and place.escalates and (want.alert_id, want.person) not in told:
            told.add((want.alert_id, want.person))
            events.append(notice_event(NoticeEscalated, one.notice_id, want.key, now, n=1, **said))
    return events


def step_id_of(step_id: int) -> str:
    """Return what names a step that tells nobody, where a notice's id would stand."""
    return event_id("step", step_id)
