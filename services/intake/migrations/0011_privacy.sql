-- Who wrote a message, so that a person can be forgotten, and when its content was erased: what is left of it then is
-- what its thread needs (Message-ID, hashes, the ticket).
ALTER TABLE message ADD COLUMN contact_ref uuid, ADD COLUMN erased_at timestamptz;
UPDATE message SET contact_ref = contact.contact_ref
FROM ticket JOIN contact ON contact.contact_ref::text = ticket.contact_ref
WHERE message.ticket_id = ticket.ticket_id AND message.became = 'opened';
UPDATE message SET contact_ref = contact.contact_ref
FROM contact WHERE message.contact_ref IS NULL AND contact.address = message.envelope_from;
CREATE INDEX message_of_contact ON message (contact_ref) WHERE contact_ref IS NOT NULL;
CREATE INDEX message_of_nobody ON message (envelope_from) WHERE contact_ref IS NULL AND envelope_from <> '';
CREATE INDEX message_to_erase ON message (received_at) WHERE erased_at IS NULL;
CREATE INDEX message_erased ON message (erased_at) WHERE erased_at IS NOT NULL;

-- A number can be registered for announcements as an address can (policy rule 13). A contact that was not heard of for
-- long, is not registered and has nothing open is forgotten.
ALTER TABLE contact ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE contact_number ADD COLUMN client_id text, ADD COLUMN registered_at timestamptz,
    ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX contact_by_age ON contact (seen_at) WHERE client_id IS NULL;
CREATE INDEX contact_number_by_age ON contact_number (seen_at) WHERE client_id IS NULL;

CREATE INDEX reply_settled ON reply (settled_at) WHERE state <> 'waiting';
CREATE INDEX reply_of_message ON reply (message) WHERE state = 'waiting';
CREATE INDEX call_by_time ON call (heard_at) WHERE look_at IS NULL;
CREATE INDEX call_of_number ON call (number) WHERE number IS NOT NULL;

-- When a mail was last seen in its folder: the row of one that is still there is never forgotten, or it would come again.
ALTER TABLE imap_message ADD COLUMN there_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX imap_message_by_age ON imap_message (there_at);

-- Who had whom forgotten, when, and how much that was; nothing of what was erased. Kept for good.
CREATE TABLE erasure (
    contact_ref  uuid PRIMARY KEY,
    requested_by text NOT NULL CHECK (length(requested_by) BETWEEN 1 AND 64),
    begun_at     timestamptz NOT NULL,
    ended_at     timestamptz,
    messages     integer NOT NULL DEFAULT 0,
    replies      integer NOT NULL DEFAULT 0,
    calls        integer NOT NULL DEFAULT 0
);
