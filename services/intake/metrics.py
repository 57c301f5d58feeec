"""Metrics of intake."""

from prometheus_client import Counter

from services.intake.domain.following import RANK
from shared.kafka.letters import REASONS

stored = Counter("prazo_intake_messages_stored_total", "Messages that were stored and got 250.")
deferred = Counter("prazo_intake_messages_deferred_total", "Messages answered with 451: the sender keeps them.")
turned_away = Counter("prazo_intake_sessions_turned_away_total", "Connections answered with 421: there were too many.")
failed = Counter(
    "prazo_intake_reading_failed_total", "Turns of the reader that a message, or a claim of them, made fail."
)
opened = Counter("prazo_intake_tickets_opened_total", "Tickets opened, by whether the message could be read.", ["read"])
for _read in ("yes", "no"):
    opened.labels(_read)
discarded = Counter(
    "prazo_intake_mails_discarded_total", "Mails of machines that open no ticket, by reason.", ["reason"]
)
for _reason in ("null_sender", "report", "auto_replied", "away"):
    discarded.labels(_reason)
skipped = Counter(
    "prazo_intake_records_skipped_total",
    "Records that are no event of the contract, by topic and reason; sla_timer's dead letters keep those of tickets.",
    ["topic", "reason"],
)
for _topic in ("tickets", "sla"):
    for _reason in REASONS:
        skipped.labels(_topic, _reason)
logins = Counter("prazo_intake_desk_logins_total", "Attempts to log in at the desk pages, by outcome.", ["outcome"])
for _outcome in ("ok", "wrong", "limited"):
    logins.labels(_outcome)
acts = Counter("prazo_intake_desk_acts_total", "Events that people recorded at the desk pages, by type.", ["type"])
for _type in RANK:
    acts.labels(_type)
