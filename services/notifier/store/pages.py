"""Opening pages: what one person is told at once. A storm is gathered on one page, and nothing of it is hidden."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.notifier.domain.message import Word
from services.notifier.store import queries
from services.notifier.store.alerts import AlertKey
from shared.events import event_id

SINGLES = 5
"""So many pages of one alert each a person gets in ``WINDOW``, of each word; what comes beyond is gathered on one."""

WINDOW = timedelta(seconds=60)
GATHER = timedelta(seconds=5)
"""How long a page gathers at least; and it is not sooner than ``WINDOW`` after the one before."""


class Way(NamedTuple):
    """One method of a person at an instant: the ``nth`` of those by ``channel``. ``quiet``: it waits for their hours."""

    channel: str
    nth: int
    rank: int
    due_at: datetime
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Want:
    """Somebody is to be told of an alert, by ``ways`` (never empty)."""

    person: str
    word: Word
    emergency: bool
    alert_id: int
    key: AlertKey
    telling: int
    ways: tuple[Way, ...]
    step_id: int | None = None
    thread: str | None = None
    """On which thread it is said, where that is not for the page to say: it is a page of its own then."""

    @property
    def route(self) -> str:
        """Return the channels of its ways, in their order."""
        return ",".join(f"{way.channel}.{way.nth}" for way in self.ways)


class Opened(NamedTuple):
    """A notice that will tell of a want."""

    want: Want
    notice_no: int
    notice_id: str
    channel: str
    due_at: datetime


_Kind = tuple[str, str]  # (person, word)
_Gathering = tuple[str, str, bool, str]  # (person, word, emergency, route)


@dataclass(slots=True)
class _Plan:
    """What is to be inserted: new pages, who stands on which page, new notices of new pages."""

    pages: list[tuple[Want, bool]] = field(default_factory=list)
    singles: list[tuple[Want, int]] = field(default_factory=list)  # index into pages
    joins: list[tuple[Want, int]] = field(default_factory=list)  # page_no
    due_at: list[datetime | None] = field(default_factory=list)  # of each new page, not before


async def open_pages(connection: Any, wants: Sequence[Want], now: datetime) -> Sequence[Opened]:
    """Open pages for ``wants`` in the caller's transaction, after its alerts and steps are locked; return every notice
    with each want that it tells of."""
    if not wants:
        return ()
    people = sorted({want.person for want in wants})
    await queries.know_people(connection, people=people)
    async for _ in queries.lock_people(connection, people=people):
        pass
    plan = await _arrange(connection, people, wants, now)
    page_nos = [r["page_no"] async for r in queries.page_numbers(connection, n=len(plan.pages))]
    await _insert_pages(connection, plan, page_nos, now)
    stand = [*((want, page_nos[i]) for want, i in plan.singles), *plan.joins]
    await queries.join_pages(
        connection,
        page_nos=[page_no for _, page_no in stand],
        alert_ids=[want.alert_id for want, _ in stand],
        tellings=[want.telling for want, _ in stand],
        step_ids=[want.step_id for want, _ in stand],
    )
    return [opened async for opened in _opened(connection, stand)]


async def _arrange(connection: Any, people: Sequence[str], wants: Sequence[Want], now: datetime) -> _Plan:
    """Decide which want gets a page of its own and which one joins a page that gathers."""
    since = now - WINDOW
    recent: dict[_Kind, int] = defaultdict(int)
    async for r in queries.recent_pages(connection, people=people, since=since):
        recent[r["person"], r["word"]] = r["pages"]
    last = {
        (r["person"], r["word"]): r["opened_at"]
        async for r in queries.last_gathering(connection, people=people, since=since)
    }
    gathering: dict[_Gathering, int] = {
        (r["person"], r["word"], r["emergency"], r["route"]): r["page_no"]
        async for r in queries.gathering(connection, people=people)
    }
    plan, new = _Plan(), dict[_Gathering, int]()
    for want in _once(wants):
        kind, place = (want.person, want.word.value), (want.person, want.word.value, want.emergency, want.route)
        if want.thread is not None:
            plan.singles.append((want, len(plan.pages)))
            plan.pages.append((want, False))
            plan.due_at.append(None)
        elif place in gathering:
            plan.joins.append((want, gathering[place]))
        elif place in new:
            plan.singles.append((want, new[place]))
        else:
            gathers = recent[kind] >= SINGLES
            if gathers:
                new[place] = len(plan.pages)
            recent[kind] += 1
            plan.singles.append((want, len(plan.pages)))
            plan.pages.append((want, gathers))
            earliest = max(now + GATHER, last[kind] + WINDOW) if kind in last else now + GATHER
            plan.due_at.append(earliest if gathers else None)
    return plan


def _once(wants: Sequence[Want]) -> Iterator[Want]:
    """Yield each (person, word, alert) once, with all ways: two steps that are due at once and name one person are one page."""
    seen = dict[tuple[str, Word, int, str | None], Want]()
    for want in wants:
        identity = want.person, want.word, want.alert_id, want.thread
        first = seen.setdefault(identity, want)
        known = {(way.channel, way.nth) for way in first.ways}
        more = [way for way in want.ways if (way.channel, way.nth) not in known]
        seen[identity] = replace(first, ways=tuple(sorted((*first.ways, *more), key=lambda way: way.rank)))
    yield from seen.values()


async def _insert_pages(connection: Any, plan: _Plan, page_nos: Sequence[int], now: datetime) -> None:
    if not plan.pages:
        return
    await queries.open_pages(
        connection,
        page_nos=page_nos,
        people=[want.person for want, _ in plan.pages],
        words=[want.word.value for want, _ in plan.pages],
        emergencies=[want.emergency for want, _ in plan.pages],
        routes=[want.route for want, _ in plan.pages],
        gathers=[gathers for _, gathers in plan.pages],
        threads=[
            want.thread or (f"page.{page_no}" if gathers else f"alert.{want.alert_id}/{want.telling}.{want.word.value}")
            for page_no, (want, gathers) in zip(page_nos, plan.pages, strict=True)
        ],
        now=now,
    )
    rows = [
        (page_no, want.person, way, way.due_at if earliest is None else max(way.due_at, earliest))
        for page_no, (want, _), earliest in zip(page_nos, plan.pages, plan.due_at, strict=True)
        for way in want.ways
    ]
    numbers = [r["notice_no"] async for r in queries.notice_numbers(connection, n=len(rows))]
    await queries.plan_notices(
        connection,
        notice_nos=numbers,
        notice_ids=[event_id("notice", n) for n in numbers],
        page_nos=[page_no for page_no, _, _, _ in rows],
        people=[person for _, person, _, _ in rows],
        channels=[way.channel for _, _, way, _ in rows],
        nths=[way.nth for _, _, way, _ in rows],
        ranks=[way.rank for _, _, way, _ in rows],
        quiet=[way.quiet for _, _, way, _ in rows],
        due_at=[due_at for _, _, _, due_at in rows],
    )


async def _opened(connection: Any, stand: Sequence[tuple[Want, int]]) -> Any:
    notices = defaultdict[int, list[Any]](list)
    async for row in queries.notices_of_pages(connection, page_nos=sorted({page_no for _, page_no in stand})):
        notices[row["page_no"]].append(row)
    for want, page_no in stand:
        for row in notices[page_no]:
            yield Opened(want, row["notice_no"], str(row["notice_id"]), row["channel"], row["due_at"])


async def open_test_page(connection: Any, person: str, word: Word, ways: Sequence[Way], now: datetime) -> int:
    """Open a page that tells of no alert; return its number."""
    (number,) = [r["page_no"] async for r in queries.page_numbers(connection, n=1)]
    want = Want(person, word, True, 0, ("", "", 0), 0, tuple(ways))
    await _insert_pages(connection, _Plan(pages=[(want, False)], due_at=[None]), [number], now)
    return int(number)
