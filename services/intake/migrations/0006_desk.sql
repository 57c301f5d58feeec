-- What the desk knows of every ticket, its own and those of other systems: folded from tickets.v1, which stays the truth.
CREATE TABLE ticket (
    ticket_id    text PRIMARY KEY,
    opened_at    timestamptz NOT NULL,
    channel      text NOT NULL,
    service      text NOT NULL,
    priority     text,
    title        text NOT NULL,
    client_id    text,
    contact_ref  text,
    coverage     text NOT NULL DEFAULT 'unknown',
    scope        text NOT NULL DEFAULT 'in_scope',
    emergency    boolean,
    assignee     text,
    state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'resolved', 'cancelled', 'merged')),
    merged_into  text,
    pauses       text[] NOT NULL DEFAULT '{}',
    responded_at timestamptz,
    scheduled_at timestamptz
);
CREATE INDEX ticket_of_client ON ticket (client_id, opened_at);
CREATE INDEX ticket_of_contact ON ticket (contact_ref, opened_at);

-- Events of tickets as they came (structured mode); their order is that of the semantics, not of arrival.
CREATE TABLE happening (
    ticket_id text NOT NULL,
    source    text NOT NULL,
    event_id  text NOT NULL,
    type      text NOT NULL,
    at        timestamptz NOT NULL,
    body      bytea NOT NULL,
    PRIMARY KEY (ticket_id, source, event_id)
);

-- The last word of sla.v1 on each clock; sequence grows by one per ticket.
CREATE TABLE clock (
    ticket_id         text NOT NULL,
    metric            text NOT NULL CHECK (metric IN ('response', 'action', 'scheduling')),
    cycle             integer NOT NULL,
    state             text NOT NULL
        CHECK (state IN ('running', 'paused', 'breached', 'met', 'closed_late', 'cancelled', 'exempted')),
    counts_from       timestamptz,
    due_at            timestamptz,
    target_seconds    bigint NOT NULL,
    remaining_seconds bigint NOT NULL,
    sequence          bigint NOT NULL,
    PRIMARY KEY (ticket_id, metric, cycle)
);
CREATE INDEX clock_due ON clock (due_at) WHERE state IN ('running', 'paused', 'breached');
