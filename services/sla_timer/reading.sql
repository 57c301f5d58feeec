-- name: database_now$
-- The one clock of all replicas; the first query of a snapshot.
SELECT statement_timestamp();

-- name: journal_of
-- Everything that is known of one ticket.
SELECT ticket_id, received_at, body FROM journal WHERE ticket_id = :ticket_id;

-- name: whole_journal
-- The journal, one ticket after another; read by a cursor.
SELECT ticket_id, received_at, body FROM journal ORDER BY ticket_id;

-- name: known_versions
-- The content of every catalog version that was ever loaded.
SELECT version, content FROM catalog_version;

-- name: clocks_of
-- The clocks of some tickets as they stand, and when each was last told of.
SELECT c.ticket_id, c.metric, c.cycle, c.state, c.verdict, c.due_at, c.fire_at, c.judged_by, c.basis,
       coalesce((SELECT max(m.recorded_at) FROM milestone m
                 WHERE (m.ticket_id, m.metric, m.cycle) = (c.ticket_id, c.metric, c.cycle)), c.fire_at) AS told_at
FROM clock c WHERE c.ticket_id = ANY(:ticket_ids::text[]);

-- name: milestones_of
-- What was ever recorded of the clocks of some tickets, in the order of recording.
SELECT ticket_id, metric, cycle, kind, threshold, n, occurred_at, announced, outcome FROM milestone
WHERE ticket_id = ANY(:ticket_ids::text[]) ORDER BY position;

-- name: clocks_without_journal
-- Clocks of tickets that have no event at all; read by a cursor.
SELECT c.ticket_id, c.metric, c.cycle, c.state, c.verdict, c.due_at FROM clock c
WHERE NOT EXISTS (SELECT FROM journal j WHERE j.ticket_id = c.ticket_id) ORDER BY c.ticket_id, c.metric, c.cycle;

-- name: engines
-- Which engine made each judgement.
SELECT id, engine FROM judgement;

-- name: newest_judgement$
-- The judgement that counts; 0 before the first one.
SELECT coalesce(max(id), 0) FROM judgement;
