"""Metrics of intake."""

from prometheus_client import Counter, Gauge, Histogram

from services.intake.domain.following import RANK
from shared.kafka.letters import REASONS

stored = Counter("prazo_intake_messages_stored_total", "Messages that were stored and got 250.")
deferred = Counter("prazo_intake_messages_deferred_total", "Messages answered with 451: the sender keeps them.")
turned_away = Counter("prazo_intake_sessions_turned_away_total", "Connections answered with 421: there were too many.")
smtp_deferred = Counter(
    "prazo_intake_smtp_deferred_total", "Answers 4xx by reason: the sender comes again.", ["reason"]
)
for _reason in (
    "sessions",
    "peer_connections",
    "peer_messages",
    "recipients",
    "memory",
    "store",
    "error",
    "idle",
    "session_time",
    "stopping",
):
    smtp_deferred.labels(_reason)
smtp_refused = Counter("prazo_intake_smtp_refused_total", "Answers 5xx to a mail by reason.", ["reason"])
for _reason in ("size", "recipient"):
    smtp_refused.labels(_reason)
group_size = Histogram(
    "prazo_intake_messages_committed_together",
    "Messages that were stored by one transaction.",
    buckets=(1, 2, 5, 10, 25, 50, 100),
)
groups_divided = Counter(
    "prazo_intake_groups_divided_total", "Groups of messages that failed together and were stored one by one."
)
failed = Counter(
    "prazo_intake_reading_failed_total", "Turns of the reader that a message, or a claim of them, made fail."
)
opened = Counter("prazo_intake_tickets_opened_total", "Tickets opened, by whether the message could be read.", ["read"])
for _read in ("yes", "no"):
    opened.labels(_read)
contacts = Counter(
    "prazo_intake_contacts_total",
    "Tickets opened by mail, by whether the sender is registered; the share of no is that of policy rule 13.",
    ["registered"],
)
for _registered in ("yes", "no"):
    contacts.labels(_registered)
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
calls = Counter("prazo_intake_calls_total", "Calls by what became of them.", ["decision"])
for _decision in ("missed", "answered", "misdial", "blocked", "called_back", "unreached"):
    calls.labels(_decision)
call_outcomes = Counter("prazo_intake_call_outcomes_total", "Calls by what they did to tickets.", ["how"])
for _how in ("opened", "joined", "reclassified", "responded", "none"):
    call_outcomes.labels(_how)
calls_failed = Counter(
    "prazo_intake_call_decisions_failed_total", "Decisions of a call that failed and are tried again."
)
call_posts = Counter("prazo_intake_call_posts_total", "Answers of POST /v1/calls by status.", ["status"])
for _status in ("202", "400", "401", "403", "408", "413", "422", "503"):
    call_posts.labels(_status)
ami_connected = Gauge("prazo_intake_ami_connected", "1 while the exchange's manager interface is read.", ["pbx"])
ami_events = Counter("prazo_intake_ami_events_total", "Events of the manager interface that tell of calls.", ["event"])
AMI_EVENTS = ("QueueCallerJoin", "QueueCallerLeave", "AgentConnect", "Hangup", "DialEnd", "UserEvent", "other")
for _event in AMI_EVENTS:
    ami_events.labels(_event)
ami_malformed = Counter("prazo_intake_ami_malformed_lines_total", "Lines of the manager interface that are no header.")
ami_last_event = Gauge("prazo_intake_ami_last_event_timestamp_seconds", "When anything was last heard.", ["pbx"])
ami_reconciled = Counter(
    "prazo_intake_ami_reconciled_total", "Words of calls made good after a connection was lost, by source.", ["source"]
)
for _source in ("queue_log", "channels"):
    ami_reconciled.labels(_source)
skipped = Counter(
    "prazo_intake_records_skipped_total",
    "Records that are no event of the contract, by topic and reason; sla_timer's dead letters keep those of tickets.",
    ["topic", "reason"],
)
for _topic in ("tickets", "sla"):
    for _reason in REASONS:
        skipped.labels(_topic, _reason)
reloads = Counter("prazo_intake_reloads_total", "Reloads of the configuration on SIGHUP.", ["outcome"])
for _outcome in ("loaded", "refused"):
    reloads.labels(_outcome)
forgotten = Counter("prazo_intake_forgotten_total", "What was kept long enough and is forgotten, by kind.", ["what"])
FORGOTTEN = (
    *(
        "mails",
        "threads",
        "replies",
        "calls",
        "mail_places",
        "tickets",
        "addresses",
        "numbers",
        "submitted",
        "signatures",
    ),
    "sessions",
)
for _what in FORGOTTEN:
    forgotten.labels(_what)
logins = Counter("prazo_intake_desk_logins_total", "Attempts to log in at the desk pages, by outcome.", ["outcome"])
for _outcome in ("ok", "wrong", "limited"):
    logins.labels(_outcome)
acts = Counter("prazo_intake_desk_acts_total", "Events that people recorded at the desk pages, by type.", ["type"])
for _type in RANK:
    acts.labels(_type)
mailbox_swept = Gauge(
    "prazo_intake_mailbox_swept_timestamp_seconds",
    "When a mailbox was last looked through to its end, in seconds since 1970; 0: never.",
    ["mailbox"],
)
mailbox_errors = Counter(
    "prazo_intake_mailbox_errors_total", "What went wrong with a mailbox: connections, logins, mails.", ["mailbox"]
)
mailbox_stored = Counter("prazo_intake_mailbox_stored_total", "New messages stored from a mailbox.", ["mailbox"])
requests = Counter(
    "prazo_intake_http_requests_total", "Requests under /v1 by route and class of the answer.", ["route", "status"]
)
request_seconds = Histogram(
    "prazo_intake_http_seconds",
    "From the head of a request under /v1 to the end of its answer.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
for _route in ("events", "calls", "openapi", "docs", "other"):
    request_seconds.labels(_route)
    for _status in ("2xx", "4xx", "5xx"):
        requests.labels(_route, _status)
problems = Counter("prazo_intake_http_problems_total", "Problem details that were answered, by type.", ["problem"])
rate_limited = Counter("prazo_intake_http_rate_limited_total", "Requests answered with 429, by limit.", ["limit"])
for _limit in ("token", "peer"):
    rate_limited.labels(_limit)
token_reloads = Counter("prazo_intake_token_reloads_total", "Reloads of tokens.yaml on SIGHUP.", ["outcome"])
for _outcome in ("loaded", "refused"):
    token_reloads.labels(_outcome)
