"""Which steps of a policy an event sets in motion, and when each is due. Who is told is decided when a step is due."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.notifier.domain.alert import Alert, Loudness
from services.notifier.domain.message import Word
from services.notifier.domain.policies import Policy

EXHAUSTED_EVERY = timedelta(hours=1)
"""How long after its last round a breach that nobody took is told through all steps again; for ever."""

PROMISE = timedelta(minutes=30)
"""The promise of who takes a breached alert and says no more."""


class Act(StrEnum):
    """What a step does when it is due."""

    TELL = "tell"  # its targets
    AGAIN = "again"  # plan the next round
    RELEASE = "release"  # a promise has ended: the alert is told anew


@dataclass(frozen=True, slots=True)
class Step:
    """One step to come of one alert's telling. (telling, act, word, threshold, round, position) is its identity.

    ``by``: names or kinds of the channels that it may use; none: all of the person's.
    """

    act: Act
    word: Word
    due_at: datetime
    threshold: str = ""
    round: int = 0
    position: int = 0
    to: Sequence[str] = ()
    by: Sequence[str] = ()


def steps_of_start(policy: Policy, to_account_manager: bool, at: datetime) -> Iterator[Step]:
    """Yield who is told that a clock began; of a ticket without contract, or that is charged, the account manager."""
    for i, step in enumerate(policy.steps):
        if step.on == "started":
            yield Step(Act.TELL, Word.STARTED, at + step.after, position=i, to=step.targets, by=step.by)
    if to_account_manager:
        yield Step(Act.TELL, Word.ACCOUNT, at, position=len(policy.steps), to=("account_manager",))


def steps_of_warning(policy: Policy, threshold: str, at: datetime) -> Iterator[Step]:
    """Yield the steps of a warning of ``threshold``."""
    for i, step in enumerate(policy.steps):
        if step.on in ("warning", f"warning {threshold}"):
            yield Step(Act.TELL, Word.WARNING, at + step.after, threshold, position=i, to=step.targets, by=step.by)


def steps_of_breach(policy: Policy, at: datetime, round_: int = 0) -> Iterator[Step]:
    """Yield one round through the steps of a breach, and the step that will plan the next one; it never ends by itself."""
    steps = [(i, step) for i, step in enumerate(policy.steps) if step.on == "breached"]
    for i, step in steps:
        yield Step(Act.TELL, Word.BREACHED, at + step.after, round=round_, position=i, to=step.targets, by=step.by)
    rest = policy.repeat_every if round_ < policy.repeats else EXHAUSTED_EVERY
    again_at = at + max(step.after for _, step in steps) + rest
    yield Step(Act.AGAIN, Word.BREACHED, again_at, round=round_ + 1)


def steps_of_telling(policy: Policy, alert: Alert, at: datetime) -> Iterator[Step]:
    """Yield the steps of an open alert whose telling begins now."""
    if alert.loudness is Loudness.BREACHED:
        yield from steps_of_breach(policy, at)
    elif alert.loudness is Loudness.WARNED:
        yield from steps_of_warning(policy, alert.threshold, at)


def promise_of(alert: Alert, due_at: datetime | None, now: datetime, chosen: timedelta | None) -> datetime | None:
    """Return until when somebody who takes an alert now has it: as long as ``chosen``, else the time that is left.

    None: the clock is paused, or nothing is left to wait for but the breach itself, which tells anew.
    """
    if chosen is not None:
        return now + chosen
    if alert.loudness is Loudness.BREACHED:
        return now + PROMISE
    return due_at


def release_of(alert: Alert, due_at: datetime | None) -> datetime | None:
    """Return when the promise of a taken alert must be looked at; None: its clock's breach will tell anew by itself."""
    until = None if alert.taken is None else alert.taken.until
    if until is None or alert.loudness is Loudness.ENDED:
        return None
    if alert.loudness is Loudness.WARNED and due_at is not None and until >= due_at:
        return None
    return until
