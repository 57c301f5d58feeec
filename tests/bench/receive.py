"""Receiving mail: the real intake process on a PostgreSQL that flushes, against a bare aiosmtpd that flushes files.

Both on uvloop, with the same mails from the same sender, alternating; the median counts. intake reads what it has received
at the same time, as it does in service; how fast it would be without is measured by itself.
"""

import asyncio
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from deploy.kafka.topics import create_topics
from deploy.local.process import Child, Command, free_port
from services.intake.configuration import read_desk
from services.intake.domain.contact import understand
from shared import clock
from shared.postgres import create_pool
from tests.bench.process import resident_mb
from tests.conftest import dsn_for
from tests.corpus.mails import mails

PAIRS, MAILS = 3, {1: 600, 16: 3_000}
READ, STEADY, STEPS = 1_000, 20_000, 5
_LARGEST_BYTES = 40 * 1024 * 1024


async def run(bootstrap: str, admin_dsn: str) -> AsyncIterator[dict[str, Any]]:
    """Yield mails/s received and its ratio to the bare server, mails/s read, the memory, and the largest mail."""
    yield _reading()
    prefix = f"r{uuid.uuid4().hex[:6]}."
    await create_topics(bootstrap, prefix, partitions=4)
    async with create_pool(dsn_for(admin_dsn, "intake_app", "prazo"), "intake", size=2) as pool:
        with tempfile.TemporaryDirectory(prefix="prazo-receive-") as name:
            folder = Path(name)
            _configure(folder)
            bare_port, smtp_port = free_port(), free_port()
            argv = [sys.executable, "-m", "tests.bench.bare", str(bare_port), str(folder)]
            bare = await Child.start(Command(argv, folder / "bare.log"))
            intake = await Child.start(
                _intake(bootstrap, prefix, dsn_for(admin_dsn, "intake_app", "prazo"), smtp_port, folder)
            )
            try:
                await asyncio.gather(_listens(bare_port), _listens(smtp_port))
                for connections in MAILS:
                    yield await _compared(pool, connections, smtp_port, bare_port)
                yield await _memory(pool, intake, smtp_port)
                yield await _largest(pool, intake, smtp_port)
            finally:
                await asyncio.gather(bare.stop(), intake.stop())


def _configure(folder: Path) -> None:
    """Write the shipped configuration without the desk's own: nobody is there to take automatic answers."""
    shutil.copytree("deploy/config", folder / "config")
    (folder / "config" / "desk.yaml").unlink()


def _intake(bootstrap: str, prefix: str, dsn: str, port: int, folder: Path) -> Command:
    environment = {
        "PRAZO_KAFKA": bootstrap,
        "PRAZO_DATABASE_URL": dsn,
        "PRAZO_TOPIC_PREFIX": prefix,
        "PRAZO_HTTP_PORT": str(free_port()),
        "PRAZO_SMTP_PORT": str(port),
        "PRAZO_SECRETS_DIR": str(folder),
        "PRAZO_CONFIG_DIR": str(folder / "config"),
    }
    return Command([sys.executable, "-m", "services.intake"], folder / "intake.log", environment)


async def _listens(port: int) -> None:
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return
    raise RuntimeError("a server never listened")


async def _sent(port: int, connections: int, count: int, seed: int) -> float:
    """Return the seconds that a sender of its own needed."""
    argv = [sys.executable, "-m", "tests.bench.sender", *map(str, (port, connections, count, seed))]
    child = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    printed, _ = await child.communicate()
    if child.returncode:
        raise RuntimeError("the sender failed")
    return float(printed)


async def _read_up(pool: Any) -> None:
    """Wait until no more is read, so that the next measure is alone."""
    left, before = -1, -2
    while left != before:
        await asyncio.sleep(3)
        before, left = (
            left,
            await pool.fetchval("SELECT count(*) FROM message WHERE ticket_id IS NULL AND discarded IS NULL"),
        )


async def _compared(pool: Any, connections: int, ours: int, bare: int) -> dict[str, Any]:
    count, found = MAILS[connections], {"ours": list[float](), "bare": list[float]()}
    for pair in range(PAIRS):
        seed = connections * 100 + pair
        await _read_up(pool)
        found["bare"].append(await _sent(bare, connections, count, seed))
        before = await pool.fetchval("SELECT count(*) FROM message")
        found["ours"].append(await _sent(ours, connections, count, seed))
        if await pool.fetchval("SELECT count(*) FROM message") - before != count:
            raise RuntimeError("250 was said of a message that is not there")
    rates = {name: [count / seconds for seconds in each] for name, each in found.items()}
    return {
        "measure": "mails_received",
        "connections": connections,
        "mails_per_second": round(statistics.median(rates["ours"])),
        "baseline_bare_aiosmtpd_mails_per_second": round(statistics.median(rates["bare"])),
        "ratio": round(statistics.median(o / b for o, b in zip(rates["ours"], rates["bare"], strict=True)), 2),
        "ratios": [round(o / b, 2) for o, b in zip(rates["ours"], rates["bare"], strict=True)],
        "mails": count,
        "pairs": PAIRS,
    }


def _reading() -> dict[str, Any]:
    """Return mails/s that one core reads of the corpus: header, parts, quotations, documents, client, route."""
    known, at = read_desk(Path("deploy/config")), clock.now()
    raws = [mail.raw for mail in mails(1, READ)]
    began = time.process_time()
    for raw in raws:
        understand(raw, known, at)
    per_second = READ / (time.process_time() - began)
    return {"measure": "mails_read", "mails_per_second_per_core": round(per_second), "mails": READ}


async def _memory(pool: Any, intake: Child, port: int) -> dict[str, Any]:
    seen = [resident_mb(intake.pid)]
    for step in range(STEPS):
        await _sent(port, 16, STEADY // STEPS, 9_000 + step)
        seen.append(resident_mb(intake.pid))
    return {"measure": "memory_while_receiving", "mails": STEADY, "resident_mb": [round(mb, 1) for mb in seen]}


async def _largest(pool: Any, intake: Child, port: int) -> dict[str, Any]:
    """Send the largest mail that is taken by default, as a sender that pipelines."""
    body = b"Subject: largest\r\n\r\n"
    body += b"x" * (_LARGEST_BYTES - len(body) - 2) + b"\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.perf_counter()
    writer.write(b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@desk.example>\r\nDATA\r\n")
    answers = [(await reader.readline())[:3] for _ in range(5)]
    writer.write(body + b".\r\n")
    answers.append((await reader.readline())[:3])
    seconds = time.perf_counter() - began
    writer.close()
    if answers != [b"220", b"250", b"250", b"250", b"354", b"250"]:
        raise RuntimeError("the largest mail was not taken")
    return {
        "measure": "largest_mail_taken",
        "bytes": await pool.fetchval("SELECT max(length(raw)) FROM message"),
        "seconds": round(seconds, 1),
        "resident_mb": round(resident_mb(intake.pid), 1),
    }
