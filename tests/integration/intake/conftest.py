"""intake's own database for its tests."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.postgres import create_pool
from tests.conftest import dsn_for


@pytest.fixture
async def pool(postgres: str, database: str) -> AsyncIterator[Any]:
    """Return a pool of intake's role in a fresh database."""
    made = create_pool(dsn_for(postgres, "intake_app", database), "intake")
    await made
    yield made
    await made.close()
