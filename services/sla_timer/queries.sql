-- name: database_now$
-- The one clock of all replicas.
SELECT statement_timestamp();

-- name: lock_new_tickets
-- Create and lock the rows that are missing; their order is sorted by the caller against deadlocks.
INSERT INTO ticket (ticket_id) SELECT unnest(:ticket_ids::text[]) ON CONFLICT DO NOTHING RETURNING ticket_id;

-- name: hold_tickets
-- Lock the tickets of a batch, in order; the ticket's row guards all its clocks.
SELECT ticket_id, sequence, traceparent FROM ticket WHERE ticket_id = ANY(:ticket_ids::text[])
ORDER BY ticket_id FOR UPDATE;

-- name: known_events
-- What the journal has of these tickets.
SELECT ticket_id, source, event_id, type, received_at, body FROM journal
WHERE ticket_id = ANY(:ticket_ids::text[]);

-- name: known_milestones
-- Everything recorded of these tickets' clocks, in the order of recording.
SELECT ticket_id, metric, cycle, kind, threshold, n, occurred_at, announced, outcome FROM milestone
WHERE ticket_id = ANY(:ticket_ids::text[]) ORDER BY position;

-- name: known_clocks
-- The deadline last told of each clock.
SELECT ticket_id, metric, cycle, due_at FROM clock WHERE ticket_id = ANY(:ticket_ids::text[]);

-- name: clocks_as_judged
-- Every clock of these tickets as the core had it.
SELECT ticket_id, metric, cycle, basis FROM clock WHERE ticket_id = ANY(:ticket_ids::text[]);

-- name: lock_judgements!
-- One replica at a time registers a judgement.
LOCK TABLE judgement IN EXCLUSIVE MODE;

-- name: last_judgement^
-- The judgement that counts: the newest.
SELECT id, fingerprint FROM judgement ORDER BY id DESC LIMIT 1;

-- name: add_judgement$
-- Register a judgement; from now on it counts.
INSERT INTO judgement (fingerprint, engine) VALUES (:fingerprint, :engine) RETURNING id;

-- name: catalog_content$
-- Register a version of the catalog; returns the content under which it is known.
INSERT INTO catalog_version (version, content) VALUES (:version, :content)
ON CONFLICT (version) DO UPDATE SET version = excluded.version RETURNING content;

-- name: judged_before
-- Tickets with open clocks of an older judgement, what is due first; whether another engine judged them.
SELECT c.ticket_id, coalesce(j.engine, '') AS engine
FROM clock c LEFT JOIN judgement j ON j.id = c.judged_by
WHERE c.verdict = 'open' AND c.judged_by < :judged_by ORDER BY c.judged_by, c.fire_at LIMIT :at_most::int;

-- name: late_judged_before
-- Tickets whose breached or exempted clocks still run under an older judgement; reads every clock.
SELECT DISTINCT c.ticket_id, coalesce(j.engine, '') AS engine
FROM clock c LEFT JOIN judgement j ON j.id = c.judged_by
WHERE c.state <> 'done' AND c.verdict <> 'open' AND c.judged_by < :judged_by LIMIT :at_most::int;

-- name: keep_judgement!
-- A ticket that cannot be judged anew keeps what it has.
UPDATE clock SET judged_by = :judged_by WHERE ticket_id = :ticket_id;

-- name: update_tickets!
-- What events and reports show of each ticket, and how far its sequence has come.
UPDATE ticket SET sequence = u.sequence, client_id = u.client_id, service = u.service, title = u.title,
    priority = u.priority, summary = u.summary, catalog = u.catalog, traceparent = u.traceparent
FROM unnest(:ticket_ids::text[], :sequences::bigint[], :client_ids::text[], :services::text[], :titles::text[],
            :priorities::text[], :summaries::bytea[], :catalogs::text[], :traceparents::text[])
    AS u (ticket_id, sequence, client_id, service, title, priority, summary, catalog, traceparent)
WHERE ticket.ticket_id = u.ticket_id;

-- name: upsert_clocks!
-- The clocks as the journal has them now; a new version re-plans what the ticker would have fired.
INSERT INTO clock (ticket_id, metric, cycle, state, verdict, due_at, fire_at, basis, judged_by)
SELECT u.*, :judged_by::int FROM unnest(:ticket_ids::text[], :metrics::text[], :cycles::int[], :states::text[],
    :verdicts::text[], :due::timestamptz[], :fire::timestamptz[], :bases::bytea[]) AS u
