"""The short form of the deliveries; ``make deliveries`` is the long one."""

from pathlib import Path

import pytest

from tests.chaos.deliveries import Place, deliveries

SEED, MAILS, KILLS = 20261125, 300, 3


@pytest.mark.timeout(180)
async def test_what_got_250_is_one_ticket_with_a_copy_per_mailbox_through_kills(
    kafka: str, topics: str, postgres: str, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = await deliveries(Place(kafka, topics, postgres, database, tmp_path), MAILS, KILLS, SEED)
    with capsys.disabled():
        print(f"\ndeliveries (seed {SEED}): {result.counts}")
    assert result.wrong == []
    assert result.counts["taken"] > MAILS * 0.9
    assert result.counts["attempts"] > MAILS  # the kills did hit
