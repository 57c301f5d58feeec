"""Events of any order and number as journals of one ticket after another, in bounded memory: a sorted file on disk.

Identity is ``source`` + ``id``. The same content twice is one event, received when it first was; of two contents the one
whose compact sorted JSON is smaller is kept, so that the order of lines never matters.
"""

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from types import TracebackType
from typing import Any

import orjson

from services.sla_timer.domain.journal import RANK, Fact
from shared.clock import to_us
from shared.events import Event, content_of, decode_json, received_at_of

_SCHEMA = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768; PRAGMA temp_store = FILE;
CREATE TABLE event (source TEXT, id TEXT, ticket TEXT, at INTEGER, body BLOB, content BLOB, PRIMARY KEY (source, id))
WITHOUT ROWID;
"""


class Spool:
    """A temporary database of valid ticket events."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # "": a file of its own that vanishes with the connection
        self._db.executescript(_SCHEMA)

    def __enter__(self) -> "Spool":
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove everything."""
        self._db.close()

    def add(self, raw: dict[str, Any], event: Event[Any]) -> bool:
        """Take an event; False when another content of its identity is there. The smaller content stays."""
        at_us = effective_us(event)
        content = content_of(raw)
        row = (event.source, event.id, event.subject, at_us, orjson.dumps(raw), content)
        known = self._db.execute("SELECT content, at FROM event WHERE source = ? AND id = ?", row[:2]).fetchone()
        if known is None or (content, at_us) < tuple(known):
            self._db.execute("INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?)", row)
        return known is None or known[0] == content

    @property
    def last_us(self) -> int:
        """Return the instant of the last event that was kept; 0 without one."""
        return int(self._db.execute("SELECT coalesce(max(at), 0) FROM event").fetchone()[0])

    def journals(self) -> Iterator[tuple[str, list[Fact]]]:
        """Yield each ticket's id and facts, ordered by id."""
        rows = self._db.execute("SELECT ticket, at, body FROM event ORDER BY ticket")
        for ticket, group in groupby(rows, key=lambda row: row[0]):
            yield ticket, [_fact(body, at_us) for _, at_us, body in group]

    def journal(self, ticket_id: str) -> list[Fact]:
        """Return the facts of one ticket; none when it is unknown."""
        rows = self._db.execute("SELECT body, at FROM event WHERE ticket = ?", (ticket_id,))
        return [_fact(body, at_us) for body, at_us in rows]


def effective_us(event: Event[Any]) -> int:
    """Return ``min(time, receivedat)`` in microseconds; without ``receivedat`` it is ``time``."""
    received_at = received_at_of(event)
    return to_us(event.time) if received_at is None else min(to_us(event.time), to_us(received_at))


def _fact(body: bytes, at_us: int) -> Fact:
    event = decode_json(orjson.loads(body))
    return Fact(at_us, RANK[event.type], event.source, event.id, event.data)
