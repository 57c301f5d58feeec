"""What tests of commands begin with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.postgres import create_pool
from tests.conftest import dsn_for
from tests.integration.sla_timer.desk import Desk, timer_of, write_catalog


@pytest.fixture
async def desk(
    postgres: str,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Desk]:
    """Return a desk whose settings are in the environment, as the service has them."""
    dsn = dsn_for(postgres, "sla_app", database)
    monkeypatch.setenv("PRAZO_DATABASE_URL", dsn)
    monkeypatch.setenv("PRAZO_CONFIG_DIR", str(tmp_path))
    write_catalog(tmp_path)
    pool = create_pool(dsn, "sla")
    await pool
    yield Desk(pool, tmp_path, await timer_of(pool, tmp_path), capsys)
    await pool.close()
