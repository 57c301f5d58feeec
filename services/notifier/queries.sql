-- name: advance!
-- Make sure that each ticket has its row; the caller sorts the ids against deadlocks.
INSERT INTO ticket_state (ticket_id, sequence) SELECT unnest(:ticket_ids::text[]), 0 ON CONFLICT DO NOTHING;

-- name: lock_tickets
-- How far each ticket was read; locked, in order.
SELECT ticket_id, sequence FROM ticket_state WHERE ticket_id = ANY(:ticket_ids::text[])
ORDER BY ticket_id FOR UPDATE;

-- name: save_sequences!
UPDATE ticket_state SET sequence = u.sequence FROM unnest(:ticket_ids::text[], :sequences::bigint[])
    AS u (ticket_id, sequence) WHERE ticket_state.ticket_id = u.ticket_id;

-- name: alert_of^
-- The alert of a clock, locked.
SELECT alert_id, loudness, suspended, ended_as, telling FROM alert
WHERE ticket_id = :ticket_id AND metric = :metric AND cycle = :cycle FOR UPDATE;

-- name: save_alert^
-- The alert after an event; what is told anew, or gets louder, wants a new acknowledgement.
INSERT INTO alert (ticket_id, metric, cycle, loudness, suspended, ended_as, telling, event)
VALUES (:ticket_id, :metric, :cycle, :loudness, :suspended, :ended_as, :telling, :event)
ON CONFLICT (ticket_id, metric, cycle) DO UPDATE SET loudness = excluded.loudness, suspended = excluded.suspended,
    ended_as = excluded.ended_as, event = excluded.event, telling = excluded.telling,
    acknowledged_by = CASE WHEN excluded.telling > alert.telling
        OR (alert.loudness = 'warned' AND excluded.loudness = 'breached') THEN NULL ELSE alert.acknowledged_by END,
    acknowledged_at = CASE WHEN excluded.telling > alert.telling
        OR (alert.loudness = 'warned' AND excluded.loudness = 'breached') THEN NULL ELSE alert.acknowledged_at END
RETURNING alert_id;

-- name: plan
-- Deliveries to come; one that exists is left alone.
INSERT INTO delivery (alert_id, telling, word, threshold, step, person, next_at, round)
SELECT :alert_id::bigint, :telling::int, w, :threshold, s, p, n, r
FROM unnest(:words::text[], :steps::int[], :people::text[], :due::timestamptz[], :rounds::int[]) AS u (w, s, p, n, r)
ON CONFLICT DO NOTHING RETURNING delivery_id, word, step, person, next_at;

-- name: disturbed
-- Exactly those who were told, or may have been, and have had no all-clear since: one of an earlier telling was overtaken.
SELECT DISTINCT d.person FROM delivery d
WHERE d.alert_id = :alert_id::bigint AND d.telling <= :telling::int AND d.word IN ('warning', 'breached')
  AND (d.state IN ('accepted', 'sending') OR d.doubtful)
  AND NOT EXISTS (SELECT FROM delivery c WHERE c.alert_id = d.alert_id AND c.person = d.person
                  AND c.word = 'all_clear' AND c.state = 'accepted' AND c.telling >= d.telling)
ORDER BY d.person;

-- name: claim
-- Take what is due, looking once more whether it is still wanted; a lease that ended means that the outcome is unknown.
WITH due AS (
    SELECT d.delivery_id, d.state = 'sending' AS lost,
           CASE WHEN d.telling < a.telling THEN 'overtaken'
                WHEN d.word = 'all_clear' THEN NULL
                WHEN a.loudness = 'ended' THEN 'ended'
                WHEN d.word = 'warning' AND a.loudness = 'breached' THEN 'overtaken'
                WHEN d.word = 'warning' AND a.suspended THEN 'paused'
                WHEN d.word <> 'warning' AND a.acknowledged_at IS NOT NULL THEN 'acknowledged'
           END AS unwanted
    FROM delivery d JOIN alert a USING (alert_id)
    WHERE d.state IN ('planned', 'sending') AND d.next_at <= statement_timestamp()
    ORDER BY d.next_at LIMIT :at_most::int FOR UPDATE OF d SKIP LOCKED
)
UPDATE delivery d SET
    state = CASE WHEN due.unwanted IS NULL THEN 'sending' ELSE 'suppressed' END,
    reason = due.unwanted,
    doubtful = d.doubtful OR due.lost,
    attempt = CASE WHEN due.unwanted IS NULL THEN d.attempt + 1 ELSE d.attempt END,
    next_at = statement_timestamp() + :lease::interval
