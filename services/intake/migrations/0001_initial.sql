-- Raw bytes are stored before anything is parsed; a message without ticket_id is still to be read.
CREATE TABLE message (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailbox     text NOT NULL,
    message_id  text NOT NULL,
    sha256      bytea NOT NULL CHECK (length(sha256) = 32),
    raw         bytea NOT NULL,
    received_at timestamptz NOT NULL,
    traceparent text NOT NULL,
    attempts    integer NOT NULL DEFAULT 0,
    ticket_id   text,
    UNIQUE (mailbox, message_id, sha256)
);
CREATE INDEX message_unread ON message (id) WHERE ticket_id IS NULL;

-- Addresses live here and never on a topic: people are opaque ids.
CREATE TABLE contact (
    contact_ref uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    address     text NOT NULL UNIQUE
);

CREATE SEQUENCE protocol;

CREATE VIEW report_mailboxes AS
SELECT mailbox, count(*) FILTER (WHERE received_at >= date_trunc('day', now())) AS messages_today,
       max(received_at) AS last_received_at,
       coalesce(extract(epoch FROM now() - min(received_at) FILTER (WHERE ticket_id IS NULL)), 0)::bigint
           AS oldest_unread_seconds
FROM message GROUP BY mailbox;
