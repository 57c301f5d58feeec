-- name: plan_steps!
-- Steps to come; one that exists is left alone. A warning that is heard again (its deadline moved) is a round of its own.
INSERT INTO step (alert_id, telling, act, word, threshold, round, position, targets, by, due_at)
SELECT alert_id, telling, act, word, threshold,
       CASE WHEN word = 'warning' THEN coalesce((SELECT 1 + max(s.round) FROM step s WHERE s.alert_id = u.alert_id
            AND s.telling = u.telling AND s.act = u.act AND s.word = u.word AND s.threshold = u.threshold), 0) ELSE round END,
       position, string_to_array(targets, E'\x1f'), string_to_array(by, E'\x1f'), due_at
FROM unnest(:alert_ids::bigint[], :tellings::int[], :acts::text[], :words::text[], :thresholds::text[], :rounds::int[],
    :positions::int[], :targets::text[], :by::text[], :due_at::timestamptz[])
    AS u (alert_id, telling, act, word, threshold, round, position, targets, by, due_at)
ON CONFLICT DO NOTHING;

-- name: take_steps
-- The due steps of alerts that the caller has locked.
SELECT step_id, alert_id, telling, act, word, threshold, round, position, targets, by, due_at, reason
FROM step WHERE alert_id = ANY(:alert_ids::bigint[]) AND state = 'planned' AND due_at <= statement_timestamp()
ORDER BY due_at, step_id FOR UPDATE;

-- name: settle_steps!
-- What became of steps.
UPDATE step SET state = u.state, reason = u.reason, done_at = :now::timestamptz
FROM unnest(:step_ids::bigint[], :states::text[], :reasons::text[]) AS u (step_id, state, reason)
WHERE step.step_id = u.step_id;

-- name: postpone_steps!
-- Steps that wait for the end of a maintenance window.
UPDATE step SET due_at = u.due_at, reason = u.reason
FROM unnest(:step_ids::bigint[], :due_at::timestamptz[], :reasons::text[]) AS u (step_id, due_at, reason)
WHERE step.step_id = u.step_id;

-- name: drop_warnings!
-- The deadline moved: what was still to come of the old one's warnings is not.
UPDATE step SET state = 'suppressed', reason = 'rescheduled', done_at = :now::timestamptz
WHERE alert_id = ANY(:alert_ids::bigint[]) AND state = 'planned' AND word = 'warning';

-- name: drop_release!
-- A promise that was changed or undone does not end any more.
UPDATE step SET state = 'suppressed', reason = 'promise_changed', done_at = :now::timestamptz
WHERE alert_id = ANY(:alert_ids::bigint[]) AND state = 'planned' AND act = 'release';

-- name: plan_releases!
-- When a promise ends: another one of the same telling takes the next number.
INSERT INTO step (alert_id, telling, act, word, round, due_at)
SELECT u.alert_id, u.telling, 'release', 'breached', 1 + coalesce((SELECT max(s.round) FROM step s
           WHERE s.alert_id = u.alert_id AND s.telling = u.telling AND s.act = 'release'), 0), u.due_at
FROM unnest(:alert_ids::bigint[], :tellings::int[], :due_at::timestamptz[]) AS u (alert_id, telling, due_at);

-- name: revive_steps!
-- An acknowledgement was undone: what it kept from being told is due now.
UPDATE step SET state = 'planned', reason = NULL, done_at = NULL, due_at = greatest(due_at, :now::timestamptz)
WHERE alert_id = ANY(:alert_ids::bigint[]) AND state = 'suppressed' AND reason = 'acknowledged'
  AND done_at >= :since::timestamptz;

-- name: resume_steps!
-- The clock runs again: the warnings that its pause kept back are due now.
UPDATE step SET state = 'planned', reason = NULL, done_at = NULL, due_at = greatest(due_at, :now::timestamptz)
WHERE alert_id = ANY(:alert_ids::bigint[]) AND state = 'suppressed' AND reason = 'paused';

