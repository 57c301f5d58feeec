"""intake's own database for its tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.postgres import create_pool
from tests.conftest import dsn_for
from tests.integration.intake.told import tell  # noqa: F401  # the fixture
from tests.servers.dovecot import PASSWORD, Dovecot, dovecot


@pytest.fixture
async def pool(postgres: str, database: str) -> AsyncIterator[Any]:
    """Return a pool of intake's role in a fresh database."""
    made = create_pool(dsn_for(postgres, "intake_app", database), "intake")
    await made
    yield made
    await made.close()


@pytest.fixture
def server() -> Iterator[Dovecot]:
    """Return a running Dovecot."""
    with dovecot() as running:
        yield running


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Return a folder with Dovecot's password, and a wrong one."""
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "wrong").write_text("wrong")
    return tmp_path
