-- name: save_clients!
-- The clients as configured.
INSERT INTO client (client_id, name, modality, responsibility)
SELECT * FROM unnest(:ids::text[], :names::text[], :modalities::text[], :responsibilities::text[])
ON CONFLICT (client_id) DO UPDATE
SET name = excluded.name, modality = excluded.modality, responsibility = excluded.responsibility;

-- name: retire_routines!
-- What the configuration no longer has is no longer audited.
UPDATE routine SET active = false WHERE NOT (client_id, routine_id) IN
    (SELECT * FROM unnest(:client_ids::text[], :routine_ids::text[]));

-- name: save_routines!
-- The routines as configured.
INSERT INTO routine (client_id, routine_id) SELECT * FROM unnest(:client_ids::text[], :routine_ids::text[])
ON CONFLICT (client_id, routine_id) DO UPDATE SET active = true;

-- name: claim
-- Routines that are due; the lease is the next check, so one outstanding probe per target.
UPDATE routine SET attempt = attempt + 1, next_check_at = statement_timestamp() + :lease::interval
WHERE (client_id, routine_id) IN (
    SELECT client_id, routine_id FROM routine WHERE active AND next_check_at <= statement_timestamp()
    ORDER BY next_check_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED)
RETURNING client_id, routine_id, slot, said, outage, attempt, statement_timestamp() AS now;

-- name: record$
-- The result of a check, fenced by its attempt.
UPDATE routine SET slot = :slot, said = :said, outage = :outage, next_check_at = :next_check_at,
    checked_at = statement_timestamp()
WHERE client_id = :client_id AND routine_id = :routine_id AND attempt = :attempt::bigint RETURNING attempt;
