"""``notifier coverage``: who is on call, and every minute in which a breach would reach nobody."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from services.notifier.configuration import read_oncall
from services.notifier.domain.coverage import Covered, Finding, breach_steps, covered, findings
from services.notifier.domain.oncall import OnCall
from services.notifier.domain.policies import Step
from services.notifier.domain.rota import Span, duty
from shared import clock
from shared.commands import FINDINGS, FINE, USAGE
from shared.config import Misconfigured

_MOST_DAYS = 366
_YEARS = range(2000, 2099)
_SAID = {"nobody_on_duty": "nobody is on duty", "no_method": "no method that may be used then"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Prints who is on duty in each rotation, in the rotation's zone, and whom each step of a breach reaches; then every"
        " hole as a finding (exit code 1): a time in which a step finds nobody on duty, or nobody with a method that may be"
        " used at once. Needs no server. What a ticket itself names (assignee, account_manager) counts as nobody."
    )
    parser.add_argument("--days", type=int, default=14, help=f"how far to look, at most {_MOST_DAYS} (default 14)")
    parser.add_argument("--at", metavar="INSTANT", help="RFC 3339 with offset, from which on; default: now")
    parser.add_argument("--config", type=Path, default=Path("deploy/config"), metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="one JSON object: from, to, rotations, steps, findings")


def run(arguments: argparse.Namespace) -> int:
    """Print the answer; return 0, 1 with findings, or 2 when an argument or the configuration cannot be used."""
    try:
        start = _start(arguments.at)
        if not 1 <= arguments.days <= _MOST_DAYS:
            raise ValueError(f"--days: must be 1 to {_MOST_DAYS}")
        oncall = read_oncall(arguments.config, start)
    except (ValueError, Misconfigured) as error:
        print(f"coverage: {error}", file=sys.stderr)
        return USAGE
    end = start + timedelta(days=arguments.days)
    holes = list(findings(oncall, start, end))
    if arguments.json:
        print(orjson.dumps(_as_json(oncall, start, end, holes), option=orjson.OPT_UTC_Z).decode())
    else:
        print("\n".join(_lines(oncall, start, end, holes)))
    return FINDINGS if holes else FINE


def _start(said: str | None) -> datetime:
    """Return the whole minute at or before the instant said, or now."""
    try:
        at = clock.now() if said is None else datetime.fromisoformat(said)
    except ValueError:
        at = datetime.min  # noqa: DTZ901  # refused below
    if at.tzinfo is None or at.year not in _YEARS:
        raise ValueError(f"--at: must be RFC 3339 with an offset, {_YEARS[0]} to {_YEARS[-1]}")
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _as_json(oncall: OnCall, start: datetime, end: datetime, holes: Sequence[Finding]) -> Mapping[str, Any]:
    return {
        "from": start,
        "to": end,
        "rotations": {name: [_span(span) for span in duty(oncall, name, start, end)] for name in oncall.rotations},
        "steps": [
            {
                "policy": policy,
                "step": i,
                "after_seconds": int(step.after.total_seconds()),
                "covered": [_covered(span) for span in covered(oncall, policy, step, start, end)],
            }
            for policy, i, step in breach_steps(oncall)
        ],
        "findings": [
            {
                "policy": hole.policy,
                "step": hole.step,
                "from": hole.start,
                "to": hole.end,
                "reason": hole.hole,
                "people": hole.people,
            }
            for hole in holes
        ],
    }


def _span(span: Span) -> Mapping[str, Any]:
    return {"from": span.start, "to": span.end, "person": span.person, "why": span.why, "by": span.rotation}


def _covered(span: Covered) -> Mapping[str, Any]:
    return {"from": span.start, "to": span.end, "people": span.people, "reachable": span.reachable}


def _lines(oncall: OnCall, start: datetime, end: datetime, holes: Sequence[Finding]) -> Iterator[str]:
    for name, rotation in oncall.rotations.items():
        yield f"{name} ({rotation.zone})"
        zone = ZoneInfo(rotation.zone)
        for span in duty(oncall, name, start, end):
            by = "" if span.rotation == name else f" of {span.rotation}"
            yield f"  {_between(span.start, span.end, zone)}  {_person(oncall, span.person):<24}  {span.why}{by}"
    for policy, i, step in breach_steps(oncall):
        yield _step(oncall, policy, i, step, start, end)
    for hole in holes:
        zone = ZoneInfo(_zone_of(oncall, oncall.policies[hole.policy].steps[hole.step]))
        who = f": {', '.join(hole.people)}" if hole.people else ""
        when = f"{_between(hole.start, hole.end, zone)} {zone.key}"
        yield f"HOLE {hole.policy}.steps.{hole.step}  {when}  {_SAID[hole.hole]}{who}"
    days = (end - start).days
    yield (
        f"{len(holes)} {'hole' if len(holes) == 1 else 'holes'} in {days} days"
        if holes
        else f"no holes: every minute of {days} days is covered"
    )


def _step(oncall: OnCall, policy: str, i: int, step: Step, start: datetime, end: datetime) -> str:
    spans = covered(oncall, policy, step, start, end)
    reached = sum((span.end - span.start for span in spans if span.reachable), timedelta())
    people = dict.fromkeys(id_ for span in spans for id_ in span.reachable)
    share = reached / (end - start) * 100
    minutes = int(step.after.total_seconds()) // 60
    text = f"{policy}.steps.{i}  breached +{minutes} min → {', '.join(step.targets)}"
    return (
        f"{text}: {'covered' if reached == end - start else f'{share:.2f}% covered'} by {', '.join(people) or 'nobody'}"
    )


def _between(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    return f"{start.astimezone(zone):%a %Y-%m-%d %H:%M%z} – {end.astimezone(zone):%a %Y-%m-%d %H:%M%z}"


def _person(oncall: OnCall, person: str | None) -> str:
    return "— nobody —" if person is None else f"{oncall.people[person].name} ({person})"


def _zone_of(oncall: OnCall, step: Step) -> str:
    """Return the zone in which a hole of a step is told: that of its first rotation, else of its first person."""
    for target in step.targets:
        for name in (target, *oncall.teams.get(target, ())):
            known = oncall.rotations.get(name) or oncall.people.get(name)
            if known is not None:
                return known.zone
    return "UTC"
