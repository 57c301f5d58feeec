"""schemathesis against a real server: every check, on every path of ``/v1``. ``python -m tests.fuzz_http`` is the long form."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz_http.run import Run, fuzz
from tests.intake_http import serving


@pytest.mark.timeout(240)
async def test_no_request_of_any_shape_finds_an_answer_that_the_document_does_not_promise(
    pool: Any, tmp_path: Path
) -> None:
    async with serving(pool) as url:
        run = Run(url, tmp_path, max_examples=25, seed=1, types="ticket.opened")
        code, report = await asyncio.to_thread(fuzz, run)
    assert code == 0, report
    assert await pool.fetchval("SELECT count(*) FROM submitted") > 50  # so what was meant to be valid got through
    assert await pool.fetchval("SELECT count(*) FROM call") > 2
