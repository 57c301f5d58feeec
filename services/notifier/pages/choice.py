"""To whom an alert can be passed on: who comes next first, then whom the policy names, then everybody else by name."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from services.notifier.domain.facts import Facts
from services.notifier.domain.reach import policy_of
from services.notifier.handlers.duty import Duty
from services.notifier.story import Next
from services.notifier.wording import clip, line

MOST = 60
_NAME_BYTES = 60


class Choice(NamedTuple):
    """Somebody to pass on to."""

    person: str
    name: str


def choice_of(duty: Duty, me: str, facts: Facts, following: Next | None, now: datetime) -> Sequence[Choice]:
    """Return at most ``MOST`` people beside ``me``, each once."""
    found = dict.fromkeys(person for person in _in_order(duty, facts, following, now) if person != me)
    people = duty.oncall.people
    return [Choice(person, clip(line(people[person].name), _NAME_BYTES)) for person in list(found)[:MOST]]


def _in_order(duty: Duty, facts: Facts, following: Next | None, now: datetime) -> Iterator[str]:
    if following is not None:
        yield from following.people
    _, policy = policy_of(duty.oncall, facts)
    for step in policy.steps:
        if step.on == "breached":
            for target in step.targets:
                yield from duty.people(target, now, facts)
    yield from duty.people("manager", now, facts)
    yield from sorted(duty.oncall.people, key=lambda person: duty.oncall.people[person].name.casefold())
