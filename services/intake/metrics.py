"""Metrics of intake."""

from prometheus_client import Counter

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
read = Counter("prazo_intake_mails_read_total", "Mails that belong to a ticket, by what they are to it.", ["became"])
for _became in ("opened", "reply", "answer", "machine", "copy", "own"):
    read.labels(_became)
replies = Counter("prazo_intake_replies_total", "Automatic answers, by what became of an attempt.", ["state"])
for _state in ("sent", "deferred", "failed", "suppressed"):
    replies.labels(_state)
