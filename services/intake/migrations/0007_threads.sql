-- What became of a message: it opened its ticket, belongs to one, or is a copy; what two copies of one mail share.
ALTER TABLE message
    ADD COLUMN became text CHECK (became IN ('opened', 'reply', 'answer', 'machine', 'copy', 'own')),
    ADD COLUMN fingerprint text;
UPDATE message SET became = 'opened' WHERE ticket_id IS NOT NULL;
CREATE INDEX message_by_id ON message (message_id) WHERE message_id <> '';
CREATE INDEX message_by_fingerprint ON message (fingerprint, received_at) WHERE message_id = '';
CREATE INDEX message_of_ticket ON message (ticket_id, id) WHERE ticket_id IS NOT NULL;

-- An address that is registered for announcements (policy rule 13) belongs to a client.
ALTER TABLE contact ADD COLUMN client_id text, ADD COLUMN registered_at timestamptz;

-- Of a flood of one contact every ticket is timed; what people see is the first of them.
ALTER TABLE ticket ADD COLUMN flood_of text;

-- Automatic answers, at most one per ticket; the address is read from contact when it is sent.
CREATE TABLE reply (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id    text NOT NULL UNIQUE,
    contact_ref  uuid NOT NULL,
    message      bigint NOT NULL,
    facts        jsonb NOT NULL,
    created_at   timestamptz NOT NULL,
    ready_at     timestamptz NOT NULL,
    next_at      timestamptz NOT NULL,
    attempts     integer NOT NULL DEFAULT 0,
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed', 'suppressed')),
    reason       text,
    settled_at   timestamptz
);
CREATE INDEX reply_due ON reply (next_at) WHERE state = 'waiting';
CREATE INDEX reply_of_contact ON reply (contact_ref, created_at);
