"""The ways in of people: take an alert with a promise, change one's mind, pass it on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.notifier import metrics
from services.notifier.domain.alert import Loudness, take, unwanted
from services.notifier.domain.message import Word
from services.notifier.domain.plan import promise_of, release_of
from services.notifier.handlers.duty import Duty
from services.notifier.handlers.informing import tell_the_disturbed
from services.notifier.notices import Place, notice_event, of_opened
from services.notifier.store import alerts as store
from services.notifier.store import queries
from services.notifier.store.alerts import Known, facts_of_alert
from services.notifier.store.pages import Want, open_pages
from shared import clock, outbox
from shared.events import NoticeAcknowledged, NoticeReleased

UNDO = timedelta(minutes=2)
"""How long an acknowledgement can be undone."""

PASSED_LATELY = timedelta(minutes=1)
"""Within which nobody is told of an alert again because it is passed on to them."""


async def acknowledge(
    duty: Duty,
    notice_id: str,
    page_no: int,
    person: str,
    channel: str,
    promise: timedelta | None = None,
    *,
    only: int | None = None,
) -> int:
    """Let a person take every alert of a page that is open and that nobody else has; return how many they have now.

    The first one counts; saying it again changes nothing but the promise. ``promise`` None: the time that is left. ``only``:
    of the page's alerts this one alone (its alert_id).
    """
    async with duty.pool.acquire() as connection, connection.transaction():
        now = clock.now()
        stand = await store.lock_alerts_of_page(connection, page_no)
        chosen = [(known, told) for known, told in stand if only in (None, known.alert_id)]
        taken = _take(chosen, person, now, promise)
        new = [(before, after) for before, after in taken if before.alert.taken != after.alert.taken]
        if new:
            await _record_taken(connection, duty, notice_id, channel, new, now)
    duty.ring()
    return len(taken)


def _take(
    stand: Sequence[tuple[Known, int]], person: str, now: datetime, promise: timedelta | None
) -> list[tuple[Known, Known]]:
    found = []
    for known, told in stand:
        if told < known.alert.telling or known.alert.loudness not in (Loudness.WARNED, Loudness.BREACHED):
            continue
        mine = known.alert.taken is not None and known.alert.taken.by == person
        if mine and promise is None:
            found.append((known, known))
            continue
        until = promise_of(known.alert, facts_of_alert(known).due_at, now, promise)
        after = take(known.alert, person, now, until)
        if after.taken is not None and after.taken.by == person:
            found.append((known, replace(known, alert=after)))
    return found


async def _record_taken(
    connection: Any, duty: Duty, notice_id: str, channel: str, new: Sequence[tuple[Known, Known]], now: datetime
) -> None:
    await _save(connection, [after for _, after in new], now)
    events = []
    for _, after in new:
        taken = after.alert.taken
        assert taken is not None
        said = {"person": taken.by, "by": taken.by, "channel": channel, "promised_until": taken.until}
        events.append(notice_event(NoticeAcknowledged, notice_id, after.key, now, n=now.isoformat(), **said))
    await outbox.record(connection, duty.notices_topic, events)
    first = {after.alert_id or 0: after for before, after in new if before.alert.taken is None}
    metrics.acknowledged.inc(len(first))
    if first:
        person = next(iter(first.values())).alert.taken
        assert person is not None
        await tell_the_disturbed(connection, duty, first, Word.ACKNOWLEDGED, now, but=person.by)


async def _save(connection: Any, known: Sequence[Known], now: datetime) -> None:
    """Save alerts whose acknowledgement changed: the old promise ends no more, the new one does."""
    with_due = [(one, facts_of_alert(one).due_at) for one in known]
    await store.save_alerts(connection, with_due)
    await queries.drop_release(connection, alert_ids=[one.alert_id for one in known], now=now)
    promised = [(one, release_of(one.alert, due_at)) for one, due_at in with_due]
    ending = [(one, at) for one, at in promised if at is not None]
    if ending:
        await queries.plan_releases(
            connection,
            alert_ids=[one.alert_id for one, _ in ending],
            tellings=[one.alert.telling for one, _ in ending],
            due_at=[at for _, at in ending],
        )


async def undo(duty: Duty, notice_id: str, page_no: int, person: str) -> int:
    """Give back what a person took less than ``UNDO`` ago: what was kept from being told is due again; return how many."""
    async with duty.pool.acquire() as connection, connection.transaction():
        now = clock.now()
        mine = [
            known
            for known, _ in await store.lock_alerts_of_page(connection, page_no)
            if known.alert.taken is not None and known.alert.taken.by == person and known.alert.taken.at > now - UNDO
        ]
        if not mine:
            return 0
        since = min(known.alert.taken.at for known in mine if known.alert.taken is not None)
        await _save(connection, [replace(k, alert=replace(k.alert, taken=None)) for k in mine], now)
        ids = [known.alert_id for known in mine]
        await queries.revive_steps(connection, alert_ids=ids, now=now, since=since)
        await queries.revive_notices(connection, alert_ids=ids, now=now)
        said = {"person": person, "reason": "undone"}
        events = [notice_event(NoticeReleased, notice_id, k.key, now, n=now.isoformat(), **said) for k in mine]
        await outbox.record(connection, duty.notices_topic, events)
    duty.stepped.set()
    duty.ring()
    return len(mine)


async def pass_on(duty: Duty, notice_id: str, page_no: int, person: str, to: str) -> int:
    """Tell somebody else of what a page tells of, at once; what ``person`` took of it is free again, and every later step
    stands as it was. Return how many alerts.

    What another person has and what is over stays as it is; so does what nobody has and ``to`` was told of within
    ``PASSED_LATELY``: a second tap tells nobody twice.
    """
    async with duty.pool.acquire() as connection, connection.transaction():
        now = clock.now()
        stand = await store.lock_alerts_of_page(connection, page_no)
        since = {"person": to, "since": now - PASSED_LATELY, "alert_ids": [known.alert_id for known, _ in stand]}
        lately = {row["alert_id"] async for row in queries.told_since(connection, **since)}
        wants = [want for known, told in stand if (want := _want(duty, known, told, person, to, now)) is not None]
        mine = {known.alert_id: known for known, _ in stand if _is_of(known, person)}
        wants = [want for want in wants if want.alert_id in mine or want.alert_id not in lately]
        freed = [mine[want.alert_id] for want in wants if want.alert_id in mine]
        await _free(connection, duty, notice_id, person, freed, now)
        opened = await open_pages(connection, wants, now)
        await outbox.record(connection, duty.notices_topic, of_opened(opened, {0: Place(0, escalates=True)}, now))
    duty.stepped.set()
    duty.ring()
    return len(wants)


def _is_of(known: Known, person: str) -> bool:
    return known.alert.taken is not None and known.alert.taken.by == person


def _want(duty: Duty, known: Known, told: int, person: str, to: str, now: datetime) -> Want | None:
    """Return what ``to`` is to be told of an alert that ``person`` passes on; None when there is nothing to tell, or no way."""
    alert = replace(known.alert, taken=None) if _is_of(known, person) else known.alert
    word = Word.BREACHED if alert.loudness is Loudness.BREACHED else Word.WARNING
    if alert.loudness is Loudness.QUIET or unwanted(alert, word, told) is not None:
        return None
    emergency = facts_of_alert(known).emergency
    ways = duty.ways(to, now, emergency)
    return Want(to, word, emergency, known.alert_id or 0, known.key, alert.telling, ways) if ways else None


async def _free(connection: Any, duty: Duty, notice_id: str, person: str, mine: Sequence[Known], now: datetime) -> None:
    """Give back alerts that are passed on: whatever their acknowledgement kept from being told is due again."""
    if not mine:
        return
    await _save(connection, [replace(known, alert=replace(known.alert, taken=None)) for known in mine], now)
    long_ago = now - timedelta(days=400)
    await queries.revive_steps(connection, alert_ids=[k.alert_id for k in mine], now=now, since=long_ago)
    said = {"person": person, "reason": "passed_on"}
    events = [notice_event(NoticeReleased, notice_id, known.key, now, n=now.isoformat(), **said) for known in mine]
    await outbox.record(connection, duty.notices_topic, events)
