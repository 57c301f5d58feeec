"""What the desk knows of tickets: their events, what is folded from them, their clocks."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from services.intake.domain.following import RANK, ClockWord, Happened, Ticket
from services.intake.store import queries
from shared.events import decode_json

Key = tuple[str, str, str]
"""An event of a ticket: ticket, source, id."""


class Happening(NamedTuple):
    """One event as it came, in structured mode; ``at`` is its effective time."""

    ticket_id: str
    source: str
    event_id: str
    type: str
    at: datetime
    body: bytes

    @property
    def key(self) -> Key:
        """Return its identity."""
        return self.ticket_id, self.source, self.event_id


async def lock_tickets(connection: Any, ticket_ids: Iterable[str]) -> None:
    """Let the caller's transaction alone fold these tickets until it ends."""
    await queries.lock_tickets(connection, ticket_ids=sorted(set(ticket_ids)))


async def add_happenings(connection: Any, happenings: Collection[Happening]) -> set[Key]:
    """Keep events, each once; return those that are new. The keys of ``happenings`` differ and are sorted here."""
    rows = sorted(happenings, key=lambda one: one.key)
    columns = [list(column) for column in zip(*rows, strict=True)]
    names = ("ticket_ids", "sources", "event_ids", "types", "ats", "bodies")
    added = queries.add_happenings(connection, **dict(zip(names, columns, strict=True)))
    return {(row["ticket_id"], row["source"], row["event_id"]) async for row in added}


async def happened_to(connection: Any, ticket_ids: Collection[str]) -> Mapping[str, list[Happened]]:
    """Return everything that happened to each of some tickets, in no order."""
    found: dict[str, list[Happened]] = {ticket_id: [] for ticket_id in ticket_ids}
    async for row in queries.happenings_of(connection, ticket_ids=list(ticket_ids)):
        found[row["ticket_id"]].append(happened(row))
    return found


def happened(row: Any) -> Happened:
    """Return a row of ``happening`` as what happened."""
    data = decode_json(orjson.loads(row["body"])).data
    return Happened(row["at"], RANK[row["type"]], row["source"], row["event_id"], data)


async def tickets_of(connection: Any, ticket_ids: Collection[str]) -> Mapping[str, Ticket]:
    """Return those of some tickets that are known."""
    rows = queries.tickets_of(connection, ticket_ids=list(ticket_ids))
    return {row["ticket_id"]: Ticket(**{**row, "pauses": tuple(row["pauses"])}) async for row in rows}


async def save_tickets(connection: Any, tickets: Sequence[Ticket]) -> None:
    """Write tickets as they are folded now."""
    columns = _columns(tickets, Ticket)
    columns["pauses"] = [",".join(pauses) for pauses in columns["pauses"]]
    await queries.save_tickets(connection, **columns)


async def clocks_of(connection: Any, ticket_ids: Collection[str]) -> Sequence[ClockWord]:
    """Return the clocks of some tickets: of each the latest cycle first."""
    return [ClockWord(**row) async for row in queries.clocks_of(connection, ticket_ids=list(ticket_ids))]


async def save_clocks(connection: Any, clocks: Iterable[ClockWord]) -> None:
    """Write clocks as they were told last; what is known newer stays."""
    rows = sorted(clocks, key=lambda clock: (clock.ticket_id, clock.metric, clock.cycle))
    await queries.save_clocks(connection, **_columns(rows, ClockWord))


def _columns(rows: Sequence[Any], kind: type[Any]) -> dict[str, list[Any]]:
    return {field.name: [getattr(row, field.name) for row in rows] for field in fields(kind)}
