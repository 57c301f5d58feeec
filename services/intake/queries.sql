-- name: store_message!
-- Store a raw message once: a sender that repeats it after a crash of ours adds nothing.
INSERT INTO message (mailbox, message_id, sha256, raw, received_at, traceparent)
VALUES (:mailbox, :message_id, :sha256, :raw, :received_at, :traceparent) ON CONFLICT DO NOTHING;

-- name: unread
-- The oldest messages without a ticket that nobody else is trying, with how often each was tried in vain.
SELECT id, attempts FROM message
WHERE ticket_id IS NULL ORDER BY id LIMIT :at_most::int FOR UPDATE SKIP LOCKED;

-- name: begin_attempt!
-- Count an attempt before reading, so that a message that kills the reader is known.
UPDATE message SET attempts = attempts + 1
WHERE id IN (SELECT id FROM message WHERE id = ANY(:ids::bigint[]) AND ticket_id IS NULL FOR UPDATE SKIP LOCKED);

-- name: claim_unread
-- The messages to open tickets for, locked until the transaction ends; of each only its head leaves the database.
SELECT id, substring(raw FROM 1 FOR :head_bytes::int) AS head, received_at, traceparent, attempts FROM message
WHERE id = ANY(:ids::bigint[]) AND ticket_id IS NULL ORDER BY id FOR UPDATE SKIP LOCKED;

-- name: next_protocol$
-- The next number of the day-prefixed protocol.
SELECT nextval('protocol');

-- name: contact_ref$
-- The opaque id of an address.
INSERT INTO contact (address) VALUES (:address)
ON CONFLICT (address) DO UPDATE SET address = excluded.address RETURNING contact_ref::text;

-- name: assign_ticket!
-- The message is read.
UPDATE message SET ticket_id = :ticket_id WHERE id = :id::bigint;

-- name: submit$
-- Take an event's identity; returns the hash under which it is known, which is another one for a conflict.
INSERT INTO submitted (source, event_id, content_hash, received_at)
VALUES (:source, :event_id, :content_hash, :received_at)
ON CONFLICT (source, event_id) DO UPDATE SET source = excluded.source
RETURNING CASE WHEN xmax = 0 THEN '\x'::bytea ELSE content_hash END;