ON CONFLICT (ticket_id, metric, cycle) DO UPDATE SET version = clock.version + 1, state = excluded.state,
    verdict = excluded.verdict, due_at = excluded.due_at, fire_at = excluded.fire_at, basis = excluded.basis,
    judged_by = excluded.judged_by;

-- name: claim_due
-- What is due by the database's clock, oldest first, bounded below so that dead index entries cost nothing; the batch
-- is cut before tickets are looked at, so that a backlog costs no more than its head.
-- The order of the columns is known to the reader. Locks clock and ticket without ever waiting: a clock whose ticket is in other hands is left to the next poll.
WITH due AS MATERIALIZED (
    SELECT ctid AS place, ticket_id, metric, cycle, basis, fire_at FROM clock
    WHERE fire_at > :watermark::timestamptz AND fire_at <= statement_timestamp() AND judged_by = :judged_by::int
    ORDER BY fire_at LIMIT :at_most::int
    FOR UPDATE SKIP LOCKED
)
SELECT due.*, t.ctid AS ticket_place, t.sequence, t.client_id, t.summary, t.traceparent, statement_timestamp() AS now
FROM due JOIN ticket t USING (ticket_id)
ORDER BY due.fire_at
FOR UPDATE OF t SKIP LOCKED;

-- name: move_clocks!
-- Move fired clocks along their schedule; their rows are locked, so each stays in its place.
UPDATE clock SET version = version + 1, verdict = u.verdict, fire_at = u.fire_at
FROM unnest(:places::tid[], :verdicts::text[], :fire::timestamptz[]) AS u (place, verdict, fire_at)
WHERE clock.ctid = u.place;

-- name: move_sequences!
-- How far each fired ticket's sequence has come.
UPDATE ticket SET sequence = u.sequence FROM unnest(:places::tid[], :sequences::bigint[]) AS u (place, sequence)
WHERE ticket.ctid = u.place;

-- name: oldest_due_seconds$
-- Age of the oldest clock that is due and has not fired; 0 when there is none.
SELECT coalesce(extract(epoch FROM statement_timestamp() - min(c.fire_at)), 0)::float8
FROM (SELECT 0 AS id UNION ALL SELECT id FROM judgement) AS j CROSS JOIN LATERAL (
    SELECT fire_at FROM clock WHERE judged_by = j.id AND fire_at <= statement_timestamp() ORDER BY fire_at LIMIT 1
) AS c;

-- name: outage_age$
-- Seconds since a replica last saw the broker come back; null when none ever did.
SELECT extract(epoch FROM statement_timestamp() - max(ended_at))::float8 FROM broker_outage WHERE topic = :topic;

-- name: save_outage!
-- The broker was away and has come back.
INSERT INTO broker_outage (topic, ended_at) VALUES (:topic, statement_timestamp())
ON CONFLICT (topic) DO UPDATE SET ended_at = greatest(broker_outage.ended_at, excluded.ended_at);

-- name: save_progress!
-- Remember until when each partition is known to have been read; never backwards.
INSERT INTO ingest_progress (topic, partition, caught_up_at)
SELECT :topic, p, at FROM unnest(:partitions::int[], :caught_up::timestamptz[]) AS u (p, at)
ON CONFLICT (topic, partition) DO UPDATE
SET caught_up_at = greatest(ingest_progress.caught_up_at, excluded.caught_up_at);

-- name: saved_progress$
-- The least advanced partition's instant before this process began; null at the very first start.
SELECT min(caught_up_at) FROM ingest_progress WHERE topic = :topic;

-- name: clock_rows$
-- About how many clocks there are; 0 while nobody knows.
SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'clock'::regclass;

-- name: counted_states
-- Clocks by state, exactly.
SELECT state, count(*) AS clocks FROM clock GROUP BY state;

-- name: estimated_states
-- Clocks by state, as the statistics of the last ANALYZE have it.
SELECT u.state, (u.share * greatest(c.reltuples, 0))::bigint AS clocks
FROM pg_stats s CROSS JOIN pg_class c
CROSS JOIN unnest(s.most_common_vals::text::text[], s.most_common_freqs) AS u (state, share)
WHERE s.schemaname = current_schema() AND s.tablename = 'clock' AND s.attname = 'state' AND c.oid = 'clock'::regclass;
