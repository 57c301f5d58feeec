"""The policy on the real local stack, through the front doors: what ``make policy`` shows."""

import asyncio
import json
import sys

import pytest

SHOWN = {1, 2, 4, 6, 7, 8, 11, 12, 13}
MAILS = 40


@pytest.mark.timeout(200)
async def test_every_rule_that_has_a_story_is_shown_with_the_events_that_prove_it() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.local", "policy", "--json", "--mails", str(MAILS)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        printed, said = await asyncio.wait_for(process.communicate(), 180)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    rows = [json.loads(line) for line in printed.splitlines()]
    assert ([row for row in rows if row["state"] == "failed"], process.returncode) == ([], 0), said.decode()
    shown = {row["rule"]: row for row in rows if row["state"] == "shown"}
    assert shown.keys() >= SHOWN
    assert all(row["happened"] and row["events"] for row in shown.values())
    assert {row["rule"] for row in rows} == set(range(1, 14))
    assert f"{MAILS} tickets, each with a response and an action clock" in shown[6]["happened"][0]
