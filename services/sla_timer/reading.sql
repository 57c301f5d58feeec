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
-- The clocks of some tickets as they stand.
SELECT ticket_id, metric, cycle, state, verdict, due_at, fire_at FROM clock WHERE ticket_id = ANY(:ticket_ids::text[]);

-- name: clock_count$
-- How many clocks there are.
SELECT count(*) FROM clock;
