"""Calls as they were heard, and the tickets that a caller may mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from services.intake.domain.callers import OpenTicket
from services.intake.domain.calls import CallEvent, CallId, Heard
from services.intake.store import queries


@dataclass(frozen=True, slots=True)
class Decided:
    """What is recorded of a call; everything is None before the decision."""

    decision: str | None
    ticket_id: str | None
    responded: bool
    number: str | None
    client_id: str | None


class ToComplete(NamedTuple):
    """An answered call that no form tells of yet; ``ticket_id``: its protocol number, if it has a ticket already."""

    call: CallId
    entered_at: datetime
    number: str | None
    client_id: str | None
    agent: str | None
    ticket_id: str | None


async def hear(connection: Any, heard: Sequence[Heard]) -> None:
    """Store words of calls in the caller's transaction; a repetition changes nothing."""
    for call, event, channel in sorted(heard, key=lambda one: one.call):  # in one order: no deadlocks
        await queries.hear_call(
            connection,
            pbx=call.pbx,
            call_id=call.call_id,
            channel=channel,
            received_at=event.received_at,
            ended=event.kind == "ended",
        )
        await queries.save_call_event(connection, **call._asdict(), **event._asdict())


async def due_calls(pool: Any, now: datetime, at_most: int) -> Sequence[tuple[CallId, int]]:
    """Return the calls that are to be decided of, each with how often that was tried in vain."""
    rows = [row async for row in queries.due_calls(pool, now=now, at_most=at_most)]
    return [(CallId(row["pbx"], row["call_id"]), row["attempts"]) for row in rows]


async def claim_call(connection: Any, call: CallId) -> Decided:
    """Lock a call until the transaction ends and return what is recorded of it."""
    return Decided(**await queries.claim_call(connection, **call._asdict()))


async def events_of_call(connection: Any, call: CallId) -> Sequence[CallEvent]:
    """Return all that was heard of a call, in no order."""
    return [CallEvent(**row) async for row in queries.events_of_call(connection, **call._asdict())]


async def tickets_of_caller(
    connection: Any, *, protocol: str, contact_ref: str | None, client_id: str | None
) -> Sequence[OpenTicket]:
    """Return up to 200 open tickets that a call may be about."""
    rows = queries.tickets_of_caller(connection, protocol=protocol, contact_ref=contact_ref, client_id=client_id)
    return [OpenTicket(**row) async for row in rows]


async def calls_to_complete(pool: Any, since: datetime, at_most: int = 100) -> Sequence[ToComplete]:
    """Return answered calls since an instant that nobody has filled in a form for, the newest first."""
    rows = [row async for row in queries.calls_to_complete(pool, since=since, at_most=at_most)]
    return [ToComplete(CallId(pbx, call_id), *rest) for pbx, call_id, *rest in rows]


class Recent(NamedTuple):
    """A call by the caller's channel; ``open``: without an end."""

    call_id: str
    channel: str
    open: bool
    outgoing: bool


async def recent_calls(pool: Any, pbx: str, since: datetime, at_most: int) -> Sequence[Recent]:
    """Return the newest calls of an exchange heard of since an instant, the newest first."""
    return [Recent(**row) async for row in queries.recent_calls(pool, pbx=pbx, since=since, at_most=at_most)]


async def last_heard(pool: Any, pbx: str) -> datetime | None:
    """Return when the latest call of an exchange was first heard of."""
    at: datetime | None = await queries.last_heard(pool, pbx=pbx)
    return at
