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
