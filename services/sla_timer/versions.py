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
    """``judged_by`` is 0 until registered: then nothing may fire. ``until_us``: when the next version takes over."""

    def __init__(self, catalogs: Catalogs) -> None:
        self.catalogs = catalogs
        self.judged_by = 0
        self.until_us: int | None = 0

    def reload(self, folder: Path) -> None:
        """Take the catalog of ``folder`` if it is valid; otherwise say every error and go on with the present one."""
        try:
            self.catalogs = load_directory(folder)
        except (CatalogError, OSError) as error:
            metrics.reloads.labels("refused").inc()
            log.error("catalog_refused", errors=str(error).splitlines())
        else:
            self.until_us = 0
            metrics.reloads.labels("loaded").inc()
            log.info("catalog_loaded", versions=[catalog.version for catalog in self.catalogs.versions])

    def holds_at(self, at_us: int) -> bool:
        """Tell whether what was judged under this registration may speak at ``at_us``."""
        return self.judged_by > 0 and (self.until_us is None or at_us < self.until_us)

    async def register(self, pool: Any, now: datetime) -> None:
        """Register anew if another judgement is in force at ``now``.

        Raises ``Misconfigured`` when a version was loaded before with other content: a changed catalog is a new version.
        """
        catalogs, now_us = self.catalogs, to_us(now)
        if self.holds_at(now_us):
            return
        async with pool.acquire() as connection, connection.transaction():
            for catalog in catalogs.versions:
                known = await store.queries.catalog_content(
                    connection, version=catalog.version, content=catalog.content
                )
                if known != catalog.content:
                    raise Misconfigured(
                        f"catalog {catalog.version}: was loaded with other content: give it a new version"
                    )
            judged_by = await _register(connection, _fingerprint(catalogs, now_us))
        if catalogs is self.catalogs:
            self.judged_by, self.until_us = judged_by, catalogs.next_reassessing(now_us)
            log.info("judgement_registered", judged_by=judged_by)


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
