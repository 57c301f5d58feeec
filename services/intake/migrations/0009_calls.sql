-- Telephone numbers live here and never on a topic: a caller is an opaque id, as the writer of a mail is.
CREATE TABLE contact_number (
    contact_ref uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    number      text NOT NULL UNIQUE CHECK (number ~ '^\+[1-9][0-9]{1,14}$')
);

-- One call, known by its exchange and the id it has there (Linkedid); what became of it is recorded once. look_at: when
-- there is something to decide, null when there is not. entered_at: when the caller entered the queue.
CREATE TABLE call (
    pbx        text NOT NULL,
    call_id    text NOT NULL,
    channel    text,
    heard_at   timestamptz NOT NULL,
    look_at    timestamptz,
    attempts   integer NOT NULL DEFAULT 0,
    ended      boolean NOT NULL DEFAULT false,
    entered_at timestamptz,
    number     text,
    client_id  text,
    client_by  text CHECK (client_by = 'caller_id' OR client_by = 'form'),
    agent      text,
    decision   text CHECK (decision IN ('missed', 'answered', 'misdial', 'blocked', 'called_back', 'unreached')),
    emergency  boolean,
    ticket_id  text,
    responded  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (pbx, call_id)
);
CREATE INDEX call_due ON call (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX call_of_ticket ON call (ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX call_by_age ON call (pbx, heard_at);
CREATE INDEX call_channel ON call (pbx, channel) WHERE channel IS NOT NULL;
CREATE INDEX call_to_complete ON call (entered_at) WHERE decision = 'answered' AND ticket_id IS NULL;

-- What was heard of a call, as the exchange said it.
CREATE TABLE call_event (
    pbx         text NOT NULL,
    call_id     text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('started', 'left', 'answered', 'ended', 'outgoing')),
    at          timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    number      text NOT NULL DEFAULT '',
    trunk       text NOT NULL DEFAULT '',
    queue       text NOT NULL DEFAULT '',
    agent       text NOT NULL DEFAULT '',
    cause       text NOT NULL DEFAULT '',
    protocol    text NOT NULL DEFAULT '',
    PRIMARY KEY (pbx, call_id, kind, at),
    FOREIGN KEY (pbx, call_id) REFERENCES call ON DELETE CASCADE
);

-- Signatures of POST /v1/calls that were taken: the same one again has the same answer and no effect.
CREATE TABLE call_signature (
    signature   bytea PRIMARY KEY CHECK (length(signature) = 32),
    received_at timestamptz NOT NULL
);
CREATE INDEX call_signature_by_age ON call_signature (received_at);

CREATE VIEW report_calls AS
SELECT pbx, coalesce(decision, 'open') AS decision, count(*) AS calls_today,
       count(*) FILTER (WHERE decision = 'answered' AND ticket_id IS NULL) AS without_ticket
FROM call WHERE heard_at >= date_trunc('day', now()) GROUP BY pbx, coalesce(decision, 'open');
