"""Who is told when: the policy's steps, laid out from the event on; nobody acknowledges → the next, then all over again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.notifier.domain.oncall import OnCall
from services.notifier.domain.policies import Policy, Step
from services.notifier.domain.reach import people_of


class Word(StrEnum):
    """What a delivery says; ``exhausted`` goes to nobody: it records that every step was used."""

    WARNING = "warning"
    BREACHED = "breached"
    ALL_CLEAR = "all_clear"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class Planned:
    """One delivery to come. ``step`` counts over the repetitions, so (word, step) is unique within an alert's telling;
    ``round`` is which repetition it belongs to."""

    word: Word
    step: int
    person: str | None
    due_at: datetime
    round: int = 0


def plan_warning(oncall: OnCall, threshold: str, at: datetime) -> Iterator[Planned]:
    """Yield the deliveries of a warning of ``threshold``."""
    for i, step in enumerate(_policy(oncall).steps):
        person = _first(oncall, step, at)
        if step.on in ("warning", f"warning {threshold}") and person is not None:
            yield Planned(Word.WARNING, i, person, at + step.after)


def plan_breach(oncall: OnCall, at: datetime) -> Iterator[Planned]:
    """Yield every step of a breach told at ``at``, its bounded repetitions, and the record that all were used."""
    policy = _policy(oncall)
    steps: list[Step] = [step for step in policy.steps if step.on == "breached"]
    span = max(step.after for step in steps) + policy.repeat_every
    for round_ in range(policy.repeats + 1):
        for i, step in enumerate(steps):
            due_at = at + round_ * span + step.after
            person = _first(oncall, step, due_at)
            if person is not None:
                yield Planned(Word.BREACHED, round_ * len(steps) + i, person, due_at, round_)
    yield Planned(Word.EXHAUSTED, 0, None, at + (policy.repeats + 1) * span)


def _policy(oncall: OnCall) -> Policy:
    return oncall.policies[oncall.choose[-1].policy]


def _first(oncall: OnCall, step: Step, at: datetime) -> str | None:
    return next((id_ for target in step.targets for id_ in people_of(oncall, target, at)), None)
