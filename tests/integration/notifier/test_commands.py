"""``why``, ``dlq`` and ``test-page`` on a real database: what they print, and their exit codes."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml

from services.notifier.domain.message import Outcome, Result
from tests.conftest import dsn_for
from tests.notifier_line import ONCALL, Line, Scripted, sla

REFUSED = Result(Outcome.FAILED_PERMANENT, "undeliverable")


async def command(postgres: str, database: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command as an operator does; return its exit code and what it printed."""
    (folder / "oncall.yaml").write_text(yaml.safe_dump(ONCALL), encoding="utf-8")
    environment = {
        "PRAZO_DATABASE_URL": dsn_for(postgres, "notifier_app", database),
        "PRAZO_CONFIG_DIR": str(folder),
        "PATH": os.environ["PATH"],
    }
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.notifier", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(child.communicate(), 60)
    return child.returncode or 0, out.decode(), err.decode()


async def test_why_says_who_was_told_by_what_and_what_is_next(
    pool: Any, postgres: str, database: str, tmp_path: Path
) -> None:
    line = Line.of(pool, mail=Scripted(REFUSED))
    await line.hear(sla("breached"))
    await line.turn()
    code, out, _ = await command(postgres, database, tmp_path, "why", "4821")
    assert code == 0
    assert "4821 response/1: breached, due 2026-03-05T17:05:00Z" in out
    assert "breached to ana by mail: failed (undeliverable)" in out
    assert "breached to bob by mail: accepted" in out
    assert "NEXT: round 2 of all steps, if nobody takes it" in out
    notice = (await line.notices())[0]["notice_id"]
    code, out, _ = await command(postgres, database, tmp_path, "why", notice, "--json")
    story = json.loads(out)
    assert (code, story["ticket_id"], [n["state"] for n in story["notices"]]) == (0, "4821", ["failed", "accepted"])
    code, out, _ = await command(postgres, database, tmp_path, "why", "nothing\x1b[31m")
    assert (code, "\x1b" in out) == (1, False)


async def test_dead_letters_are_listed_sent_again_and_closed(
    pool: Any, postgres: str, database: str, tmp_path: Path
) -> None:
    line = Line.of(pool, mail=Scripted(REFUSED))
    await line.hear(sla("breached"))
    await line.turn()
    code, out, _ = await command(postgres, database, tmp_path, "dlq", "list", "--json")
    (dead,) = [json.loads(row) for row in out.splitlines()]
    assert (code, dead["person"], dead["reason"], dead["ticket_id"]) == (1, "ana", "undeliverable", "4821")
    code, _, err = await command(postgres, database, tmp_path, "dlq", "replay", dead["notice_id"])
    assert (code, "--yes is needed" in err) == (2, True)
    code, out, _ = await command(postgres, database, tmp_path, "dlq", "replay", dead["notice_id"], "--yes")
    assert (code, out) == (0, "1 of 1\n")
    line.channels["mail"].results = [REFUSED]
    await line.turn()
    assert [to for _, to, _ in line.sent] == ["ana@x.example", "bob@x.example", "ana@x.example"]
    code, out, _ = await command(postgres, database, tmp_path, "dlq", "drop", "--all", "--yes")
    assert (code, out) == (0, "1 of 1\n")
    assert await command(postgres, database, tmp_path, "dlq", "list") == (0, "", "")


async def test_a_test_page_says_what_came_of_each_method(
    pool: Any, postgres: str, database: str, tmp_path: Path
) -> None:
    line = Line.of(pool)
    asking = asyncio.create_task(command(postgres, database, tmp_path, "test-page", "ana", "--wait", "30"))
    while not asking.done():
        await line.turn()
        await asyncio.sleep(0.1)
    code, out, _ = await asking
    assert (code, out.split()[:2], line.sent) == (0, ["mail", "accepted"], [("mail", "ana@x.example", "test")])
    code, out, _ = await command(postgres, database, tmp_path, "test-page", "bob", "--wait", "0.1")
    assert (code, out.split()[:2]) == (1, ["mail", "planned"])
    code, _, err = await command(postgres, database, tmp_path, "test-page", "nobody")
    assert (code, "no such person" in err) == (2, True)


async def test_without_a_database_the_exit_code_is_three(tmp_path: Path) -> None:
    code, _, err = await command("postgres://x@127.0.0.1:1/prazo", "none", tmp_path, "why", "4821")
    assert (code, "the database cannot be used" in err) == (3, True)
