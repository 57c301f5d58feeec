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

-- name: assign_ticket!
-- The message is read.
UPDATE message SET ticket_id = :ticket_id WHERE id = :id::bigint;
