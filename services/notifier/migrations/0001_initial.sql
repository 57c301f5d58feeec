-- How far each ticket's events were read: what is not newer is dropped.
CREATE TABLE ticket_state (
    ticket_id text PRIMARY KEY,
    sequence  bigint NOT NULL
);

CREATE TABLE alert (
    alert_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id       text NOT NULL,
    metric          text NOT NULL,
    cycle           integer NOT NULL,
    loudness        text NOT NULL CHECK (loudness IN ('quiet', 'warned', 'breached', 'ended')),
    suspended       boolean NOT NULL,
    ended_as        text,
    telling         integer NOT NULL DEFAULT 0,  -- grows when a breach is told anew after an end
    event           bytea NOT NULL,              -- the last event of sla.v1, as it came
    acknowledged_by text,
    acknowledged_at timestamptz,
    UNIQUE (ticket_id, metric, cycle),
    CHECK ((acknowledged_by IS NULL) = (acknowledged_at IS NULL))
);

-- planned → sending → accepted · failed · planned again (temporary, unknown); planned → suppressed.
CREATE TABLE delivery (
    delivery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id    bigint NOT NULL REFERENCES alert,
    telling     integer NOT NULL,
    word        text NOT NULL CHECK (word IN ('warning', 'breached', 'all_clear', 'exhausted')),
    threshold   text NOT NULL DEFAULT '',
    step        integer NOT NULL,
    person      text,
    state       text NOT NULL DEFAULT 'planned'
        CHECK (state IN ('planned', 'sending', 'accepted', 'failed', 'suppressed')),
    next_at     timestamptz NOT NULL,   -- planned: when due; sending: when its lease ends
    attempt     integer NOT NULL DEFAULT 0,
    doubtful    boolean NOT NULL DEFAULT false,  -- some attempt's outcome is unknown: the person may have been told
    content     bytea,                  -- rendered at the first claim, without its token
    reason      text,
    provider_id text,
    accepted_at timestamptz,
    UNIQUE NULLS NOT DISTINCT (alert_id, telling, word, threshold, step, person)
);
CREATE INDEX delivery_next ON delivery (next_at) WHERE state IN ('planned', 'sending');
CREATE INDEX delivery_of_alert ON delivery (alert_id);

CREATE VIEW report_open_alerts AS
SELECT ticket_id, metric, cycle, loudness, acknowledged_by, acknowledged_at,
       (SELECT min(d.next_at) FROM delivery d WHERE d.alert_id = a.alert_id AND d.state IN ('planned', 'sending'))
           AS next_at,
       (SELECT count(*) FROM delivery d WHERE d.alert_id = a.alert_id AND d.state = 'accepted') AS told
FROM alert a WHERE loudness IN ('warned', 'breached');
