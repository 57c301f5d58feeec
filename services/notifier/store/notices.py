"""Notices: claimed with a second look, settled behind the fence of their attempt, moved on from when they fail."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog

from services.notifier.domain.alert import Alert, unwanted
from services.notifier.domain.message import Content, Outcome, Result, Word
from services.notifier.domain.notice import PATIENCE, State, settle
from services.notifier.store import queries
from services.notifier.store.alerts import AlertKey, alert_of
from shared import clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    """An alert that a page tells of, as it stood at the claim; ``reason``: why it is wanted no more."""

    alert_id: int
    key: AlertKey
    alert: Alert
    due_at: datetime | None
    broken_by: str | None
    round: int
    position: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice that this process holds; ``members`` are those wanted, worst first, unless ``reason`` says that none is."""

    notice_no: int
    notice_id: str
    page_no: int
    person: str
    channel: str
    nth: int
    rank: int
    attempt: int
    lost: bool
    doubtful: bool
    word: Word
    emergency: bool
    gathers: bool
    thread: str
    content: Content | None
    due_at: datetime
    opened_at: datetime
    now: datetime
    members: tuple[Member, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """An alert whose step reached nobody: ``goes_on`` tells whether another step of its round is to come, or told somebody."""

    alert_id: int
    telling: int
    word: Word
    threshold: str
    round: int
    position: int
    goes_on: bool


async def claim(connection: Any, channel: str, at_most: int, lease: timedelta) -> Sequence[Claimed]:
    """Claim what is due on a channel, and look again at its alerts; those of no use come with a reason.

    Of a page that gathers only after ``close_due``, in a transaction of its own.
    """
    rows = [row async for row in queries.claim(connection, channel=channel, at_most=at_most, lease=lease)]
    if not rows:
        return ()
    page_nos = sorted({row["page_no"] for row in rows})
    members = defaultdict[int, list[Any]](list)
    async for row in queries.members(connection, page_nos=page_nos):
        members[row["page_no"]].append(row)
    return [_claimed(row, members[row["page_no"]]) for row in sorted(rows, key=lambda r: r["notice_no"])]


def _claimed(row: Any, rows: Iterable[Any]) -> Claimed:
    word = Word(row["word"])
    every = [_member(word, r) for r in rows]
    wanted = sorted((m for m in every if m.reason is None), key=_badness)
    reason = None
    if every and not wanted:
        reason = every[0].reason
    return Claimed(
        row["notice_no"],
        str(row["notice_id"]),
        row["page_no"],
        row["person"],
        row["channel"],
        row["nth"],
        row["rank"],
        row["attempt"],
        row["lost"],
        row["doubtful"],
        word,
        row["emergency"],
        row["gathers"],
        row["thread"],
        _content(row),
        row["due_at"],
        row["opened_at"],
        row["now"],
        tuple(wanted or every),
        reason,
    )


def _content(row: Any) -> Content | None:
    """Return what was composed before; None also for what another version wrote: it is composed anew."""
    if row["content"] is None:
        return None
    try:
        return Content(**orjson.loads(row["content"]))
    except (TypeError, ValueError):
        log.error("content_unreadable", notice_no=row["notice_no"])
        return None


def _member(word: Word, row: Any) -> Member:
    alert = alert_of(row)
    key = row["ticket_id"], row["metric"], row["cycle"]
    return Member(
        row["alert_id"],
        key,
        alert,
        row["due_at"],
        row["broken_by"],
        row["round"] or 0,
        row["position"] or 0,
        unwanted(alert, word, row["told"]),
    )


def _badness(member: Member) -> tuple[bool, float]:
    """Order the worst first: the longest overdue, then the next due; without a deadline last."""
    return member.due_at is None, 0.0 if member.due_at is None else member.due_at.timestamp()


async def keep_contents(connection: Any, contents: Mapping[int, Content]) -> None:
    """Keep what is sent, so that a repetition is the same."""
    if contents:
        await queries.keep_contents(
            connection, notice_nos=list(contents), contents=[orjson.dumps(content) for content in contents.values()]
        )


async def record_result(connection: Any, claimed: Claimed, result: Result, now: datetime) -> State | None:
    """Record the result of an attempt and, after a failure for good, move on; None when another attempt holds the notice."""
    settled = settle(result, claimed.attempt, claimed.due_at, now)
    held = await queries.settle(
        connection,
        notice_no=claimed.notice_no,
        attempt=claimed.attempt,
        state=settled.state.value,
        next_at=settled.next_at,
        reason=settled.reason,
        provider_id=result.provider_id,
        doubtful=result.outcome is Outcome.UNKNOWN,
    )
    return None if held is None else settled.state


async def impatient(connection: Any, dead: Sequence[str]) -> Sequence[int]:
    """Mark what nobody took within its patience; return the pages to move on from."""
    rows = queries.impatient(connection, dead=list(dead), patience=PATIENCE)
    return sorted({row["page_no"] async for row in rows})


async def move_on(connection: Any, page_nos: Sequence[int]) -> Sequence[Stuck]:
    """Begin the next method of each page, else, where a page is stranded, the next step of its alerts; return those."""
    await queries.close_pages(
        connection, page_nos=sorted(page_nos), now=clock.now()
    )  # who joins later moves on by itself
    await queries.hurry_methods(connection, page_nos=list(page_nos))
    stranded = [row["page_no"] async for row in queries.stranded(connection, page_nos=list(page_nos))]
    if not stranded:
        return ()
    return [
        Stuck(
            r["alert_id"],
            r["telling"],
            Word(r["word"]),
            r["threshold"],
            r["round"],
            r["position"],
            r["goes_on"],
        )
        async for r in queries.hurry_steps(connection, page_nos=stranded)
    ]
