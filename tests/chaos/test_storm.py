"""The short form of the storm; ``make chaos`` blows the long one."""

from pathlib import Path

import pytest

from tests.chaos.run import run

SEED, KILLS = 20261124, 9


@pytest.mark.timeout(240)
async def test_a_short_storm_loses_nothing_repeats_nothing_and_is_never_early(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = await run(tmp_path, KILLS, SEED)
    with capsys.disabled():
        print(f"\nstorm (seed {SEED}): {result.counts}")
    assert result.wrong == []
    assert result.counts["due"] > 0
