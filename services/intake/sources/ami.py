"""The reader of Asterisk's manager interface (AMI): connect, log in, read, ping, connect again.

AMI repeats nothing: after every log-in the words that were missed are read from queue_log and its rotated files, if they can
be read here, and calls without an end whose channel is gone are ended. What is heard waits in a bounded buffer until it is stored; a full one
leaves the rest with Asterisk. The secret is sent as an MD5 answer to a challenge, unless ``auth: plain``; it is never logged.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from services.intake import metrics
from services.intake.domain.calls import CallEvent, CallId, Heard
from services.intake.domain.phone import Ami
from services.intake.sources.ami_protocol import Tracked, heard
from services.intake.sources.queue_log import read_since, words
from services.intake.store.calls import Recent, hear, last_heard, recent_calls
from shared import clock
from shared.ami import Message, Parser, action, login_key
from shared.errors import Permanent
from shared.kafka import backoff_seconds
from shared.postgres import is_of_the_data

log = structlog.get_logger(__name__)

BUFFER = 1000
STORED_AT_ONCE = 100
_LINE_BYTES = 16 * 1024
_CONNECT_SECONDS = 10
_PING_SECONDS = 15
_SILENCE_SECONDS = 45  # three pings without an answer
_REFUSED_SECONDS = 60  # so that nobody bans us for trying
_CALLS_LIMIT = 10_000
_MARGIN = timedelta(minutes=15)  # between its clock and ours; what is heard again changes nothing
_LONGEST_GAP = timedelta(days=7)  # what happened before that is history
_RECONCILE_SECONDS = 300


class LogInRefused(Permanent):
    """Asterisk does not know this user and secret, or takes nobody from this address."""


class AmiReader:
    """Reads one exchange for ever, as a resource of the service."""

    def __init__(
        self,
        pool: Any,
        pbx: str,
        ami: Ami,
        secret: str,
        arrived: asyncio.Event,
        open_for: timedelta = timedelta(hours=4),
    ) -> None:
        self._pool, self._pbx, self._ami, self._secret = pool, pbx, ami, secret
        self._arrived, self._open_for = arrived, open_for
        self._tracked = Tracked()
        self._buffer: asyncio.Queue[Heard] = asyncio.Queue(BUFFER)
        self._tasks: list[asyncio.Task[None]] = []
        metrics.ami_connected.labels(pbx).set(0)

    async def __aenter__(self) -> "AmiReader":
        """Start reading; that nobody answers stops nothing."""
        self._tasks = [asyncio.create_task(self._read_on()), asyncio.create_task(self._store_on())]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop reading; what is not stored yet is read from queue_log later."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read_on(self) -> None:
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._session()
            except Exception as error:  # noqa: BLE001  # the edge: whatever ends a session, the next one begins
                log.warning("ami_disconnected", pbx=self._pbx, error=type(error).__name__)
                if isinstance(error, LogInRefused):
                    await asyncio.sleep(_REFUSED_SECONDS)
            lasted = asyncio.get_running_loop().time() - began
            failures = 0 if lasted > _SILENCE_SECONDS else failures + 1
            await asyncio.sleep(backoff_seconds(failures))

    async def _session(self) -> None:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(self._ami.host, self._ami.port, limit=_LINE_BYTES)
        pinging: asyncio.Task[None] | None = None
        try:
            lines = _Lines(reader)
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._log_in(lines, writer)
            log.info("ami_connected", pbx=self._pbx)
            metrics.ami_connected.labels(self._pbx).set(1)
            pinging = asyncio.create_task(_ping(writer))
            open_before = await self._reconcile()
            writer.write(action("CoreShowChannels"))
            await self._listen(lines, open_before)
        finally:
            metrics.ami_connected.labels(self._pbx).set(0)
            if pinging is not None:
                pinging.cancel()
            writer.close()
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 5)

    async def _log_in(self, lines: "_Lines", writer: asyncio.StreamWriter) -> None:
        await lines.line()  # the greeting
        proof = {"Secret": self._secret}
        if self._ami.auth == "md5":
            writer.write(action("Challenge", AuthType="MD5"))
            challenge = (await lines.response()).get("challenge", "")
            proof = {"AuthType": "MD5", "Key": login_key(challenge, self._secret)}
        writer.write(action("Login", Username=self._ami.user, **proof, Events="agent,call,user"))
        if (await lines.response()).get("response") != "Success":
            raise LogInRefused(self._pbx)

    async def _listen(self, lines: "_Lines", open_before: Sequence[Recent]) -> None:
        present: set[str] = set()
        while True:
            message = await lines.message()
            name = message.get("event", "")
            metrics.ami_last_event.labels(self._pbx).set_to_current_time()
            if name == "CoreShowChannel":
                present |= {message.get("linkedid", ""), message.get("uniqueid", "")}
            elif name == "CoreShowChannelsComplete":
                await self._end_the_gone(open_before, present)
            elif message.get("response") == "Error":  # our user may not see channels: lost calls end only after hours
                log.warning("ami_action_refused", pbx=self._pbx)
            elif name:
                metrics.ami_events.labels(name if name in metrics.AMI_EVENTS else "other").inc()
                word = heard(message, self._pbx, self._tracked, clock.now())
                if word is not None:
                    await self._buffer.put(word)

    async def _reconcile(self) -> Sequence[Recent]:
        """Hear what queue_log says since the last call that was heard of; return the calls that are open."""
        now = clock.now()
        last = await last_heard(self._pool, self._pbx)
        since = max((last or now) - _MARGIN, now - _LONGEST_GAP)
        recent = await recent_calls(self._pool, self._pbx, min(since, now) - self._open_for, _CALLS_LIMIT)
        found: list[Heard] = []
        if self._ami.queue_log is not None and last is not None:  # before the first call there is no gap
            calls = {one.channel: one.call_id for one in recent}
            found = list(words(await self._logged(self._ami.queue_log, since), self._pbx, calls, since, now))
            await self._make_good(found)
        is_open = {one.channel: one for one in reversed(recent) if one.open}
        for word in found:
            if word.event.kind == "ended":
                is_open.pop(word.channel, None)
            elif word.event.kind == "started":
                is_open.setdefault(word.channel, Recent(word.call.call_id, word.channel, open=True, outgoing=False))
        for one in is_open.values():
            self._tracked.add(one.channel, one.call_id, outgoing=one.outgoing)
        return list(is_open.values())

    async def _logged(self, path: str, since: datetime) -> Sequence[str]:
        try:
            return await asyncio.to_thread(read_since, Path(path), since)
        except OSError as error:
            log.warning("queue_log_unreadable", pbx=self._pbx, error=type(error).__name__)
            return ()

    async def _make_good(self, found: Sequence[Heard]) -> None:
        """Store all that was missed at once: after a crash in between, the first part would hide the gap of the rest."""
        async with asyncio.timeout(_RECONCILE_SECONDS), self._pool.acquire() as connection, connection.transaction():
            await hear(connection, found)
        metrics.ami_reconciled.labels("queue_log").inc(len(found))
        self._arrived.set()

    async def _end_the_gone(self, open_before: Sequence[Recent], present: set[str]) -> None:
        """End the calls that were open before and have no channel: when exactly, and why, nobody knows."""
        now = clock.now()
        for one in open_before:
            if not present & {one.call_id, one.channel}:
                metrics.ami_reconciled.labels("channels").inc()
                self._tracked.forget(one.channel)
                await self._buffer.put(
                    Heard(CallId(self._pbx, one.call_id), CallEvent("ended", now, now, cause="lost"))
                )

    async def _store_on(self) -> None:
        while True:
            batch = [await self._buffer.get()]
            while len(batch) < STORED_AT_ONCE and not self._buffer.empty():
                batch.append(self._buffer.get_nowait())
            await self._store(batch)
            self._arrived.set()

    async def _store(self, batch: Sequence[Heard]) -> None:
        """Store words until they are stored; of those that no column can hold, which there should be none, tell."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(30), self._pool.acquire() as connection, connection.transaction():
                    await hear(connection, batch)
            except Exception as error:  # noqa: BLE001  # the edge: whatever the database says, nothing heard is lost
                log.warning("calls_deferred", pbx=self._pbx, error=type(error).__name__)
                if is_of_the_data(error):
                    if len(batch) == 1:
                        return
                    for one in batch:
                        await self._store([one])
                    return
                await asyncio.sleep(backoff_seconds(failures))
                failures += 1
            else:
                return


class _Lines:
    """Messages of a connection; a line that is too long is dropped like any other that is no header."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader, self._parser = reader, Parser()

    async def line(self) -> bytes:
        """Return the next line, or raise when there is none for too long."""
        async with asyncio.timeout(_SILENCE_SECONDS):
            while True:
                try:
                    line = await self._reader.readline()
                except ValueError:  # longer than the limit; what was read of it is gone
                    metrics.ami_malformed.inc()
                    continue
                if not line.endswith(b"\n"):
                    raise ConnectionResetError("the connection was closed")
                return line

    async def message(self) -> Message:
        """Return the next message."""
        while True:
            before = self._parser.malformed
            found = self._parser.feed(await self.line())
            metrics.ami_malformed.inc(self._parser.malformed - before)
            if found is not None:
                return found

    async def response(self) -> Mapping[str, str]:
        """Return the next response, passing over events."""
        while "response" not in (found := await self.message()):
            pass
        return found


async def _ping(writer: asyncio.StreamWriter) -> None:
    """Ask for a sign of life now and then; its absence ends the session."""
    while True:
        await asyncio.sleep(_PING_SECONDS)
        writer.write(action("Ping"))
        await writer.drain()
