"""What tests of commands begin with."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.postgres import create_pool
from tests.conftest import dsn_for
from tests.integration.sla_timer.desk import Desk, timer_of, write_catalog


@pytest.fixture
async def pool(postgres: str, database: str) -> AsyncIterator[Any]:
    """Return a pool of sla_timer's role in a fresh database."""
    made = create_pool(dsn_for(postgres, "sla_app", database), "sla")
    await made
    yield made
    await made.close()


@pytest.fixture
async def desk(
    pool: Any,
    postgres: str,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    """Return a desk whose settings are in the environment, as the service has them."""
    dsn = dsn_for(postgres, "sla_app", database)
    monkeypatch.setenv("PRAZO_DATABASE_URL", dsn)
    monkeypatch.setenv("PRAZO_CONFIG_DIR", str(tmp_path))
    write_catalog(tmp_path)
    return Desk(pool, tmp_path, await timer_of(pool, tmp_path), capsys)
