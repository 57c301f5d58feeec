"""Calls are decided of once; what is heard later only adds an answer."""

from datetime import datetime, timedelta
from typing import Any

import structlog

from services.intake import metrics
from services.intake.domain.calls import (
    Answered,
    Blocked,
    Call,
    CalledBack,
    CallId,
    Decision,
    Misdialled,
    Missed,
    Unreached,
    Waiting,
    fold,
    judge,
)
from services.intake.handlers.call_tickets import (
    CallDesk,
    Outcome,
    answered,
    called_back,
    caller_of,
    missed,
    responded,
)
from services.intake.handlers.follow import record
from services.intake.store import queries
from services.intake.store.calls import Decided, claim_call, due_calls, events_of_call
from shared.postgres import is_transient

log = structlog.get_logger(__name__)

DECIDED_AT_ONCE = 50
_LONGEST_PAUSE_SECONDS = 300
_NOTHING = Outcome("none", None, ())


async def decide_calls(desk: CallDesk, now: datetime) -> bool:
    """Decide of the calls that are due; True when there may be more.

    A transaction each: a call that cannot be decided is counted and tried again later, and stops nobody.
    """
    due = await due_calls(desk.desk.pool, now, DECIDED_AT_ONCE)
    failures = [failure for call, attempts in due if (failure := await _failure_of(desk, call, attempts, now))]
    if failures and len(failures) == len(due):
        raise failures[0]
    return len(due) == DECIDED_AT_ONCE


async def _failure_of(desk: CallDesk, call: CallId, attempts: int, now: datetime) -> Exception | None:
    again_at = now + timedelta(seconds=min(2**attempts, _LONGEST_PAUSE_SECONDS))
    await queries.begin_call_attempt(desk.desk.pool, **call._asdict(), look_at=again_at)
    try:
        await _decide(desk, call, now)
    except Exception as error:  # the edge of one call: counted, logged, tried again
        if is_transient(error):
            raise
        metrics.calls_failed.inc()
        log.warning("call_failed", pbx=call.pbx, call_id=call.call_id, error=type(error).__name__)
        return error
    return None


async def _decide(desk: CallDesk, call_id: CallId, now: datetime) -> None:
    async with desk.desk.pool.acquire() as connection, connection.transaction():
        await queries.lock_calls(connection)
        known = await claim_call(connection, call_id)
        call = fold(await events_of_call(connection, call_id), desk.phone)
        decision = judge(call, desk.phone, desk.window.is_emergency, now)
        if isinstance(decision, Waiting):
            await queries.postpone_call(connection, **call_id._asdict(), look_at=decision.look_at)
            return
        if known.decision is None or (known.ticket_id is None and _word(decision) != known.decision):
            outcome = await _settle(connection, desk, call_id, known, call, decision)
        else:
            outcome = await _hear_late(connection, desk, call_id, known, decision)
        await record(connection, desk.desk, outcome.events)
    if known.decision is None:
        metrics.calls.labels(_word(decision)).inc()
        metrics.call_outcomes.labels(outcome.how).inc()
        log.info(
            "call_decided", pbx=call_id.pbx, decision=_word(decision), how=outcome.how, ticket_id=outcome.ticket_id
        )


async def _settle(
    connection: Any, desk: CallDesk, call_id: CallId, known: Decided, call: Call, decision: Decision
) -> Outcome:
    """Record what becomes of a call and what it does to tickets; one that a form has told of already has its ticket."""
    outcome = _NOTHING._replace(ticket_id=known.ticket_id)
    caller = await caller_of(connection, desk, call_id, call)
    if known.ticket_id is not None:
        pass
    elif isinstance(decision, Missed):
        outcome = await missed(connection, desk, caller, decision)
    elif isinstance(decision, Answered):
        outcome = await answered(connection, desk, caller, decision)
    elif isinstance(decision, CalledBack):
        outcome = called_back(desk, caller, decision)
    agent = decision.agent if isinstance(decision, Answered | CalledBack) else ""
    await queries.settle_call(
        connection,
        **call_id._asdict(),
        decision=_word(decision),
        emergency=decision.emergency if isinstance(decision, Missed | Answered) else None,
        entered_at=call.entered_at or call.first_at,
        number=caller.number,
        client_id=caller.client_id,
        client_by="caller_id" if caller.client_id else None,
        agent=desk.phone.agent(agent, desk.agents),
        ticket_id=outcome.ticket_id,
        responded=isinstance(decision, Answered | CalledBack),
    )
    return outcome


async def _hear_late(connection: Any, desk: CallDesk, call_id: CallId, known: Decided, decision: Decision) -> Outcome:
    """A call that was decided of opens nothing more; one that was answered after all answers its ticket."""
    late = isinstance(decision, Answered) and known.decision == "missed" and not known.responded
    if not late or not isinstance(decision, Answered) or known.ticket_id is None:
        await queries.postpone_call(connection, **call_id._asdict(), look_at=None)
        return _NOTHING
    agent = desk.phone.agent(decision.agent, desk.agents)
    await queries.answer_call(connection, **call_id._asdict(), agent=agent)
    event = responded(call_id, known.ticket_id, decision.answered_at, agent)
    return Outcome("responded", known.ticket_id, [event])


def _word(decision: Decision) -> str:
    words = {Missed: "missed", Answered: "answered", Misdialled: "misdial", Blocked: "blocked"}
    return {**words, CalledBack: "called_back", Unreached: "unreached"}[type(decision)]
