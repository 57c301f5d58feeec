-- name: replies_of^
-- How many automatic answers a contact got since an instant, and whether a ticket is part of a flood.
SELECT (SELECT count(*) FROM reply WHERE contact_ref = :contact_ref::uuid AND created_at > :since::timestamptz) AS replies,
    (SELECT flood_of IS NOT NULL FROM ticket WHERE ticket_id = :ticket_id) AS flood;

-- name: plan_reply!
-- Plan the answer to the contact that opened a ticket; it waits a while for the due date.
INSERT INTO reply (ticket_id, contact_ref, message, facts, created_at, ready_at, next_at)
VALUES (:ticket_id, :contact_ref::uuid, :message::bigint, :facts::text::jsonb, :created_at::timestamptz,
    now() + :ready_after::interval, now())
ON CONFLICT DO NOTHING;

-- name: claim_replies
-- Answers that are due, with what they need: the address, where the ticket stands, and its response clock as far as it
-- is known. Claimed for :lease; after a crash somebody sends the same Message-ID again.
WITH due AS (
    SELECT r.id FROM reply AS r
    WHERE r.state = 'waiting' AND r.next_at <= statement_timestamp()
        AND (r.ready_at <= statement_timestamp()
            OR EXISTS (SELECT 1 FROM clock AS c WHERE c.ticket_id = r.ticket_id AND c.metric = 'response'))
    ORDER BY r.next_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED),
claimed AS (
    UPDATE reply SET attempts = attempts + 1, next_at = statement_timestamp() + :lease::interval
    FROM due WHERE reply.id = due.id
    RETURNING reply.id, reply.ticket_id, reply.contact_ref, reply.facts, reply.attempts, reply.created_at)
SELECT r.id, r.ticket_id, r.facts::text AS facts, r.attempts, r.created_at, p.address, t.state AS ticket_state,
    t.service, t.opened_at, c.counts_from, c.due_at, c.state AS clock_state, statement_timestamp() AS now
FROM claimed AS r JOIN contact AS p USING (contact_ref) JOIN ticket AS t USING (ticket_id)
LEFT JOIN clock AS c ON c.ticket_id = r.ticket_id AND c.metric = 'response' AND c.cycle = 1
ORDER BY r.id;

-- name: settle_reply!
-- Record what became of an attempt, unless its lease ended and another one holds the answer.
UPDATE reply SET state = :state, reason = :reason, next_at = statement_timestamp() + :retry_in::interval,
    settled_at = CASE WHEN :state <> 'waiting' THEN statement_timestamp() END
WHERE id = :id::bigint AND attempts = :attempts::int AND state = 'waiting';
