-- name: person^
-- Whom a contact_ref stands for, and what is recorded of an earlier erasure; nothing where neither is known.
SELECT contact.address, contact_number.number, erasure.requested_by, erasure.ended_at
FROM (SELECT :contact_ref::uuid AS contact_ref) AS wanted LEFT JOIN contact USING (contact_ref)
LEFT JOIN contact_number USING (contact_ref) LEFT JOIN erasure USING (contact_ref)
WHERE coalesce(contact.contact_ref, contact_number.contact_ref, erasure.contact_ref) IS NOT NULL;

-- name: refs_of
-- The opaque ids of an address or a telephone number.
SELECT contact_ref::text, 'address' AS kind, client_id, registered_at FROM contact WHERE address = :address
UNION ALL SELECT contact_ref::text, 'number', client_id, registered_at FROM contact_number WHERE number = :number;

-- name: unread_heads
-- Messages above an id that nothing was decided of, oldest first: of each no more than its first :bytes.
SELECT id, envelope_from, substring(raw FROM 1 FOR :bytes::int) AS head FROM message
WHERE ticket_id IS NULL AND discarded IS NULL AND id > :above::bigint ORDER BY id LIMIT :at_most::int;

-- name: waiting_of^
-- What still waits for a contact: answers to be sent, and calls to be decided of that end in the same eight digits.
SELECT (SELECT count(*) FROM reply WHERE contact_ref = :contact_ref::uuid AND state = 'waiting') AS replies,
    (SELECT count(DISTINCT (call.pbx, call.call_id)) FROM call JOIN call_event USING (pbx, call_id)
        WHERE call.look_at IS NOT NULL AND :number::text IS NOT NULL
            AND right(regexp_replace(call_event.number, '\D', '', 'g'), 8) = right(:number, 8)) AS calls;

-- name: erasable^
-- How much of a contact would be erased.
SELECT
    (SELECT count(*) FROM message AS m LEFT JOIN ticket AS t USING (ticket_id)
        WHERE (m.ticket_id IS NOT NULL OR m.discarded IS NOT NULL) AND (m.erased_at IS NULL OR m.message_id <> '' OR m.fingerprint IS NOT NULL)
            AND (m.contact_ref = :contact_ref::uuid OR m.contact_ref IS NULL AND m.envelope_from = :address
                OR t.contact_ref = :contact_ref::uuid::text AND (m.became IS DISTINCT FROM 'reply' OR m.contact_ref IS NULL
                    OR m.contact_ref IN (SELECT contact_ref FROM contact WHERE address = ANY(:ours::text[]))))) AS messages,
    (SELECT count(*) FROM reply WHERE contact_ref = :contact_ref::uuid) AS replies,
    (SELECT count(*) FROM call WHERE number = :number) AS calls;

-- name: begin_erasure!
-- Record who has a contact forgotten; of one that was broken off the first word stays.
INSERT INTO erasure (contact_ref, requested_by, begun_at) VALUES (:contact_ref::uuid, :requested_by, :at::timestamptz)
ON CONFLICT DO NOTHING;

-- name: erase_messages_of$
-- Erase mails of a contact: those that it wrote, and in its tickets everything but what other contacts wrote
-- (those at :ours are no others). Message-ID
-- and fingerprint go, too; the hash of the bytes stays, by which a repetition is known. Returns how many.
WITH gone AS (
    UPDATE message SET raw = '', envelope_from = NULL, message_id = '', fingerprint = NULL, erased_at = :at::timestamptz
    WHERE id IN (
        SELECT m.id FROM message AS m WHERE m.id IN (
            SELECT id FROM message WHERE contact_ref = :contact_ref::uuid
            UNION SELECT id FROM message WHERE contact_ref IS NULL AND envelope_from <> '' AND envelope_from = :address
            UNION SELECT one.id FROM ticket JOIN message AS one USING (ticket_id)
                WHERE ticket.contact_ref = :contact_ref::uuid::text AND (one.became IS DISTINCT FROM 'reply' OR one.contact_ref IS NULL
                    OR one.contact_ref IN (SELECT contact_ref FROM contact WHERE address = ANY(:ours::text[]))))
            AND (m.ticket_id IS NOT NULL OR m.discarded IS NOT NULL)
            AND (m.erased_at IS NULL OR m.message_id <> '' OR m.fingerprint IS NOT NULL)
        ORDER BY m.id LIMIT :at_most::int FOR UPDATE)
    RETURNING 1)
SELECT count(*) FROM gone;

-- name: erase_replies_of$
-- Erase settled automatic answers to a contact; returns how many.
WITH gone AS (
    DELETE FROM reply WHERE id IN (
        SELECT id FROM reply WHERE contact_ref = :contact_ref::uuid AND state <> 'waiting' ORDER BY id LIMIT :at_most::int FOR UPDATE)
    RETURNING 1)
SELECT count(*) FROM gone;

-- name: erase_calls_of$
-- Erase a number, and the channel that may carry it, of calls and of what was heard of them; returns how many calls.
WITH gone AS (
    UPDATE call SET number = NULL, channel = NULL WHERE (pbx, call_id) IN (
        SELECT pbx, call_id FROM call WHERE number = :number ORDER BY pbx, call_id LIMIT :at_most::int FOR UPDATE)
    RETURNING pbx, call_id),
said AS (UPDATE call_event SET number = '' FROM gone WHERE call_event.pbx = gone.pbx AND call_event.call_id = gone.call_id)
SELECT count(*) FROM gone;

-- name: count_erased!
-- Add to what an erasure has erased.
UPDATE erasure SET messages = messages + :messages::int, replies = replies + :replies::int, calls = calls + :calls::int
WHERE contact_ref = :contact_ref::uuid;

-- name: erase_contact!
-- Forget whom a contact_ref stands for; its erasure has ended.
WITH address AS (DELETE FROM contact WHERE contact_ref = :contact_ref::uuid),
number AS (DELETE FROM contact_number WHERE contact_ref = :contact_ref::uuid)
UPDATE erasure SET ended_at = coalesce(ended_at, :at::timestamptz) WHERE contact_ref = :contact_ref::uuid;

-- name: erasure_of^
-- What is recorded of an erasure.
SELECT requested_by, begun_at, ended_at, messages, replies, calls FROM erasure WHERE contact_ref = :contact_ref::uuid;
