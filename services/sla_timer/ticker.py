"""Time's way in: two loops. ``Watch`` feeds the ingest hold; ``Ticker`` fires what is due while the hold allows it."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.sla_timer import store
from services.sla_timer.domain.hold import Hold
from services.sla_timer.handlers import FIRED_AT_ONCE, Timer, fire_due, reassess
from shared import clock

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.05
WATCH_SECONDS = 0.25
REASSESS_SECONDS = 0.25
SWEEP_SECONDS = 1.0
_CALL_SECONDS = 5.0
_BUSY = 50  # clocks; from so many on the time of a batch is worth more than the pause between two polls
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
_BEHIND_NOW = timedelta(seconds=5)


class Watch:
    """Reads end offsets and the group's committed offsets; records until when each partition is known to be read."""

    def __init__(self, timer: Timer, hold: Hold, bootstrap: str, topic: str, group: str) -> None:
        self._timer, self._hold, self._topic, self._group = timer, hold, topic, group
        self._bootstrap = bootstrap
        self._admin: Any = None
        self._consumer: Any = None
        self._began = False
        self._saved_at = 0.0

    async def __aenter__(self) -> "Watch":
        """Connect on the first turn."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._close()

    async def turn(self) -> bool:
        """Make one observation, where broker and database both answer."""
        with ExitStack() as unless_all_answer:
            unless_all_answer.callback(self._hold.failed)
            await self._begin()
            now = asyncio.get_running_loop().time()
            committed, ends = await self._offsets()
            async with asyncio.timeout(_CALL_SECONDS):
                await self._share_outages()
            unless_all_answer.pop_all()
        begun_at, now = now, asyncio.get_running_loop().time()
        self._hold.observe(begun_at, committed, ends, now)
        if now - self._saved_at >= 1 and self._hold.may_fire(now):  # while it holds, a restart is to know that it did
            await self._save(now)
        return False

    async def _begin(self) -> None:
        """Learn from the database whether everything had been away before this process began."""
        if not self._began:
            before = await store.queries.saved_progress(self._timer.pool, topic=self._topic)
            away = before is not None and clock.now() - before > timedelta(seconds=10)
            self._hold.outage_before_start = away
            self._began = True

    async def _share_outages(self) -> None:
        """Tell the other replicas of an outage that ends, and hear of theirs: whoever slept through it holds too."""
        now = asyncio.get_running_loop().time()
        if self._hold.returning(now):
            await store.queries.save_outage(self._timer.pool, topic=self._topic)
        age = await store.queries.outage_age(self._timer.pool, topic=self._topic)
        if age is not None:
            self._hold.heard_of(now - age)

    async def _offsets(self) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """Return committed and end offsets by partition; a broker that fails to answer is connected anew."""
        async with AsyncExitStack() as unless_it_answers:
            unless_it_answers.push_async_callback(self._close)
            async with asyncio.timeout(_CALL_SECONDS):
                offsets = await self._ask()
            unless_it_answers.pop_all()
        return offsets

    async def _ask(self) -> tuple[Mapping[int, int], Mapping[int, int]]:
        if self._admin is None:
            admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, request_timeout_ms=4000)
            consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, request_timeout_ms=4000)
            self._admin, self._consumer = admin, consumer
            await admin.start()
            await consumer.start()
        described = await self._admin.describe_topics([self._topic])
        partitions = [TopicPartition(self._topic, p["partition"]) for p in described[0]["partitions"]]
        stored, begins, ends = await asyncio.gather(
            self._admin.list_consumer_group_offsets(self._group, partitions=partitions),
            self._consumer.beginning_offsets(partitions),  # where reading begins without a commit
            self._consumer.end_offsets(partitions),
        )
        read_upto = {tp.partition: max(stored[tp].offset, begins[tp]) for tp in partitions}
        return read_upto, {tp.partition: offset for tp, offset in ends.items()}

    async def _save(self, now: float) -> None:
        caught_up = self._hold.caught_up()
        wall = clock.now()
        await store.queries.save_progress(
            self._timer.pool,
            topic=self._topic,
            partitions=list(caught_up),
            caught_up=[wall - timedelta(seconds=now - at) for at in caught_up.values()],
        )
        self._saved_at = now

    async def _close(self) -> None:
        admin, consumer, self._admin, self._consumer = self._admin, self._consumer, None, None
        for client, close in ((admin, "close"), (consumer, "stop")):
            if client is not None:
                try:
                    await asyncio.wait_for(getattr(client, close)(), _CALL_SECONDS)
                except (OSError, TimeoutError) as error:
                    log.warning("watch_not_closed", error=type(error).__name__)


class Reassessor:
    """Keeps the judgement registered that is in force, and judges anew what an older one judged."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer

    async def turn(self) -> bool:
        """Register if need be, then judge one batch; True when there may be more."""
        now = await store.queries.database_now(self._timer.pool)
        await self._timer.versions.register(self._timer.pool, now)
        return await reassess(self._timer)


class Ticker:
    """Fires what is due: every poll what came due just now, every second a full sweep, by the one that ``sweeps``.

    Two take turns with the database: while one's batch is recorded, the other's is built.
    """

    def __init__(self, timer: Timer, hold: Hold, *, sweeps: bool = True) -> None:
        self._timer, self._hold, self._sweeps = timer, hold, sweeps
        self._swept_at = 0.0

    async def turn(self) -> bool:
        """Fire one batch; True when so much was due that looking again at once beats waiting."""
        now = asyncio.get_running_loop().time()
        if not self._hold.may_fire(now):
            return False
        sweeping = self._sweeps and now - self._swept_at >= SWEEP_SECONDS
        watermark = _BEFORE_ALL if sweeping else clock.now() - _BEHIND_NOW
        fired = await fire_due(self._timer, self._hold, watermark)
        if sweeping and fired < FIRED_AT_ONCE:
            self._swept_at = now
        return fired >= _BUSY
