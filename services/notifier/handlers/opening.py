"""Steps that are due become pages: who is on call now, by which of their methods. One transaction for many steps.

alerts locked → steps taken → the second look → people resolved → pages opened, alerts and steps recorded, events recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.notifier import metrics
from services.notifier.domain.alert import Loudness, unwanted
from services.notifier.domain.facts import Facts
from services.notifier.domain.message import Word
from services.notifier.domain.plan import Act, Step, steps_of_breach, steps_of_telling
from services.notifier.domain.reach import in_maintenance, policy_of
from services.notifier.handlers.duty import Duty
from services.notifier.notices import Place, notice_event, of_opened, step_id_of
from services.notifier.store import alerts as store
from services.notifier.store import queries
from services.notifier.store.alerts import NOBODY, DueStep, Known, facts_of_alert
from services.notifier.store.pages import Want, open_pages
from shared import clock, outbox
from shared.events import Event, NoticeExhausted, NoticeFailed, NoticeReleased, NoticeSuppressed

AT_ONCE = 500


@dataclass(slots=True)
class _Turn:
    """What one transaction is about to record."""

    now: datetime
    settled: list[tuple[int, str | None]] = field(default_factory=list)
    postponed: list[tuple[int, datetime]] = field(default_factory=list)
    wants: list[Want] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)
    planned: list[tuple[int, int, Step]] = field(default_factory=list)
    released: list[tuple[Known, datetime | None]] = field(default_factory=list)
    events: list[Event[Any]] = field(default_factory=list)


async def open_due(duty: Duty) -> bool:
    """Do the steps that are due; True when there may be more."""
    async with duty.pool.acquire() as connection, connection.transaction():
        alerts = dict(await store.lock_due_alerts(connection, AT_ONCE))
        steps = await store.take_steps(connection, alerts)
        now = clock.now()
        turn = _Turn(now)
        for due in steps:
            known = alerts[due.alert_id]
            facts = facts_of_alert(known)
            alerts[due.alert_id] = _do(duty, turn, due, known, facts)
        await _record(connection, duty, turn)
    if turn.wants:
        duty.ring({way.channel for want in turn.wants for way in want.ways if way.due_at <= turn.now})
    metrics.oldest_step_seconds.set(await queries.oldest_due_step(duty.pool))
    return bool(steps)


def _do(duty: Duty, turn: _Turn, due: DueStep, known: Known, facts: Facts) -> Known:
    """Add what a step does; return its alert as it is afterwards."""
    match due.step.act:
        case Act.TELL:
            _tell(duty, turn, due, known, facts)
            return known
        case Act.AGAIN:
            _again(duty, turn, due, known, facts)
            return known
        case Act.RELEASE:
            return _release(duty, turn, due, known, facts)


def _tell(duty: Duty, turn: _Turn, due: DueStep, known: Known, facts: Facts) -> None:
    step = due.step
    reason = unwanted(known.alert, step.word, due.telling)
    if reason is not None:
        _suppress(turn, due, known, reason)
        return
    window = None
    if step.word in (Word.WARNING, Word.BREACHED):
        window = in_maintenance(duty.oncall, facts.client, facts.service, turn.now)
    if window is not None:
        turn.postponed.append((due.step_id, window.to))
        if due.reason is None:
            turn.events.append(_of_step(NoticeSuppressed, due, known, turn.now, reason="maintenance"))
        return
    found = _wants(duty, turn.now, due, known, facts)
    if not found:
        _nobody(duty, turn, due, known)
        return
    _, policy = policy_of(duty.oncall, facts)
    first = min(i for i, one in enumerate(policy.steps) if one.on == "breached")
    escalates = step.word is Word.BREACHED and (step.round > 0 or step.position > first)
    turn.places[due.step_id] = Place(step.position, escalates)
    turn.wants += found
    turn.settled.append((due.step_id, None))


def _wants(duty: Duty, now: datetime, due: DueStep, known: Known, facts: Facts) -> Sequence[Want]:
    people = dict.fromkeys(person for target in due.step.to for person in duty.people(target, now, facts))
    found = []
    for person in people:
        ways = duty.ways(person, now, facts.emergency, tuple(due.step.by))
        if ways:
            word, key = due.step.word, known.key
            found.append(Want(person, word, facts.emergency, due.alert_id, key, due.telling, ways, due.step_id))
    return found


def _nobody(duty: Duty, turn: _Turn, due: DueStep, known: Known) -> None:
    """Nobody is on call for a step, or nobody with a method that works: the manager is told, and the next step is due."""
    metrics.nobody.inc()
    turn.settled.append((due.step_id, NOBODY))
    turn.events.append(_of_step(NoticeFailed, due, known, turn.now, reason=NOBODY))
    if due.step.word is not Word.FINDING:
        turn.planned.append((due.alert_id, due.telling, finding(duty, due.step, turn.now)))


def finding(duty: Duty, step: Step, now: datetime) -> Step:
    """Return the step that tells the manager that ``step`` reached nobody."""
    return Step(Act.TELL, Word.FINDING, now, step.word.value, step.round, step.position, ("manager",), ())


def _again(duty: Duty, turn: _Turn, due: DueStep, known: Known, facts: Facts) -> None:
    reason = unwanted(known.alert, Word.BREACHED, due.telling)
    if reason is not None:
        _suppress(turn, due, known, reason)
        return
    _, policy = policy_of(duty.oncall, facts)
    window = in_maintenance(duty.oncall, facts.client, facts.service, turn.now)
    if window is not None:  # what was never told is not told again: the round begins its rest when the window ends
        turn.postponed.append((due.step_id, window.to + policy.repeat_every))
        return
    turn.settled.append((due.step_id, None))
    turn.planned += [(due.alert_id, due.telling, s) for s in steps_of_breach(policy, turn.now, due.step.round)]
    if due.step.round == policy.repeats + 1:
        metrics.exhausted.inc()
        turn.events.append(_of_step(NoticeExhausted, due, known, turn.now))


def _release(duty: Duty, turn: _Turn, due: DueStep, known: Known, facts: Facts) -> Known:
    """A promise ended without an answer: the alert is told anew, saying who had promised."""
    taken = known.alert.taken
    if taken is None or known.alert.loudness is Loudness.ENDED or due.telling < known.alert.telling:
        _suppress(turn, due, known, unwanted(known.alert, Word.BREACHED, due.telling) or "promise_changed")
        return known
    alert = replace(known.alert, taken=None, telling=known.alert.telling + 1)
    anew = replace(known, alert=alert, broken_by=taken.by)
    _, policy = policy_of(duty.oncall, facts)
    turn.settled.append((due.step_id, None))
    turn.released.append((anew, facts.due_at))
    turn.planned += [(due.alert_id, alert.telling, step) for step in steps_of_telling(policy, alert, turn.now)]
    turn.events.append(_of_step(NoticeReleased, due, known, turn.now, person=taken.by, reason="promise_ended"))
    metrics.promises_broken.inc()
    return anew


def _suppress(turn: _Turn, due: DueStep, known: Known, reason: str) -> None:
    turn.settled.append((due.step_id, reason))
    if due.step.act is Act.TELL:
        turn.events.append(_of_step(NoticeSuppressed, due, known, turn.now, reason=reason))


def _of_step(kind: Any, due: DueStep, known: Known, at: datetime, **more: Any) -> Event[Any]:
    return notice_event(kind, step_id_of(due.step_id), known.key, at, n=at.isoformat(), step=due.step.position, **more)


async def _record(connection: Any, duty: Duty, turn: _Turn) -> None:
    if turn.settled:
        await store.settle_steps(connection, turn.settled, turn.now)
    if turn.postponed:
        await queries.postpone_steps(
            connection,
            step_ids=[step_id for step_id, _ in turn.postponed],
            due_at=[until for _, until in turn.postponed],
            reasons=["maintenance"] * len(turn.postponed),
        )
    if turn.released:
        await store.save_alerts(connection, turn.released)
    await store.plan_steps(connection, turn.planned)
    nobody = [step_id for step_id, reason in turn.settled if reason == NOBODY]
    if nobody:
        await queries.hurry_after(connection, step_ids=nobody)
    opened = await open_pages(connection, turn.wants, turn.now)
    events = [*turn.events, *of_opened(opened, turn.places, turn.now)]
    if events:
        await outbox.record(connection, duty.notices_topic, events)
