"""One lane for each channel: claim with a second look, commit, send, record the result fenced by its attempt.

A lane has its own places and its own breaker, so that a slow or dead channel holds up no other one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from services.notifier import metrics
from services.notifier.composing import Composer
from services.notifier.domain.breaker import Breaker
from services.notifier.domain.cause import Cause
from services.notifier.domain.channel_config import LONGEST
from services.notifier.domain.message import Channel, Outcome, Result, Word
from services.notifier.domain.notice import State, lease_of
from services.notifier.handlers.duty import Duty
from services.notifier.handlers.moving import move_on
from services.notifier.handlers.taking import acknowledge
from services.notifier.notices import of_claimed
from services.notifier.store import notices, queries
from services.notifier.store.notices import Claimed
from shared import clock, outbox
from shared.events import Event, NoticeDelivered, NoticeFailed, NoticeSent, NoticeSuppressed, NoticeUnknown

log = structlog.get_logger(__name__)

_END_SECONDS = 10.0
_RATE_WAIT = timedelta(seconds=30)
_NOTICES: dict[Outcome, type[Any]] = {
    Outcome.ACCEPTED: NoticeSent,
    Outcome.DELIVERED: NoticeDelivered,
    Outcome.FAILED_TEMPORARY: NoticeFailed,
    Outcome.FAILED_PERMANENT: NoticeFailed,
    Outcome.UNKNOWN: NoticeUnknown,
}
_BREAKING = (Outcome.FAILED_TEMPORARY, Outcome.UNKNOWN)


class Lane:
    """Sends what is due on one channel, at most ``at_once`` at a time; any number of replicas may run one.

    ``per_minute``: how many messages one method of a person gets in a minute at most; 0: no limit. ``timeout``: within
    which the channel's attempts end.
    """

    def __init__(
        self,
        duty: Duty,
        name: str,
        channels: Mapping[str, Channel],
        composer: Composer,
        *,
        at_once: int,
        per_minute: int = 0,
        timeout: timedelta = LONGEST,
    ) -> None:
        self._duty, self._name, self._channels, self._composer = duty, name, channels, composer
        self._at_once, self._per_minute, self._lease = at_once, per_minute, lease_of(timeout)
        self.bell = duty.bells.setdefault(name, asyncio.Event())
        self._flying = set[asyncio.Task[None]]()
        self._breaker = Breaker()

    async def __aenter__(self) -> "Lane":
        """Nothing is claimed before the first turn."""
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Let what flies land; what does not in time stays claimed, and is unknown when its lease ends."""
        if self._flying:
            _done, late = await asyncio.wait(self._flying, timeout=_END_SECONDS)
            for task in late:
                task.cancel()

    @property
    def broken(self) -> bool:
        """Tell whether the channel fails and is only probed."""
        return self._breaker.probe_at is not None

    async def turn(self) -> bool:
        """Begin to send what is due and fits; True when there may be more."""
        now = asyncio.get_running_loop().time()
        room = self._breaker.room(self._at_once - len(self._flying), now)
        if room == 0:
            if self._flying:
                await asyncio.wait(self._flying, timeout=1, return_when=asyncio.FIRST_COMPLETED)
            return False
        claimed = await self._claim(room)
        if claimed:
            self._breaker = self._breaker.probing(now)
        for one in claimed:
            task = asyncio.create_task(self._fly(one), name=f"send {self._name}")
            self._flying.add(task)
            task.add_done_callback(self._landed)
        return len(claimed) == room

    def _landed(self, task: "asyncio.Task[None]") -> None:
        self._flying.discard(task)
        self.bell.set()
        if not task.cancelled() and task.exception() is not None:  # its lease ends, and it is tried again
            log.warning("notice_not_settled", channel=self._name, error=type(task.exception()).__name__)

    async def _claim(self, room: int) -> Sequence[Claimed]:
        """Claim, record what is wanted no more, compose what is claimed for the first time; commits before any I/O."""
        await queries.close_due(self._duty.pool, channel=self._name)
        async with self._duty.pool.acquire() as connection, connection.transaction():
            claimed = await notices.claim(connection, self._name, room, self._lease)
            claimed = await self._within_rate(connection, claimed)
            events = [event for one in claimed for event in self._second_look(one)]
            unwanted = [(one.notice_no, one.reason) for one in claimed if one.reason is not None]
            if unwanted:
                await queries.suppress(
                    connection, notice_nos=[n for n, _ in unwanted], reasons=[reason for _, reason in unwanted]
                )
            wanted = await self._composer.compose(connection, [one for one in claimed if one.reason is None])
            if events:
                await outbox.record(connection, self._duty.notices_topic, events)
        return wanted

    async def _within_rate(self, connection: Any, claimed: Sequence[Claimed]) -> Sequence[Claimed]:
        """Put back what a person's method has had enough of for this minute; the next method begins by impatience."""
        if not self._per_minute or not claimed:
            return claimed
        people = sorted({one.person for one in claimed})
        sent = {
            (r["person"], r["nth"]): r["attempts"]
            async for r in queries.sent_lately(connection, channel=self._name, people=people)
        }
        kept, later = list[Claimed](), list[Claimed]()
        for one in claimed:
            method = one.person, one.nth
            sent[method] = sent.get(method, 0) + (one.reason is None)
            (kept if one.reason is not None or sent[method] <= self._per_minute else later).append(one)
        if later:
            next_at = later[0].now + _RATE_WAIT
            await queries.put_back(
                connection, notice_nos=[one.notice_no for one in later], next_at=next_at, reason="rate_limited"
            )
        return kept

    def _second_look(self, claimed: Claimed) -> Sequence[Event[Any]]:
        """Return what the claim itself has to say: suppressed, or an attempt whose outcome is unknown."""
        found: list[Event[Any]] = []
        if claimed.lost:
            metrics.deliveries.labels(self._name, "unknown").inc()
            found += of_claimed(NoticeUnknown, claimed, claimed.attempt - 1, reason="lease_ended")
        if claimed.reason is not None:
            metrics.deliveries.labels(self._name, "suppressed").inc()
            found += of_claimed(
                NoticeSuppressed, claimed, claimed.attempt, once=claimed.now.isoformat(), reason=claimed.reason
            )
        return found

    async def _fly(self, claimed: Claimed) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        message = self._composer.outgoing(claimed, clock.now())
        if message is None:
            result = Result(Outcome.FAILED_PERMANENT, "method_gone")
        else:
            try:
                result = await self._channels[self._name].send(message)
            except Exception as error:  # noqa: BLE001  # the edge: a defect of a channel is told as what it is, tried again
                log.error("channel_broken", channel=self._name, error=type(error).__name__)
                result = Result(Outcome.UNKNOWN, "channel_broken")
            self._breaker = self._breaker.after(result.outcome in _BREAKING, loop.time())
        metrics.attempt_seconds.labels(self._name).observe(loop.time() - began)
        metrics.breaker_open.labels(self._name).set(self.broken)
        await self._settle(claimed, result)
        if result.reason == Cause.KEY_ACKNOWLEDGED:
            await acknowledge(self._duty, claimed.notice_id, claimed.page_no, claimed.person, self._name)

    async def _settle(self, claimed: Claimed, result: Result) -> None:
        now = clock.now()
        async with self._duty.pool.acquire() as connection, connection.transaction():
            state = await notices.record_result(connection, claimed, result, now)
            if state is None:
                return  # the lease ended and another attempt holds it: that one will say
            said: dict[str, Any] = {"reason": result.reason, "provider_id": result.provider_id}
            events = of_claimed(_NOTICES[result.outcome], replace(claimed, now=now), claimed.attempt, **said)
            await outbox.record(connection, self._duty.notices_topic, events)
            if state is State.FAILED:
                await move_on(connection, self._duty, [claimed.page_no], now)
        if state is State.FAILED:
            self._duty.stepped.set()
            self._duty.ring()
        metrics.deliveries.labels(self._name, result.outcome.value).inc()
        if state in (State.ACCEPTED, State.DELIVERED):
            self._observe(claimed)
        log.info(
            "notice_attempted",
            notice_id=claimed.notice_id,
            channel=self._name,
            outcome=result.outcome.value,
            reason=result.reason,
        )

    def _observe(self, claimed: Claimed) -> None:
        first = claimed.members[0] if claimed.members else None
        if first is not None and claimed.word is Word.BREACHED and first.due_at is not None and first.round == 0:
            metrics.to_accepted.observe(max(0.0, (clock.now() - first.due_at).total_seconds()))
