"""SIGHUP: a catalog is read again without stopping; whatever is wrong with it, the present one goes on."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.sla_timer import metrics
from services.sla_timer.versions import Versions
from shared import clock
from shared.catalog import load_directory
from shared.config import Misconfigured
from tests.builders import CATALOG, catalog_file


def write(folder: Path, version: str, **changes: Any) -> Path:
    """Write a version into the folder."""
    made = catalog_file(folder.parent, version=version, **changes)
    return made.rename(folder / f"{version}.yaml")


def since(seconds: float) -> str:
    """Return an instant so many seconds ago."""
    return (clock.now() - timedelta(seconds=seconds)).isoformat()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the version ``t1``."""
    made = tmp_path / "catalog"
    made.mkdir()
    write(made, "t1")
    return made


async def registered(pool: Any, folder: Path) -> Versions:
    """Return the versions of the folder, registered."""
    versions = Versions(load_directory(folder))
    await versions.register(pool, clock.now())
    return versions


def counted(outcome: str) -> float:
    """Return how many reloads ended so."""
    return float(metrics.reloads.labels(outcome)._value.get())


async def reloaded(pool: Any, versions: Versions, folder: Path) -> list[str]:
    """Reload as SIGHUP does, register as the loop does, and return the versions that judge."""
    versions.reload(folder)
    await versions.register(pool, clock.now())
    return [catalog.version for catalog in versions.catalogs.versions]


async def test_a_new_version_judges_once_it_is_registered(pool: Any, folder: Path) -> None:
    versions, before = await registered(pool, folder), counted("loaded")
    write(folder, "t2", effective_from=since(5))
    versions.reload(folder)
    assert [catalog.version for catalog in versions.catalogs.versions] == ["t1"]
    assert versions.holds_at(clock.to_us(clock.now()))
    assert await reloaded(pool, versions, folder) == ["t1", "t2"]
    assert (versions.judged_by, counted("loaded") - before) == (2, 1)
    await versions.register(pool, clock.now())
    assert versions.judged_by == 2


def _edit(folder: Path) -> None:
    write(
        folder,
        "t1",
        priorities=["high", "medium"],
        services=CATALOG["services"] | {"more": CATALOG["services"]["triage"]},
    )


def _remove(folder: Path) -> None:
    (folder / "t1.yaml").unlink()
    write(folder, "t2", effective_from=since(5))


WRONG: list[tuple[str, Callable[[Path], Any]]] = [
    ("edited", _edit),
    ("removed", _remove),
    ("emptied", lambda folder: (folder / "t1.yaml").unlink()),
    ("latin-1", lambda folder: (folder / "t2.yaml").write_bytes(b"caf\xe9: 1")),
    (
        "a day that does not exist",
        lambda folder: (folder / "t2.yaml").write_text("calendars: {b: {days: {2026-02-29: []}}}"),
    ),
    ("an anchor in itself", lambda folder: (folder / "t2.yaml").write_text("calendars: &x {b: *x}")),
    ("a folder", lambda folder: (folder / "t2.yaml").mkdir()),
    ("two at one instant", lambda folder: write(folder, "t2")),
]


@pytest.mark.parametrize("change", [row[1] for row in WRONG], ids=[row[0] for row in WRONG])
async def test_what_cannot_be_used_is_refused_and_the_present_catalog_goes_on(
    pool: Any, folder: Path, change: Callable[[Path], Any]
) -> None:
    versions, before = await registered(pool, folder), counted("refused")
    change(folder)
    assert await reloaded(pool, versions, folder) == ["t1"]
    assert (versions.judged_by, counted("refused") - before) == (1, 1)
    assert versions.holds_at(clock.to_us(clock.now()))


async def test_nobody_starts_with_a_version_that_was_edited(pool: Any, folder: Path) -> None:
    await registered(pool, folder)
    _edit(folder)
    with pytest.raises(Misconfigured):
        await registered(pool, folder)


async def test_a_version_that_was_never_in_force_may_be_withdrawn(pool: Any, folder: Path) -> None:
    write(folder, "t2", effective_from=since(-3600))
    versions = await registered(pool, folder)
    (folder / "t2.yaml").unlink()
    assert await reloaded(pool, versions, folder) == ["t1"]
    assert versions.judged_by == 2
