"""Policy rule 2: business hours Monday to Friday 07:00 to 19:00 in Brasília; outside of them emergencies, by phone only.

The services' clock is the real one. So that a mail comes outside hours whenever this is run, the catalog declares the day
of the run closed; telephone calls of the days before, told of by the exchange afterwards, show the hours themselves.
"""

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from deploy.local.policy.days import BRASILIA, CLOSES, DAY, at_desk, day_before, is_business, local, next_opening
from deploy.local.policy.stage import Stage, need
from deploy.local.policy.table import Shown, Story
from shared.catalog import load_directory
from shared.clock import to_us
from shared.events import Event

_MINUTE = timedelta(minutes=1)
_LINE_ENDS = time(8)
_HALF_HOUR_SECONDS = 1800  # the emergency target of the shipped catalog


class _Call(NamedTuple):
    name: str
    number: str
    at: datetime
    emergency: bool


async def run(stage: Stage) -> Shown:
    """Send a mail outside hours, and let calls ring inside and outside of them."""
    every_minute_belongs_to_a_window(stage.stack.var / "config" / "catalog", stage.closed_on)
    mailed, *rung = await asyncio.gather(_mail(stage), *(_ring(stage, call) for call in calls_before(stage.closed_on)))
    told = [f"{name} ({seen.data.ticket.service}, {seen.data.calendar})" for name, seen in rung]
    return Shown(
        [
            f"The catalog declares {stage.closed_on}, the day of this run, closed. A mail that came on it has its response"
            f" clock start on {local(mailed.data.counts_from)}, and the answer says so and gives the emergency number.",
            f"Missed calls, as service and calendar: {'; '.join(told)}. Emergencies got the emergency target of 30"
            " minutes.",
            "Every minute of a week lies in one of the two windows of the policy's text.",
        ],
        [mailed, *(seen for _, seen in rung)],
    )


async def _mail(stage: Stage) -> Event[Any]:
    contact = await stage.contact("davi@acme.example", "O sistema não abre hoje", "Urgente: o sistema não abre.")
    started = await stage.clock(contact.opened.subject, "response", "started")
    opening = next_opening(stage.closed_on)
    need(started.data.calendar == "business", "sla_timer: a mail runs on the emergency calendar")
    need(not started.data.ticket.emergency, "sla_timer: a mail became an emergency")
    counts_from = started.data.counts_from
    need(counts_from == opening, f"sla_timer: the clock starts on {counts_from}, not at the opening {opening}")
    told = all(word in contact.answer for word in local(opening).split())  # "26/11/2026 (quinta-feira), às 07:00"
    need(told, f"intake: the answer does not say that time counts from {local(opening)}")
    phone = stage.said()["emergency_phone"]
    need(phone in contact.answer, f"intake: the answer does not give the emergency number {phone}")
    return started


async def _ring(stage: Stage, call: _Call) -> tuple[str, Event[Any]]:
    opened = await stage.missed_call(call.number, call.at)
    started = await stage.clock(opened.subject, "response", "started")
    service, calendar = ("emergency-line", "always") if call.emergency else ("callback", "business")
    got = (opened.data.service, started.data.calendar, started.data.ticket.emergency)
    need(got == (service, calendar, call.emergency), f"a call {call.name} became {got}")
    if call.emergency:
        seconds = started.data.target_seconds
        need(seconds == _HALF_HOUR_SECONDS, f"sla_timer: an emergency has a target of {seconds} s")
        need(started.data.counts_from == call.at, "sla_timer: an emergency does not count from the call on")
    return f"{call.at.astimezone(BRASILIA):%a %H:%M:%S}", started


def calls_before(closed_on: date) -> list[_Call]:
    """Return calls at instants of the last working day and the last Saturday before ``closed_on``."""
    day, saturday = day_before(closed_on, *range(5)), day_before(closed_on, 5)
    return [
        _Call("at night", "62988880001", at_desk(day, time(3)), True),
        _Call("in the overlap", "62988880002", at_desk(day, time(7, 30)), False),
        _Call("by day", "62988880003", at_desk(day, time(10)), False),
        _Call("in the minute that the text leaves out", "62988880004", at_desk(day, time(19, 0, 30)), True),
        _Call("on Saturday", "62988880005", at_desk(saturday, time(15)), True),
    ]


def every_minute_belongs_to_a_window(catalog: Path, closed_on: date) -> None:
    """Raise ``Missing`` unless each minute of the week before lies in business hours or where the emergency line answers."""
    version = load_directory(catalog).for_start(to_us(at_desk(closed_on, time())))
    for at in _minutes(closed_on - 7 * DAY):
        business = is_business(at)
        line = at.weekday() >= 5 or at.time() >= CLOSES or at.time() < _LINE_ENDS
        need(
            version.business.is_open(to_us(at)) is business, f"the catalog's business hours are not the text's at {at}"
        )
        need(business or (line and version.always.is_open(to_us(at))), f"{at} belongs to no window")


def _minutes(first: date) -> Iterator[datetime]:
    return (at_desk(first, time()) + n * _MINUTE for n in range(7 * 24 * 60))


STORY = Story(2, "Mail waits for the opening; a call outside hours is an emergency", run)
