-- The journal is inbox and history at once; every verdict is a pure function of it.
CREATE TABLE journal (
    ticket_id    text NOT NULL CHECK (length(ticket_id) BETWEEN 1 AND 200),
    source       text NOT NULL,
    event_id     text NOT NULL,
    type         text NOT NULL,
    received_at  timestamptz NOT NULL,
    content_hash bytea NOT NULL CHECK (length(content_hash) = 32),
    body         bytea NOT NULL,
    PRIMARY KEY (ticket_id, source, event_id)
);

-- One row per ticket: the lock of everything about it, the sequence of its events, and what reports show.
CREATE TABLE ticket (
    ticket_id   text PRIMARY KEY,
    sequence    bigint NOT NULL DEFAULT 0,
    client_id   text,
    service     text,
    title       text,
    priority    text,
    summary     bytea,   -- JSON of TicketSummary; null until the opening arrives
    catalog     text,
    traceparent text
);

CREATE TABLE clock (
    ticket_id  text NOT NULL REFERENCES ticket,
    metric     text NOT NULL CHECK (metric IN ('response', 'action')),
    cycle      integer NOT NULL CHECK (cycle >= 1),
    version    bigint NOT NULL DEFAULT 1,
    state      text NOT NULL CHECK (state IN ('running', 'paused', 'done')),
    verdict    text NOT NULL CHECK (verdict IN ('open', 'breached', 'met', 'closed_late', 'cancelled')),
    due_at     timestamptz,
    fire_at    timestamptz,          -- the next instant at which time must speak
    basis      bytea NOT NULL,       -- JSON: the clock as the pure core has it
    PRIMARY KEY (ticket_id, metric, cycle),
    CHECK (state <> 'done' OR fire_at IS NULL)
);
CREATE INDEX clock_due ON clock (fire_at) WHERE fire_at IS NOT NULL;

-- The unique key is the exactly-once guarantee.
CREATE TABLE milestone (
    ticket_id   text NOT NULL,
    metric      text NOT NULL,
    cycle       integer NOT NULL,
    kind        text NOT NULL,
    threshold   text NOT NULL DEFAULT '',
    n           integer NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    announced   boolean NOT NULL,
    outcome     text NOT NULL DEFAULT '',   -- of a revision: the verdict after it
    position    bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (ticket_id, metric, cycle, kind, threshold, n)
);

-- Until when each partition is known to have been read; kept over restarts so that an outage is recognised.
CREATE TABLE ingest_progress (
    topic        text NOT NULL,
    partition    integer NOT NULL,
    caught_up_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition)
);

CREATE VIEW report_at_risk AS
SELECT c.ticket_id, t.client_id, t.service, t.title, t.priority, c.metric, c.state, c.due_at,
       extract(epoch FROM c.due_at - now())::bigint AS remaining_seconds
FROM clock c JOIN ticket t USING (ticket_id)
WHERE c.state <> 'done';

CREATE VIEW report_compliance AS
SELECT t.service, c.metric,
       count(*) FILTER (WHERE c.verdict = 'met') AS met,
       count(*) FILTER (WHERE c.verdict IN ('breached', 'closed_late')) AS breached,
       count(*) FILTER (WHERE c.verdict = 'open') AS open
FROM clock c JOIN ticket t USING (ticket_id)
GROUP BY t.service, c.metric;