-- name: hurry_steps
-- For each alert of pages that reached nobody, while no other page of the same step or of a later one did or may: the next
-- step of the same round is due at once. Each alert comes back, with whether somebody is still to be told, or was told, in this
-- round: else the manager has to know.
WITH stuck AS (
    SELECT DISTINCT pa.alert_id, s.telling, s.word, s.threshold, s.round, s.position
    FROM page_alert pa JOIN step s USING (step_id)
    WHERE pa.page_no = ANY(:page_nos::bigint[]) AND s.word IN ('warning', 'breached', 'started', 'account')
      AND NOT EXISTS (SELECT FROM page_alert o JOIN step l USING (step_id) JOIN notice r USING (page_no)
                      WHERE o.alert_id = pa.alert_id AND NOT o.page_no = ANY(:page_nos::bigint[])
                        AND (l.telling, l.word, l.threshold, l.round) = (s.telling, s.word, s.threshold, s.round)
                        AND l.position >= s.position
                        AND (r.state IN ('accepted', 'delivered') OR (r.state IN ('planned', 'sending') AND NOT r.moved_on)))
), hurried AS (
    UPDATE step SET due_at = statement_timestamp() WHERE step_id IN (
        SELECT DISTINCT ON (k.alert_id, k.word) n.step_id FROM stuck k JOIN step n USING (alert_id, telling, word, threshold, round)
        WHERE n.act = 'tell' AND n.state = 'planned' AND n.position > k.position
        ORDER BY k.alert_id, k.word, n.position)
      AND due_at > statement_timestamp()
    RETURNING alert_id, word
)
SELECT k.alert_id, k.telling, k.word, k.threshold, k.round, k.position,
       EXISTS (SELECT FROM step n WHERE (n.alert_id, n.telling, n.word, n.threshold, n.round)
                   = (k.alert_id, k.telling, k.word, k.threshold, k.round)
               AND n.act = 'tell' AND n.state = 'planned' AND n.position > k.position)
    OR EXISTS (SELECT FROM hurried h WHERE h.alert_id = k.alert_id AND h.word = k.word)
    OR EXISTS (SELECT FROM page_alert o JOIN step l USING (step_id) JOIN notice r USING (page_no)
               WHERE o.alert_id = k.alert_id
                 AND (l.telling, l.word, l.threshold, l.round) = (k.telling, k.word, k.threshold, k.round)
                 AND r.state IN ('accepted', 'delivered')) AS goes_on
FROM stuck k;

-- name: next_step^
-- The next step that tells people of an alert, or begins all steps anew; of the word that the alert is now.
SELECT act, targets, due_at FROM step
WHERE alert_id = :alert_id::bigint AND telling = :telling::int AND act IN ('tell', 'again') AND word = :word AND state = 'planned'
ORDER BY due_at LIMIT 1;

-- name: oldest_due_step$
-- Age in seconds of the oldest step that is due and not done.
SELECT coalesce(extract(epoch FROM statement_timestamp() - min(due_at)), 0)::float8 FROM step
WHERE state = 'planned' AND due_at <= statement_timestamp();

-- name: replan!
-- The auditor's repair: a round that begins now, or, of what somebody has, the end of the promise.
INSERT INTO step (alert_id, telling, act, word, round, due_at)
SELECT a.alert_id, a.telling, CASE WHEN a.acknowledged_at IS NULL THEN 'again' ELSE 'release' END, 'breached',
       1 + coalesce((SELECT max(s.round) FROM step s WHERE s.alert_id = a.alert_id AND s.telling = a.telling), 0),
       greatest(statement_timestamp(), coalesce(a.promised_until, a.acknowledged_at + interval '30 minutes'))
FROM alert a WHERE a.alert_id = ANY(:alert_ids::bigint[]) ON CONFLICT DO NOTHING;

-- name: hurry_after!
-- Steps that found nobody: the next one of the same round is due at once.
UPDATE step SET due_at = least(due_at, statement_timestamp()) WHERE step_id IN (
    SELECT DISTINCT ON (s.step_id) n.step_id FROM step s JOIN step n USING (alert_id, telling, word, threshold, round)
    WHERE s.step_id = ANY(:step_ids::bigint[]) AND n.act = 'tell' AND n.state = 'planned' AND n.position > s.position
    ORDER BY s.step_id, n.position);
