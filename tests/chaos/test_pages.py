"""The short form of the pages; ``make pages-chaos`` is the long one."""

from pathlib import Path

import pytest

from tests.chaos.pages import pages
from tests.paging import Paging

SEED, ALERTS, KILLS, ASSIGNEES = 20261125, 150, 6, 30


@pytest.mark.timeout(180)
async def test_every_alert_reaches_somebody_or_is_a_dead_letter_through_kills_and_a_flaky_mail_server(
    kafka: str, topics: str, postgres: str, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Paging(kafka, topics, postgres, database, tmp_path)
    result = await pages(place, ALERTS, KILLS, SEED, ASSIGNEES)
    with capsys.disabled():
        print(f"\npages (seed {SEED}): {result.counts}")
    assert result.wrong == []
    assert result.counts["told"] == ALERTS  # whom nobody can be reached of, the manager is told
    assert result.counts["unknown"] > 0  # the bad day was one
