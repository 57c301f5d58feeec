"""Metrics of backup_audit."""

from prometheus_client import Counter, Gauge

OUTCOMES = ("pass", "overdue", "incomplete", "directory_unreachable", "unverified", "in_progress", "not_due")
checks = Counter("prazo_backup_checks_total", "Checks by outcome, level L0.", ["outcome"])
for _outcome in OUTCOMES:
    checks.labels(_outcome)
failing = Gauge("prazo_backup_routines_failing", "Routines seen failing at the last look of this replica.")
