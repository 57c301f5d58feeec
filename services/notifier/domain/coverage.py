"""Is somebody reachable in every minute? Proven between the instants at which anything changes, not minute by minute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from services.notifier.domain.oncall import OnCall
from services.notifier.domain.policies import MANAGER, OF_THE_TICKET, Step
from services.notifier.domain.reach import hours_of, methods_of, people_of
from services.notifier.domain.rota import duty


class Hole(StrEnum):
    """Why nobody is told at once."""

    NOBODY_ON_DUTY = "nobody_on_duty"
    NO_METHOD = "no_method"
    """The people have no method that the step allows, or only loud ones, outside their hours."""


@dataclass(frozen=True, slots=True)
class Covered:
    """[start, end) of one step of a breach: ``people`` it means, and those of them who can be told at once."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    reachable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A hole: who falls due by ``step`` (its index in the file) of ``policy`` within [start, end) reaches nobody at once."""

    policy: str
    step: int
    start: datetime
    end: datetime
    hole: Hole
    people: tuple[str, ...]


def breach_steps(oncall: OnCall) -> Iterator[tuple[str, int, Step]]:
    """Yield (policy, index, step) of what is told of a breach and does not hang on a ticket's own people alone."""
    for name, policy in oncall.policies.items():
        for i, step in enumerate(policy.steps):
            if step.on == "breached" and not set(step.targets) <= OF_THE_TICKET:
                yield name, i, step


def is_for_emergencies(oncall: OnCall, policy: str) -> bool:
    """Tell whether only emergencies have this policy: then nobody's hours count."""
    rules = [choice for choice in oncall.choose if choice.policy == policy]
    return bool(rules) and all(choice.emergency is True for choice in rules)


def covered(oncall: OnCall, policy: str, step: Step, start: datetime, end: datetime) -> Sequence[Covered]:
    """Return who is told when by one step, for what falls due within [start, end), joined where nothing changes."""
    emergency = is_for_emergencies(oncall, policy)
    found: list[Covered] = []
    for a, b in pairwise(sorted(set(_edges(oncall, step, emergency, start, end)))):
        people = tuple(dict.fromkeys(id_ for target in step.targets for id_ in people_of(oncall, target, a)))
        reachable = tuple(id_ for id_ in people if _is_reachable(oncall, id_, a, emergency, step))
        if found and (found[-1].people, found[-1].reachable) == (people, reachable):
            found[-1] = replace(found[-1], end=b)
        else:
            found.append(Covered(a, b, people, reachable))
    return found


def findings(oncall: OnCall, start: datetime, end: datetime) -> Iterator[Finding]:
    """Yield every hole of every policy within [start, end), by policy, step and time."""
    for policy, i, step in breach_steps(oncall):
        for span in covered(oncall, policy, step, start, end):
            if not span.reachable:
                hole = Hole.NO_METHOD if span.people else Hole.NOBODY_ON_DUTY
                yield Finding(policy, i, span.start, span.end, hole, span.people)


def _is_reachable(oncall: OnCall, person: str, at: datetime, emergency: bool, step: Step) -> bool:
    methods = oncall.people[person].methods
    return any(
        one.due_at == at + methods[one.index].after for one in methods_of(oncall, person, at, emergency, step.by)
    )


def _edges(oncall: OnCall, step: Step, emergency: bool, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield every instant at which the answer may change, with ``start`` and ``end``."""
    yield from (start, end)
    people = set[str]()
    for target in _flat(oncall, step.targets):
        if target in oncall.rotations:
            spans = duty(oncall, target, start, end)
            yield from (span.start for span in spans)
            people |= {span.person for span in spans if span.person is not None}
        else:
            people.add(target)
    if not emergency:
        for person in people:
            yield from _quiet_edges(oncall, person, start, end)


def _flat(oncall: OnCall, targets: Sequence[str]) -> Iterator[str]:
    """Yield the people and rotations behind targets."""
    for target in targets:
        if target == MANAGER:
            yield from _flat(oncall, oncall.manager)
        elif target in oncall.teams:
            yield from oncall.teams[target]
        elif target not in OF_THE_TICKET:
            yield target


def _quiet_edges(oncall: OnCall, person: str, start: datetime, end: datetime) -> Iterator[datetime]:
    known = oncall.people[person]
    for after in {method.after for method in known.methods if oncall.channels[method.by].loud}:
        for interval in hours_of(oncall, known, start + after, end + after):
            yield from (edge - after for edge in interval)
