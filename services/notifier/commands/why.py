"""``notifier why``: who was told of a ticket, when, by what, what came back, what is next, and why."""

import argparse
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from services.notifier.commands.online import carry_out, database
from services.notifier.configuration import read_account_managers, read_oncall
from services.notifier.domain.facts import facts_of
from services.notifier.handlers.duty import Duty
from services.notifier.settings import Settings
from services.notifier.store import queries
from services.notifier.store.alerts import event_of
from shared import clock
from shared.commands import FINDINGS, FINE, printable, settings_of

_REASONS = {
    "acknowledged": "somebody had taken it",
    "ended": "the clock had ended",
    "overtaken": "a louder or newer telling took its place",
    "paused": "the clock was paused",
    "rescheduled": "the deadline had moved",
    "maintenance": "a maintenance window held",
    "nobody_on_call": "nobody was on call with a method that works",
    "lease_ended": "the process died in the act: the outcome is unknown",
    "gave_up": "nobody took it for an hour",
    "bounced": "the mail came back undeliverable",
    "promise_changed": "the promise was changed, undone or kept",
    "rate_limited": "the method had enough of this minute",
}
_SAID = (
    *("ticket_id", "metric", "cycle", "loudness", "suspended", "ended_as", "due_at", "telling"),
    *("acknowledged_by", "acknowledged_at", "promised_until", "broken_by"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = "Exit code 1: nothing is known of it."
    parser.add_argument("of", metavar="NOTICE|TICKET", help="a notice's id, else a ticket's")
    parser.add_argument("--json", action="store_true", help="the same facts as one JSON object per alert")


def run(arguments: argparse.Namespace) -> int:
    """Print the story of every alert; return 0, 1 for an unknown id, 2 for wrong settings, 3 without a database."""
    return carry_out("why", lambda: _run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    found = settings_of(Settings)
    async with database(found) as pool:
        duty = Duty(pool, read_oncall(found.config_dir, clock.now()), "", read_account_managers(found.config_dir))
        alerts = await _alerts(pool, arguments.of)
        for alert in alerts:
            story = await _story(duty, alert)
            if arguments.json:
                print(orjson.dumps(story, option=orjson.OPT_UTC_Z).decode())
            else:
                print("\n".join(_lines(story)))
    if not alerts:
        print(f"why: nothing is known of {printable(arguments.of)}: no alert of such a ticket, no such notice")
    return FINE if alerts else FINDINGS


async def _alerts(pool: Any, of: str) -> Sequence[Any]:
    tickets = [row async for row in queries.alerts_of_ticket(pool, ticket_id=of)]
    if tickets:
        return tickets
    try:
        notice_id = uuid.UUID(of)
    except ValueError:
        return ()
    return [row async for row in queries.alerts_of_notice(pool, notice_id=notice_id)]


async def _story(duty: Duty, alert: Any) -> Mapping[str, Any]:
    """Return what is known of one alert; ``steps`` and ``notices`` in the order of time."""
    facts = facts_of(alert["metric"], event_of(alert["event"], alert["alert_id"]))
    steps = [dict(row) async for row in queries.steps_of(duty.pool, alert_id=alert["alert_id"])]
    for step in steps:
        at = step["due_at"] if step["state"] == "planned" else None
        step["people"] = [p for target in step["targets"] if target and at for p in duty.people(target, at, facts)]
    notices = [dict(row) async for row in queries.notices_of(duty.pool, alert_id=alert["alert_id"])]
    for notice in notices:
        notice["notice_id"] = str(notice["notice_id"])
    return {name: alert[name] for name in _SAID} | {"steps": steps, "notices": notices}


def _lines(story: Mapping[str, Any]) -> Iterator[str]:
    yield f"{printable(story['ticket_id'])} {story['metric']}/{story['cycle']}: {_state(story)}"
    happened = [(n["accepted_at"] or n["due_at"], _notice(n)) for n in story["notices"]]
    happened += [(s["done_at"], _skipped(s)) for s in story["steps"] if s["done_at"] and s["reason"]]
    for at, said in sorted(happened, key=lambda one: one[0]):
        yield f"  {_at(at)}  {said}"
    planned = [s for s in story["steps"] if s["state"] == "planned"]
    for step in planned:
        yield f"  {_at(step['due_at'])}  NEXT: {_next(step)}"
    if not planned:
        yield f"  nothing to come: {_why_nothing(story)}"


def _state(story: Mapping[str, Any]) -> str:
    due = "no deadline" if story["due_at"] is None else f"due {_at(story['due_at'])}"
    ended = f" ({story['ended_as']})" if story["ended_as"] else ""
    taken = ""
    if story["acknowledged_by"]:
        until = "" if story["promised_until"] is None else f" until {_at(story['promised_until'])}"
        taken = f"; taken by {printable(story['acknowledged_by'])} at {_at(story['acknowledged_at'])}{until}"
    broken = f"; {printable(story['broken_by'])} had promised and did not answer" if story["broken_by"] else ""
    return f"{story['loudness']}{ended}, {due}{taken}{broken}{'; paused' if story['suspended'] else ''}"


def _notice(notice: Mapping[str, Any]) -> str:
    what = f"{notice['word']} to {printable(notice['person'])} by {notice['channel']}: {notice['state']}"
    why = f" ({_REASONS.get(notice['reason'], notice['reason'])})" if notice["reason"] else ""
    tries = f", attempt {notice['attempt']}" if notice["attempt"] > 1 else ""
    doubt = ", once or more with an unknown outcome" if notice["doubtful"] else ""
    wait = f", goes {_at(notice['next_at'])}" if notice["state"] == "planned" else ""
    quiet = " (waits for the person's hours)" if notice["quiet"] and notice["state"] == "planned" else ""
    many = ", on a page of many" if notice["gathers"] else ""
    return f"{what}{why}{tries}{doubt}{wait}{quiet}{many}  [{notice['notice_id']}]"


def _skipped(step: Mapping[str, Any]) -> str:
    who = f" of {'+'.join(step['targets'])}" if any(step["targets"]) else ""
    return f"step {step['word']} {step['round']}.{step['position']}{who}: {step['state']}, {_REASONS.get(step['reason'], step['reason'])}"


def _next(step: Mapping[str, Any]) -> str:
    if step["act"] == "again":
        return f"round {step['round'] + 1} of all steps, if nobody takes it"
    if step["act"] == "release":
        return "the promise ends: told anew, if there is no answer"
    people = ", ".join(map(printable, step["people"])) or "nobody as the rota stands"
    wait = f" ({_REASONS['maintenance']})" if step["reason"] == "maintenance" else ""
    return f"{step['word']} to {'+'.join(step['targets'])} = {people}, if nobody takes it{wait}"


def _why_nothing(story: Mapping[str, Any]) -> str:
    if story["loudness"] == "ended":
        return "the clock ended"
    if story["loudness"] == "breached":
        return "a defect, the auditor mends it within a minute"
    return "the clock's next warning or breach will tell"


def _at(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
