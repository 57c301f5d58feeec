"""The examples that other systems copy, run as they stand against a real server, also through its refusals and its death."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from services.intake.domain.limits import Rate
from services.intake.sources.openapi_examples import example
from tests.intake_http import SECRET, serving, token

CURL = ["sh", "deploy/examples/publish_event.sh"]
PYTHON = [sys.executable, "deploy/examples/publish_events.py"]


class Ended(NamedTuple):
    """What a program left."""

    code: int | None
    out: str
    err: str


async def run(command: list[str], given: str = "", secret: str = SECRET) -> Ended:
    """Run one of the examples to its end."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=pipe, env={**os.environ, "PRAZO_TOKEN": secret}
    )
    out, err = await asyncio.wait_for(child.communicate(given.encode()), 90)
    return Ended(child.returncode, out.decode(), err.decode())


@pytest.fixture
def curl() -> None:
    """Skip where there is no curl; CI has one."""
    if shutil.which("curl") is None:
        if os.environ.get("CI"):
            pytest.fail("curl is missing")
        pytest.skip("curl is missing")


def event(id_: str, **changes: Any) -> dict[str, Any]:
    """Return an event of the CRM."""
    return {**example("ticket.opened"), "id": id_, **changes}


async def taken(pool: Any) -> list[str]:
    """Return the ids that are known, in order."""
    return [row["event_id"] for row in await pool.fetch("SELECT event_id FROM submitted ORDER BY event_id")]


@pytest.mark.usefixtures("curl")
async def test_the_curl_example_publishes_one_event_and_a_batch_and_again_changes_nothing(
    pool: Any, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.write_text(json.dumps(event("a"), indent=1))
    two.write_text(json.dumps([event("b"), event("c")], indent=1))
    async with serving(pool) as url:
        ended = [await run([*CURL, url, str(path)]) for path in (one, two, one)]
    assert [(one.code, json.loads(one.out)) for one in ended] == [
        (0, {"ids": ["a"]}),
        (0, {"ids": ["b", "c"]}),
        (0, {"ids": ["a"]}),
    ]
    assert await taken(pool) == ["a", "b", "c"]
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 3


@pytest.mark.usefixtures("curl")
async def test_the_curl_example_says_the_field_of_a_refusal_and_waits_out_a_rate_limit(
    pool: Any, tmp_path: Path
) -> None:
    wrong, right = tmp_path / "wrong.json", tmp_path / "right.json"
    wrong.write_text(json.dumps(event("a", time="yesterday")))
    right.write_text(json.dumps(event("b")))
    async with serving(pool, [token(Rate(per_second=1, burst=1))]) as url:
        refused, accepted = await run([*CURL, url, str(wrong)]), await run([*CURL, url, str(right)])
    assert (refused.code, json.loads(refused.out)["errors"][0]["field"]) == (22, "time")
    assert (accepted.code, await taken(pool)) == (0, ["b"])


async def test_the_python_example_publishes_the_good_lines_and_names_the_wrong_ones(pool: Any) -> None:
    lines = [event("a"), event("b", time="yesterday"), event("c"), event("d", type="ticket.exploded")]
    given = "\n".join([*map(json.dumps, lines), "{", "", json.dumps(event("e"))])
    async with serving(pool) as url:
        ended = await run([*PYTHON, url], given)
    assert (ended.code, await taken(pool)) == (1, ["a", "c", "e"])
    assert [line.rpartition(":")[0].split(": ")[:2] for line in ended.err.splitlines()] == [
        ["line 5", "not JSON"],
        ["line 2", "time"],
        ["line 4", "type"],
    ]


async def test_the_python_example_takes_its_time_from_retry_after_and_sends_many_batches(pool: Any) -> None:
    given = "\n".join(json.dumps(event(f"{n:03}")) for n in range(201))
    async with serving(pool, [token(Rate(per_second=1, burst=1))]) as url:
        ended = await run([*PYTHON, url], given)
    assert (ended.code, ended.err) == (0, "")
    assert await taken(pool) == [f"{n:03}" for n in range(201)]


async def test_the_python_example_goes_on_when_the_answer_is_lost_and_the_event_is_taken_once(pool: Any) -> None:
    async with serving(pool) as url, losing_answers(url, 2) as through:
        ended = await run([*PYTHON, through], json.dumps(event("a")))
    assert (ended.code, await taken(pool)) == (0, ["a"])
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 1


async def test_a_wrong_token_is_said_and_not_tried_again(pool: Any) -> None:
    async with serving(pool) as url:
        ended = await run([*PYTHON, url], json.dumps(event("a")), secret="wrong")
    assert (ended.code, "401: Valid credentials are needed" in ended.err) == (1, True)


@asynccontextmanager
async def losing_answers(url: str, times: int) -> AsyncIterator[str]:
    """Pass connections on to ``url``; of the first ``times`` the answer is read and thrown away."""
    port, left = int(url.rpartition(":")[2]), [times]

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        left[0] -= 1
        forth = asyncio.create_task(_copy(reader, back))
        if left[0] >= 0:
            await there.read(1)  # so it was answered
        else:
            await _copy(there, writer)
        forth.cancel()
        back.close()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(65536):
        writer.write(part)
        await writer.drain()
