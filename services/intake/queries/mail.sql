-- name: lock_copies!
-- Let one transaction at a time store copies of the same bytes; keys ascend, so that nobody waits in a circle.
SELECT pg_advisory_xact_lock(key) FROM unnest(:keys::bigint[]) AS key;

-- name: store_messages!
-- Store raw messages once: a sender that repeats one after a crash of ours adds nothing. Without a Message-ID equal bytes
-- are a repetition only within the window. A copy names its content by its place among the bytes.
INSERT INTO message (mailbox, message_id, sha256, raw, received_at, traceparent, envelope_from)
SELECT copy.mailbox, copy.message_id, (:sha256s::bytea[])[copy.content], (:raws::bytea[])[copy.content],
    copy.received_at, copy.traceparent, copy.envelope_from
FROM unnest(:mailboxes::text[], :message_ids::text[], :contents::int[], :received_ats::timestamptz[],
        :traceparents::text[], :envelope_froms::text[])
    AS copy (mailbox, message_id, content, received_at, traceparent, envelope_from)
WHERE copy.message_id <> '' OR NOT EXISTS (
    SELECT 1 FROM message AS earlier
    WHERE earlier.mailbox = copy.mailbox AND earlier.message_id = '' AND earlier.sha256 = (:sha256s::bytea[])[copy.content]
        AND earlier.received_at > copy.received_at - :retry_window::interval
        AND earlier.received_at < copy.received_at + :retry_window::interval)
ON CONFLICT DO NOTHING;

-- name: unread
-- The oldest messages that nothing was decided of and that nobody else is trying, with how often each was tried in vain.
SELECT id, attempts FROM message
WHERE ticket_id IS NULL AND discarded IS NULL ORDER BY id LIMIT :at_most::int FOR UPDATE SKIP LOCKED;

-- name: begin_attempt
-- Count an attempt before reading, so that a message that kills the reader is known; the messages to read, not locked.
UPDATE message SET attempts = attempts + 1
WHERE id IN (SELECT id FROM message WHERE id = ANY(:ids::bigint[]) AND ticket_id IS NULL AND discarded IS NULL FOR UPDATE SKIP LOCKED)
RETURNING id, mailbox, received_at, traceparent, attempts, envelope_from, opened_by_hand;

-- name: give_back_attempt!
-- The database was away: the attempt was no message's.
UPDATE message SET attempts = attempts - 1
WHERE id = ANY(:ids::bigint[]) AND attempts > 0 AND ticket_id IS NULL AND discarded IS NULL;

-- name: claim_unread
-- Those that nothing was decided of meanwhile, locked until the transaction ends.
SELECT id FROM message
WHERE id = ANY(:ids::bigint[]) AND ticket_id IS NULL AND discarded IS NULL ORDER BY id FOR UPDATE SKIP LOCKED;

-- name: raw_of$
-- The bytes of a message.
SELECT raw FROM message WHERE id = :id::bigint;

-- name: discard!
-- The message is read and opens no ticket; it stays, with the reason.
UPDATE message SET discarded = :reason, fingerprint = :fingerprint,
    contact_ref = (SELECT contact_ref FROM contact WHERE address = :sender)
WHERE id = :id::bigint;

-- name: assign_ticket!
-- The message is read: which ticket it belongs to, as what, and who wrote it.
UPDATE message SET ticket_id = :ticket_id, became = :became, fingerprint = :fingerprint,
    contact_ref = (SELECT contact_ref FROM contact WHERE address = :sender)
WHERE id = :id::bigint;

-- name: lock_decisions^
-- One replica at a time decides which mails belong together.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.decisions', 0));

-- name: copy_of^
-- A mail that is the same one: the ticket and the mailbox of another copy, known by what it says or by its bytes (of one of
-- them nothing may have been read). Without a Message-ID only within minutes, and only of another mailbox: the same words
-- sent again are a new contact.
WITH this AS (SELECT sha256 FROM message WHERE id = :id::bigint)
SELECT ticket_id, discarded FROM (
    SELECT m.id, m.ticket_id, m.discarded FROM message m, this
    WHERE m.message_id = :message_id AND :message_id <> '' AND (m.fingerprint = :fingerprint OR m.sha256 = this.sha256)
    UNION ALL
    SELECT m.id, m.ticket_id, m.discarded FROM message m
    WHERE m.message_id = '' AND :message_id = '' AND m.fingerprint = :fingerprint
        AND m.mailbox <> :mailbox AND m.received_at > :since::timestamptz
    UNION ALL
    SELECT m.id, m.ticket_id, m.discarded FROM message m, this
    WHERE m.message_id = '' AND :message_id = '' AND m.sha256 = this.sha256
        AND m.mailbox <> :mailbox AND m.received_at > :since::timestamptz
) AS copy
WHERE id <> :id::bigint AND (ticket_id IS NOT NULL OR discarded IS NOT NULL)
ORDER BY id LIMIT 1;

-- name: ticket_of_messages$
-- The ticket of the first of these Message-IDs that is known, in their order.
SELECT m.ticket_id FROM unnest(:message_ids::text[]) WITH ORDINALITY AS wanted (message_id, place)
JOIN message AS m USING (message_id)
WHERE m.ticket_id IS NOT NULL AND m.message_id <> '' ORDER BY place, m.id LIMIT 1;