FROM due, alert a
WHERE d.delivery_id = due.delivery_id AND a.alert_id = d.alert_id
RETURNING d.delivery_id, d.alert_id, d.word, d.step, d.person, d.attempt, d.reason, d.content, d.threshold, due.lost,
    a.ticket_id, a.metric, a.cycle, a.event, a.ended_as, statement_timestamp() AS now;

-- name: keep_content!
-- What is sent, so that a repetition is the same.
UPDATE delivery SET content = :content WHERE delivery_id = :delivery_id::bigint;

-- name: settle$
-- The result of an attempt, fenced by its number: only the attempt that holds the delivery may say.
UPDATE delivery SET state = :state, next_at = coalesce(:next_at::timestamptz, next_at), reason = :reason,
    provider_id = coalesce(:provider_id, provider_id), doubtful = doubtful OR :doubtful::boolean,
    accepted_at = CASE WHEN :state = 'accepted' THEN statement_timestamp() END
WHERE delivery_id = :delivery_id::bigint AND attempt = :attempt::int AND state = 'sending'
RETURNING delivery_id;

-- name: hurry_next!
-- After a permanent failure the next step of the same round is due at once; the next round keeps its time.
UPDATE delivery SET next_at = least(next_at, statement_timestamp())
WHERE delivery_id = (
    SELECT n.delivery_id FROM delivery n JOIN delivery f USING (alert_id, telling, word)
    WHERE f.delivery_id = :delivery_id::bigint AND n.state = 'planned' AND n.step > f.step
      AND n.round = f.round
    ORDER BY n.step LIMIT 1);

-- name: give_up!
-- A claimed delivery that cannot be built: set aside, it holds up nobody; what was not wanted any more stays suppressed.
UPDATE delivery SET state = 'failed', reason = 'unreadable' WHERE state = 'sending' AND delivery_id = :delivery_id::bigint;

-- name: shown^
-- One delivery with its alert, for its page.
SELECT d.delivery_id, d.person, d.telling, a.alert_id, a.telling AS current_telling, a.ticket_id, a.metric, a.cycle,
       a.loudness, a.ended_as, a.event, a.acknowledged_by, a.acknowledged_at
FROM delivery d JOIN alert a USING (alert_id) WHERE d.delivery_id = :delivery_id::bigint;

-- name: story
-- Who was told and who is next.
SELECT person, word, state, accepted_at, next_at FROM delivery
WHERE alert_id = :alert_id::bigint AND telling = :telling::int AND person IS NOT NULL
  AND state IN ('accepted', 'planned', 'sending') ORDER BY next_at LIMIT 20;

-- name: acknowledge$
-- The first acknowledgement counts; null when there was one, or the alert has ended.
UPDATE alert SET acknowledged_by = :person, acknowledged_at = statement_timestamp()
WHERE alert_id = :alert_id::bigint AND telling = :telling::int AND acknowledged_at IS NULL AND loudness <> 'ended'
RETURNING acknowledged_at;

-- name: oldest_due_seconds$
-- Age of the oldest delivery that is due and not taken.
SELECT coalesce(extract(epoch FROM statement_timestamp() - min(next_at)), 0)::float8 FROM delivery
WHERE state = 'planned' AND next_at <= statement_timestamp();

-- name: next_person$
-- Who is told after this delivery if nobody acknowledges.
SELECT n.person FROM delivery n JOIN delivery f USING (alert_id, telling, word)
WHERE f.delivery_id = :delivery_id::bigint AND n.step > f.step AND n.person IS DISTINCT FROM f.person
ORDER BY n.step LIMIT 1;
