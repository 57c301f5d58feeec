"""The reader of the manager interface against a strict server, on a real PostgreSQL."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.intake import metrics
from services.intake.domain.phone import Ami
from services.intake.sources import ami as source
from services.intake.sources.ami import AmiReader
from shared import clock
from tests.integration.intake.asterisk import SECRET, TRANSCRIPTS, USER, Asterisk
from tests.integration.intake.phone import NUMBER, Line

NIGHT = datetime(2026, 3, 6, 1, tzinfo=UTC)
T = 1772758800


@asynccontextmanager
async def reading(pool: Any, server: Asterisk, secret: str = SECRET, **settings: Any) -> Any:
    """Read ``server`` meanwhile."""
    ami = Ami(host="127.0.0.1", port=server.port, user=USER, secret_file="x", **settings)
    async with AmiReader(pool, "matriz", ami, secret, asyncio.Event()) as reader:
        yield reader


async def until(pool: Any, kinds: int, what: Callable[[], bool] = lambda: True) -> list[tuple[str, str]]:
    """Return call and kind of each word stored, as soon as there are so many."""
    for _ in range(500):
        rows = await pool.fetch("SELECT call_id, kind FROM call_event ORDER BY at, kind")
        if len(rows) >= kinds and what():
            return [(row["call_id"].partition(".")[2], row["kind"]) for row in rows]
        await asyncio.sleep(0.02)
    raise AssertionError(f"only {len(rows)} words")


@pytest.mark.parametrize("auth", ["md5", "plain"])
async def test_calls_are_heard_whatever_abandon_says_and_whatever_lines_are_between(pool: Any, auth: str) -> None:
    async with Asterisk("night.txt") as server, reading(pool, server, auth=auth):
        heard = await until(pool, 6)
        assert metrics.ami_connected.labels("matriz")._value.get() == 1
    assert heard == [
        ("101", "started"),
        ("102", "started"),
        ("101", "left"),
        ("102", "left"),
        ("102", "answered"),
        ("101", "ended"),
    ]
    line = Line(pool)
    await line.decide(clock.now() + timedelta(seconds=10))
    rows = await pool.fetch("SELECT decision, emergency, agent, number FROM call ORDER BY call_id")
    assert [tuple(r) for r in rows] == [
        ("missed", True, None, "+5562988887777"),
        ("answered", True, "ana", "+556230865750"),
    ]
    assert metrics.ami_connected.labels("matriz")._value.get() == 0
    assert (SECRET.encode() in b"".join(server.said)) == (auth == "plain")


async def test_a_call_back_is_heard_when_it_is_taken(pool: Any) -> None:
    async with Asterisk("call_back.txt") as server, reading(pool, server):
        assert await until(pool, 3) == [("201", "outgoing"), ("201", "answered"), ("201", "ended")]
    line = Line(pool)
    await line.decide(clock.now() + timedelta(seconds=10))
    assert await line.decisions() == ["called_back"]


async def test_after_a_lost_connection_queue_log_says_what_was_missed(pool: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: NIGHT + timedelta(minutes=2))
    await Line(pool).say(f"{T}.301", "started", NIGHT + timedelta(seconds=20), number=NUMBER)
    log = str(TRANSCRIPTS / "queue_log")
    async with Asterisk(channels=[f"{T}.302"]) as server, reading(pool, server, queue_log=log):
        await until(pool, 4)
        server.drop()
        await until(pool, 4, lambda: server.logins >= 2)
    words = {(row["call_id"].partition(".")[2], row["kind"]) for row in await pool.fetch("SELECT * FROM call_event")}
    assert words == {("301", "started"), ("301", "ended"), ("302", "started"), ("302", "answered")}
    line = Line(pool)
    await line.decide(NIGHT + timedelta(minutes=9))
    assert await line.decisions() == ["missed", "answered"]
    assert (await line.types()).count("ticket.opened") == 2


def entered(at: datetime, name: str) -> str:
    """Return the line of a caller who entered the queue."""
    return f"{at.timestamp():.0f}|{T}.{name}|suporte|NONE|ENTERQUEUE||062988887777|1\n"


def gave_up(at: datetime, name: str) -> str:
    """Return the line of a caller who hung up."""
    return f"{at.timestamp():.0f}|{T}.{name}|suporte|NONE|ABANDON|1|1|30\n"


async def test_calls_of_a_long_gap_are_made_good_also_from_rotated_files(pool: Any, tmp_path: Path) -> None:
    now = clock.now()
    await Line(pool).say("before", "ended", now - timedelta(days=3))
    log = tmp_path / "queue_log"
    for hours, path in ((60, tmp_path / "queue_log-20260301"), (30, tmp_path / "queue_log.1"), (1, log)):
        at = now - timedelta(hours=hours)
        path.write_text(entered(at, f"{hours}") + gave_up(at + timedelta(seconds=40), f"{hours}"))
    (tmp_path / "queue_log.2.gz").write_bytes(b"\x1f\x8b")
    log.write_text(log.read_text() + entered(now, "cut")[:-5])  # it is being written
    async with Asterisk() as server, reading(pool, server, queue_log=str(log)):
        heard = await until(pool, 7)
    assert heard == [("", "ended"), *((name, kind) for name in ("60", "30", "1") for kind in ("started", "ended"))]


async def test_a_crash_while_a_gap_is_made_good_loses_nothing_of_it(pool: Any, tmp_path: Path) -> None:
    now = clock.now()
    line = Line(pool)
    await line.say("before", "ended", now - timedelta(hours=2))
    await line.say(f"{T}.249", "started", now - timedelta(hours=2))
    log = tmp_path / "queue_log"
    names = [str(n) for n in range(100, 250)]
    log.write_text("".join(entered(now - timedelta(hours=1), name) for name in names))
    async with pool.acquire() as other, other.transaction():
        await other.execute(f"SELECT FROM call WHERE call_id = '{T}.249' FOR UPDATE")
        async with Asterisk() as server, reading(pool, server, queue_log=str(log)):
            await asyncio.sleep(1)
    async with Asterisk(channels=[f"{T}.{n}" for n in names]) as server, reading(pool, server, queue_log=str(log)):
        await until(pool, 152)


async def test_a_caller_of_the_gap_who_hangs_up_later_is_missed_at_once(pool: Any, tmp_path: Path) -> None:
    now = clock.now()
    await Line(pool).say("before", "ended", now - timedelta(hours=2))
    log = tmp_path / "queue_log"
    timeout = f"{now.timestamp():.0f}|{T}.402|suporte|NONE|EXITWITHTIMEOUT|1|1|30\n"
    log.write_text(entered(now, "401") + entered(now, "402") + timeout)
    (tmp_path / "late.txt").write_text(f"Event: Hangup\nUniqueid: {T}.401\nLinkedid: {T}.400\nCause: 16\n\n")
    async with (
        Asterisk(str(tmp_path / "late.txt"), channels=[f"{T}.401"]) as server,
        reading(pool, server, queue_log=str(log)),
    ):
        await until(pool, 6)
    ended = await pool.fetch("SELECT call_id, cause FROM call_event WHERE kind = 'ended' AND call_id <> 'before'")
    assert sorted(tuple(row) for row in ended) == [(f"{T}.401", "hangup_16"), (f"{T}.402", "lost")]


async def test_a_call_without_an_end_is_ended_when_its_channel_is_gone(pool: Any) -> None:
    now, line = clock.now(), Line(pool)
    for name in ("gone", "there"):
        await line.say(name, "started", now - timedelta(minutes=1), number=NUMBER)
    async with Asterisk(channels=["there"]) as server, reading(pool, server):
        await until(pool, 3)
    ended = await pool.fetch("SELECT call_id, cause FROM call_event WHERE kind = 'ended'")
    assert [tuple(row) for row in ended] == [("gone", "lost")]


async def test_a_wrong_secret_is_tried_seldom_and_told_nowhere(pool: Any) -> None:
    with capture_logs() as logs:
        async with Asterisk() as server, reading(pool, server, secret="wr0ng-secret"):
            for _ in range(100):
                if logs:
                    break
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)
            assert (server.refused, server.logins) == (1, 0)
    assert [entry["error"] for entry in logs] == ["LogInRefused"]
    assert "wr0ng" not in str(logs)


async def test_a_user_who_may_not_see_channels_is_told_of_and_calls_are_heard_all_the_same(pool: Any) -> None:
    with capture_logs() as logs:
        async with Asterisk("call_back.txt", channels=None) as server, reading(pool, server):
            await until(pool, 3)
    assert [entry["event"] for entry in logs] == ["ami_connected", "ami_action_refused"]


async def test_silence_is_answered_by_pings_and_then_by_a_new_connection(pool: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(source, "_PING_SECONDS", 0.05)
    async with Asterisk() as server, reading(pool, server):
        for _ in range(200):
            if server.pings >= 3:
                break
            await asyncio.sleep(0.02)
        assert (server.pings >= 3, server.logins) == (True, 1)
        monkeypatch.setattr(source, "_PING_SECONDS", 60)
        monkeypatch.setattr(source, "_SILENCE_SECONDS", 0.2)
        for _ in range(200):
            if server.logins >= 2:
                break
            await asyncio.sleep(0.02)
        assert server.logins >= 2
