"""Metrics of notifier. Channels are the names of ``oncall.yaml``: at most 50."""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

OUTCOMES = ("accepted", "delivered", "failed_temporary", "failed_permanent", "unknown", "suppressed")
deliveries = Counter("prazo_notifier_deliveries_total", "Attempts by outcome.", ["channel", "outcome"])
attempt_seconds = Histogram(
    "prazo_notifier_attempt_seconds",
    "How long an attempt took.",
    ["channel"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60),
)
breaker_open = Gauge("prazo_notifier_breaker_open", "1 while a channel fails and is only probed.", ["channel"])
oldest_due_seconds = Gauge(
    "prazo_notifier_oldest_due_seconds", "Age of the oldest notice that is due and not taken.", ["channel"]
)
oldest_step_seconds = Gauge("prazo_notifier_oldest_step_seconds", "Age of the oldest step that is due and not done.")
reports = Counter("prazo_notifier_reports_total", "What was learnt of accepted notices later, by outcome.", ["outcome"])
for _outcome in ("delivered", "failed_permanent"):
    reports.labels(_outcome)
acknowledged = Counter("prazo_notifier_acknowledged_total", "Alerts that a person took.")
promises_broken = Counter("prazo_notifier_promises_broken_total", "Promises that ended without an answer.")
exhausted = Counter("prazo_notifier_exhausted_total", "Alerts whose every step was used without an acknowledgement.")
nobody = Counter("prazo_notifier_nobody_on_call_total", "Steps that found nobody to tell.")
unreached = Counter("prazo_notifier_unreached_total", "Alerts of which a round of steps reached nobody.")
broken_templates = Counter("prazo_notifier_broken_templates_total", "Messages rendered with the built-in text.")
open_alerts = Gauge("prazo_notifier_open_alerts", "Open alerts by loudness.", ["loudness"])
untaken_alerts = Gauge("prazo_notifier_unacknowledged_alerts", "Open alerts that nobody took.", ["loudness"])
for _loudness in ("warned", "breached"):
    open_alerts.labels(_loudness)
    untaken_alerts.labels(_loudness)
wrong_links = Counter("prazo_notifier_wrong_links_total", "Links that prove nothing, by answer.", ["answer"])
for _answer in ("wrong", "limited"):
    wrong_links.labels(_answer)
page_acts = Counter("prazo_notifier_page_acts_total", "What people did on acknowledgement pages.", ["act"])
for _act in ("take", "undo", "pass"):
    page_acts.labels(_act)
audited = Gauge(
    "prazo_notifier_audited_timestamp_seconds", "When the auditor last found nothing, in seconds since 1970."
)
audit_findings = Counter("prazo_notifier_audit_findings_total", "What the auditor found, by kind.", ["kind"])
for _kind in ("forgotten", "late"):
    audit_findings.labels(_kind)
heartbeats = Counter("prazo_notifier_heartbeats_total", "Signs of life sent outside, by outcome.", ["outcome"])
for _outcome in ("sent", "failed"):
    heartbeats.labels(_outcome)
callbacks = Counter("prazo_notifier_callbacks_total", "Call-backs of providers, by what they were.", ["what"])
for _what in ("taken", "no_report", "wrong_url"):
    callbacks.labels(_what)
reloads = Counter("prazo_notifier_reloads_total", "Readings of oncall.yaml again, by outcome.", ["outcome"])
for _outcome in ("loaded", "refused"):
    reloads.labels(_outcome)
to_accepted = Histogram(
    "prazo_notifier_breach_to_accepted_seconds",
    "From the breach to a channel's acceptance of its first page.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)


def begin(channels: Iterable[str]) -> None:
    """Create every series of the channels, so that they begin at 0."""
    for channel in channels:
        for outcome in OUTCOMES:
            deliveries.labels(channel, outcome)
        attempt_seconds.labels(channel)
        breaker_open.labels(channel).set(0)
        oldest_due_seconds.labels(channel).set(0)
