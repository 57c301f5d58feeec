"""A notifier's own database."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.postgres import create_pool
from tests.conftest import dsn_for


@pytest.fixture
async def pool(postgres: str, database: str) -> AsyncIterator[Any]:
    """Return a pool on a fresh database."""
    made = create_pool(dsn_for(postgres, "notifier_app", database), "notifier")
    await made
    yield made
    await made.close()
