-- name: lock_copies^
-- Let one transaction at a time store copies of the same bytes in a mailbox.
SELECT pg_advisory_xact_lock(hashtextextended(:mailbox || encode(:sha256::bytea, 'hex'), 0));

-- name: store_message!
-- Store a raw message once: a sender that repeats it after a crash of ours adds nothing. Without a Message-ID equal
-- bytes are a repetition only when they come after :retries_since.
INSERT INTO message (mailbox, message_id, sha256, raw, received_at, traceparent, envelope_from)
SELECT :mailbox::text, :message_id::text, :sha256::bytea, :raw::bytea, :received_at::timestamptz, :traceparent::text,
    :envelope_from::text
WHERE :message_id::text <> '' OR NOT EXISTS (
    SELECT 1 FROM message
    WHERE mailbox = :mailbox AND message_id = '' AND sha256 = :sha256 AND received_at > :retries_since::timestamptz)
ON CONFLICT DO NOTHING;

-- name: unread
-- The oldest messages that nothing was decided of and that nobody else is trying, with how often each was tried in vain.
SELECT id, attempts FROM message
WHERE ticket_id IS NULL AND discarded IS NULL ORDER BY id LIMIT :at_most::int FOR UPDATE SKIP LOCKED;

-- name: begin_attempt!
-- Count an attempt before reading, so that a message that kills the reader is known.
UPDATE message SET attempts = attempts + 1
WHERE id IN (SELECT id FROM message WHERE id = ANY(:ids::bigint[]) AND ticket_id IS NULL AND discarded IS NULL FOR UPDATE SKIP LOCKED);

-- name: claim_unread
-- The messages to decide of, locked until the transaction ends; their bytes are fetched one by one.
SELECT id, received_at, traceparent, attempts, envelope_from FROM message
WHERE id = ANY(:ids::bigint[]) AND ticket_id IS NULL AND discarded IS NULL ORDER BY id FOR UPDATE SKIP LOCKED;

-- name: raw_of$
-- The bytes of a message.
SELECT raw FROM message WHERE id = :id::bigint;

-- name: discard!
-- The message is read and opens no ticket; it stays, with the reason.
UPDATE message SET discarded = :reason WHERE id = :id::bigint;

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

-- name: forget_submitted$
-- Forget the oldest identities taken before an instant; returns how many.
WITH gone AS (
    DELETE FROM submitted WHERE (source, event_id) IN (
        SELECT source, event_id FROM submitted WHERE received_at < :before::timestamptz
        ORDER BY received_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED)
    RETURNING 1)
SELECT count(*) FROM gone;
