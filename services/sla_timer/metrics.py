"""Metrics of sla_timer; every label value exists from the start."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

from services.sla_timer.domain.announce import Kind
from services.sla_timer.domain.hold import Hold

lateness = Histogram(
    "prazo_sla_lateness_seconds",
    "From the instant a warning or breach was due to its record.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60),
)
milestones = Counter("prazo_sla_milestones_total", "Milestones recorded, by kind.", ["kind"])
for _kind in Kind:
    milestones.labels(_kind.value)
unfireable = Counter("prazo_sla_unfireable_clocks_total", "Times that a due clock could not be recorded and was left.")
oldest_due_seconds = Gauge("prazo_sla_oldest_due_seconds", "Age of the oldest clock that is due and has not fired.")
ingest_lag_seconds = Gauge("prazo_sla_ingest_lag_seconds", "Age of the oldest record that may be unread.")
_CAUSES = ("late_event", "reopened", "catalog", "engine", "reclassified", "scheduled")
revisions = Counter("prazo_sla_revisions_total", "Verdicts that were no longer true, by cause.", ["cause"])
for _cause in (*_CAUSES, "other"):
    revisions.labels(_cause)
reloads = Counter("prazo_sla_catalog_reloads_total", "Reloads of the catalog on SIGHUP.", ["outcome"])
for _outcome in ("loaded", "refused"):
    reloads.labels(_outcome)
STATES = ("pending", "running", "paused", "done")
clocks = Gauge("prazo_sla_clocks", "Clocks by state; about, once there are many.", ["state"])
for _state in STATES:
    clocks.labels(_state)
_SOURCES = 50
skewed = Counter("prazo_sla_skewed_events_total", "Events dated after they arrived, by source.", ["source"])
backdated = Counter("prazo_sla_backdated_events_total", "Events dated over 15 min before they arrived.", ["source"])
_sources: set[str] = set()
hold_active = Gauge("prazo_sla_hold_active", "1 while firing is held because knowledge is stale.")


def watch(hold: Hold, now: Callable[[], float]) -> None:
    """Read the hold whenever the metrics are read: what they say of a time without answers must not be its last good word."""
    hold_active.set_function(lambda: not hold.may_fire(now()))
    ingest_lag_seconds.set_function(lambda: hold.lag(now()))


def source_of(source: str) -> str:
    """Return the label for a source: the first fifty that this process met, the rest together."""
    if source not in _sources and len(_sources) < _SOURCES:
        _sources.add(source)
    return source if source in _sources else "other"


def cause_of(word: str) -> str:
    """Return the label for a cause; the set of labels is closed."""
    return word if word in _CAUSES else "other"
