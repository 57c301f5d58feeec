"""The catalog versions that judge, and the judgement that this process is registered under.

A judgement is what every verdict depends on beside the journal: the engine, the time zones, the catalog versions, and
which of those with ``applies_to: open`` are in force. The newest registered one counts: it judges open clocks anew.
"""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from services.sla_timer import metrics, store
from services.sla_timer.domain.assess import ENGINE
from shared.catalog import CatalogError, Catalogs, load_directory
from shared.clock import to_us
from shared.config import Misconfigured

log = structlog.get_logger(__name__)


class Versions:
    """``catalogs`` judge. ``judged_by`` is 0 until they are registered: then nothing may fire.

    ``until_us``: when the next version takes over.
    """

    def __init__(self, catalogs: Catalogs) -> None:
        self.catalogs = catalogs
        self.judged_by = self.late_judged = 0
        self.until_us: int | None = 0
        self._wanted: Catalogs | None = None

    def reload(self, folder: Path) -> None:
        """Read the catalog of ``folder``; it judges once it is registered. Of an invalid one every error is said."""
        try:
            self._wanted = load_directory(folder)
        except (CatalogError, OSError) as error:
            _refuse(error)

    def holds_at(self, at_us: int) -> bool:
        """Tell whether what was judged under this registration may speak at ``at_us``."""
        return self.judged_by > 0 and (self.until_us is None or at_us < self.until_us)

    async def register(self, pool: Any, now: datetime) -> None:
        """Register anew if another judgement is in force at ``now``.

        A changed catalog is a new version: at the start ``Misconfigured`` is raised; what was read later is refused, and the
        present catalog goes on. So it does when a version that is in force went missing, for open cycles are judged by
        it: to roll one back is a restart, not a slip of the hand.
        """
        wanted, now_us = self._wanted or self.catalogs, to_us(now)
        if wanted is self.catalogs and self.holds_at(now_us):
            return
        try:
            if wanted is not self.catalogs:
                _nothing_missing(self.catalogs, wanted, now_us)
            async with pool.acquire() as connection, connection.transaction():
                await _nothing_changed(connection, wanted)
                judged_by = await _register(connection, _fingerprint(wanted, now_us))
        except Misconfigured as error:
            if wanted is self.catalogs:
                raise
            self._wanted = None if self._wanted is wanted else self._wanted
            _refuse(error)
            return
        if wanted is self._wanted:
            self._wanted = None
            metrics.reloads.labels("loaded").inc()
        self.catalogs, self.judged_by, self.until_us = wanted, judged_by, wanted.next_reassessing(now_us)
        log.info("judgement_registered", judged_by=judged_by, versions=[c.version for c in wanted.versions])


def _refuse(error: Exception) -> None:
    metrics.reloads.labels("refused").inc()
    log.error("catalog_refused", errors=str(error).splitlines())


def _nothing_missing(present: Catalogs, wanted: Catalogs, now_us: int) -> None:
    gone = [c.version for c in present.versions if c.effective_from_us <= now_us and wanted.version(c.version) is None]
    if gone:
        raise Misconfigured(f"catalog {', '.join(gone)}: has been in force and is missing: tickets are judged by it")


async def _nothing_changed(connection: Any, catalogs: Catalogs) -> None:
    for catalog in catalogs.versions:
        known = await store.queries.catalog_content(connection, version=catalog.version, content=catalog.content)
        if known != catalog.content:
            raise Misconfigured(f"catalog {catalog.version}: was loaded with other content: give it a new version")


async def _register(connection: Any, fingerprint: str) -> int:
    await store.queries.lock_judgements(connection)
    last = await store.queries.last_judgement(connection)
    if last is not None and last["fingerprint"] == fingerprint:
        return int(last["id"])
    return int(await store.queries.add_judgement(connection, fingerprint=fingerprint, engine=ENGINE))


def _fingerprint(catalogs: Catalogs, now_us: int) -> str:
    words = [ENGINE, *(f"{c.version}:{c.content}:{c.tzdata}" for c in catalogs.versions)]
    words += [c.version for c in catalogs.versions if c.applies_to_open and c.effective_from_us <= now_us]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
