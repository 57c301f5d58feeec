"""Wiring of sla_timer."""

import asyncio
from functools import partial

from services.sla_timer import metrics
from services.sla_timer.census import CENSUS_SECONDS, Census
from services.sla_timer.domain.hold import Hold, Limits
from services.sla_timer.handlers import Timer, ingest
from services.sla_timer.settings import Settings
from services.sla_timer.ticker import POLL_SECONDS, REASSESS_SECONDS, WATCH_SECONDS, Reassessor, Ticker, Watch
from services.sla_timer.versions import Versions
from shared.catalog import load_directory
from shared.service import App, Kit, Loop

TICKETS = "tickets.v1"
SLA = "sla.v1"


def build(settings: Settings, kit: Kit) -> App:
    """Wire ingest, watch and ticker. Raises ``CatalogError`` with every error of the catalog."""
    folder = settings.config_dir / "catalog"
    versions = Versions(load_directory(folder))
    timer = Timer(kit.pool, versions, f"{settings.topic_prefix}{SLA}", settings.exemption_sources, kit.recorded)
    hold = Hold(Limits(settings.hold_lag_seconds, settings.hold_limit_seconds, settings.settle_seconds))
    metrics.watch(hold, asyncio.get_running_loop().time)
    consumer = kit.subscribe(TICKETS, partial(ingest, timer))
    watch = Watch(timer, hold, settings.kafka, consumer.topic, consumer.group)
    return App(
        loops=[
            Loop("watch", watch.turn, WATCH_SECONDS),
            Loop("reassessor", Reassessor(timer).turn, REASSESS_SECONDS),
            Loop("census", Census(timer).turn, CENSUS_SECONDS),
            *(Loop(f"ticker_{n}", Ticker(timer, hold, sweeps=n == 1).turn, POLL_SECONDS) for n in (1, 2)),
        ],
        resources=[watch],
        reload=partial(versions.reload, folder),
    )
