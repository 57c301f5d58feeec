"""Whom a target means at an instant, how each is reached, which policy an alert has, and whether work is announced."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.notifier.domain.facts import Facts
from services.notifier.domain.oncall import OnCall
from services.notifier.domain.people import Person
from services.notifier.domain.policies import ACCOUNT_MANAGER, ASSIGNEE, MANAGER, Choice, Policy, Window
from services.notifier.domain.rota import person_on
from services.notifier.domain.wall_time import Interval, never, open_intervals

_LOOKED_AHEAD = (timedelta(days=8), timedelta(days=60), timedelta(days=800))


@dataclass(frozen=True, slots=True)
class MethodAt:
    """A person's method ``index`` (in the file's order): by which channel, to which address, and from when on."""

    index: int
    channel: str
    to: str
    due_at: datetime


def policy_of(oncall: OnCall, facts: Facts) -> tuple[str, Policy]:
    """Return the policy, with its name, of the first rule that fits; the last one always does."""
    name = next(choice.policy for choice in oncall.choose if _fits(choice, facts))
    return name, oncall.policies[name]


def _fits(choice: Choice, facts: Facts) -> bool:
    return (
        choice.emergency in (None, facts.emergency)
        and (not choice.services or facts.service in choice.services)
        and (not choice.priorities or facts.priority in choice.priorities)
        and (not choice.clients or facts.client in choice.clients)
        and (not choice.metrics or facts.metric in choice.metrics)
        and (not choice.channels or facts.channel in choice.channels)
    )


def people_of(
    oncall: OnCall, target: str, at: datetime, assignee: str | None = None, account_manager: str | None = None
) -> tuple[str, ...]:
    """Return the ids of the people that ``target`` means at ``at``, each once, in order; none is nobody.

    ``assignee`` and ``account_manager`` are what the ticket names: an agent's id, a person's or a team's.
    """
    match target:
        case "assignee":
            return _named(oncall, assignee, at)
        case "account_manager":
            return _named(oncall, account_manager, at)
        case "manager":
            return _each(oncall, oncall.manager, at)
        case _:
            return _known(oncall, target, at)


def _named(oncall: OnCall, name: str | None, at: datetime) -> tuple[str, ...]:
    if name is None or name in (ASSIGNEE, ACCOUNT_MANAGER, MANAGER):
        return ()
    known = _known(oncall, name, at)
    return known or tuple(id_ for id_, person in oncall.people.items() if name in person.agents)


def _known(oncall: OnCall, name: str, at: datetime) -> tuple[str, ...]:
    if name in oncall.people:
        return (name,)
    if name in oncall.rotations:
        person = person_on(oncall, name, at)
        return () if person is None else (person,)
    return _each(oncall, oncall.teams.get(name, ()), at)


def _each(oncall: OnCall, targets: Sequence[str], at: datetime) -> tuple[str, ...]:
    """``targets`` is never a team within a team: the file's check refuses that."""
    return tuple(dict.fromkeys(id_ for target in targets for id_ in _known(oncall, target, at)))


def methods_of(
    oncall: OnCall, person: str, at: datetime, emergency: bool, by: tuple[str, ...] = ()
) -> Sequence[MethodAt]:
    """Return how to reach a person for a step that falls due at ``at``, in the person's order; none for a stranger.

    ``by`` leaves only channels of these names or kinds. A loud method that would be used outside the person's hours, for
    what is no emergency, waits for their next opening; all others are due after the wait that the file gives them.
    """
    known = oncall.people.get(person)
    if known is None:
        return ()
    found = []
    for index, method in enumerate(known.methods):
        channel = oncall.channels[method.by]
        if by and method.by not in by and channel.kind not in by:
            continue
        due_at = at + method.after
        if channel.loud and not emergency:
            due_at = _next_open(oncall, known, due_at)
        found.append(MethodAt(index, method.by, method.to, due_at))
    return found


def hours_of(oncall: OnCall, person: Person, start: datetime, end: datetime) -> Sequence[Interval]:
    """Return when, within [start, end), loud methods may be used for what is no emergency."""
    if not person.hours:
        return [(start, end)]
    holiday = oncall.holidays[person.holidays].has if person.holidays else never
    return open_intervals(person.hours, holiday, ZoneInfo(person.zone), start, end)


def _next_open(oncall: OnCall, person: Person, at: datetime) -> datetime:
    """Return the next opening, ``at`` itself within hours; ``at`` also of hours that never open: late is worse than loud."""
    if not person.hours:
        return at
    for ahead in _LOOKED_AHEAD:
        for opens, _ in hours_of(oncall, person, at, at + ahead):
            return opens
    return at


def in_maintenance(oncall: OnCall, client: str | None, service: str | None, at: datetime) -> Window | None:
    """Return the first window of maintenance that holds at ``at`` for the client and the service, or None."""
    for window in oncall.maintenance:
        holds = window.from_ <= at < window.to
        ours = (not window.clients or client in window.clients) and (not window.services or service in window.services)
        if holds and ours:
            return window
    return None
