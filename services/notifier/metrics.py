"""Metrics of notifier."""

from prometheus_client import Counter, Gauge, Histogram

OUTCOMES = ("accepted", "failed_temporary", "failed_permanent", "unknown", "suppressed")
deliveries = Counter("prazo_notifier_deliveries_total", "Attempts by outcome.", ["channel", "outcome"])
for _outcome in OUTCOMES:
    deliveries.labels("email", _outcome)
acknowledged = Counter("prazo_notifier_acknowledged_total", "Alerts that a person took.")
exhausted = Counter("prazo_notifier_exhausted_total", "Alerts whose every step was used without an acknowledgement.")
broken_templates = Counter("prazo_notifier_broken_templates_total", "Mails rendered with the built-in text.")
oldest_due_seconds = Gauge("prazo_notifier_oldest_due_seconds", "Age of the oldest page that is due and not taken.")
to_accepted = Histogram(
    "prazo_notifier_breach_to_accepted_seconds",
    "From the breach to the mail server's acceptance of its first page.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
