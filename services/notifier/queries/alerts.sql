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

-- name: lock_alerts
-- The alerts of clocks, locked in order. Whoever locks alerts does it before steps, people and pages.
SELECT a.alert_id, a.ticket_id, a.metric, a.cycle, a.loudness, a.suspended, a.ended_as, a.telling, a.threshold, a.event,
       a.acknowledged_by, a.acknowledged_at, a.promised_until, a.broken_by
FROM alert a JOIN unnest(:tickets::text[], :metrics::text[], :cycles::int[]) AS u (ticket_id, metric, cycle)
    USING (ticket_id, metric, cycle)
ORDER BY a.alert_id FOR NO KEY UPDATE OF a;

-- name: lock_alerts_of_page
-- The alerts of a page, locked in order.
SELECT a.alert_id, a.ticket_id, a.metric, a.cycle, a.loudness, a.suspended, a.ended_as, a.telling, a.threshold, a.event,
       a.acknowledged_by, a.acknowledged_at, a.promised_until, a.broken_by, p.telling AS told
FROM page_alert p JOIN alert a USING (alert_id) WHERE p.page_no = :page_no::bigint
ORDER BY a.alert_id FOR NO KEY UPDATE OF a;

-- name: lock_due_alerts
-- Alerts with steps that are due, oldest step first, locked in order; what another replica holds is left to it.
SELECT a.alert_id, a.ticket_id, a.metric, a.cycle, a.loudness, a.suspended, a.ended_as, a.telling, a.threshold, a.event,
       a.acknowledged_by, a.acknowledged_at, a.promised_until, a.broken_by
FROM alert a WHERE a.alert_id IN (
    SELECT alert_id FROM step WHERE state = 'planned' AND due_at <= statement_timestamp() ORDER BY due_at LIMIT :at_most::int)
ORDER BY a.alert_id FOR NO KEY UPDATE SKIP LOCKED;

-- name: save_alerts
-- Alerts after what they heard.
INSERT INTO alert (ticket_id, metric, cycle, loudness, suspended, ended_as, telling, threshold, event, due_at,
    acknowledged_by, acknowledged_at, promised_until, broken_by)
SELECT * FROM unnest(:tickets::text[], :metrics::text[], :cycles::int[], :loudness::text[], :suspended::boolean[],
    :ended_as::text[], :tellings::int[], :thresholds::text[], :events::bytea[], :due_at::timestamptz[],
    :taken_by::text[], :taken_at::timestamptz[], :promised::timestamptz[], :broken_by::text[])
ON CONFLICT (ticket_id, metric, cycle) DO UPDATE SET loudness = excluded.loudness, suspended = excluded.suspended,
    ended_as = excluded.ended_as, telling = excluded.telling, threshold = excluded.threshold, event = excluded.event,
    due_at = excluded.due_at, acknowledged_by = excluded.acknowledged_by, acknowledged_at = excluded.acknowledged_at,
    promised_until = excluded.promised_until, broken_by = excluded.broken_by
RETURNING alert_id, ticket_id, metric, cycle;

-- name: disturbed
-- Exactly those who were told, or may have been, of these alerts, by which methods and on which thread, and have had no
-- all-clear since that arrived or is on its way. ``settled``: of everything that the thread's page told of, nothing is open and untaken any more.
SELECT pa.alert_id, n.person, n.channel, n.nth, p.thread, min(n.rank) AS rank,
       bool_and(NOT EXISTS (SELECT FROM page_alert o JOIN alert a USING (alert_id) WHERE p.gathers AND o.page_no = p.page_no
                  AND a.loudness <> 'ended' AND (a.acknowledged_at IS NULL OR :ended::boolean))) AS settled
FROM page_alert pa JOIN page p USING (page_no) JOIN notice n USING (page_no)
WHERE pa.alert_id = ANY(:alert_ids::bigint[]) AND p.word IN ('warning', 'breached', 'finding')
  AND (n.state IN ('accepted', 'delivered', 'sending') OR n.doubtful)
  AND NOT EXISTS (SELECT FROM page_alert ca JOIN page c USING (page_no) JOIN notice cn USING (page_no)
                  WHERE ca.alert_id = pa.alert_id AND c.person = n.person AND c.word = 'all_clear'
                    AND cn.channel = n.channel AND ca.telling >= pa.telling AND (cn.state IN ('accepted', 'delivered')
                         OR (cn.state IN ('planned', 'sending') AND ca.telling >= (SELECT telling FROM alert a WHERE a.alert_id = ca.alert_id))))
GROUP BY pa.alert_id, n.person, n.channel, n.nth, p.thread
ORDER BY pa.alert_id, n.person, rank;

-- name: forgotten
-- Breached alerts that nothing would ever be done about again: no step to come. Always none, or a defect.
SELECT a.alert_id FROM alert a
WHERE a.loudness = 'breached' AND NOT EXISTS (SELECT FROM step s WHERE s.alert_id = a.alert_id AND s.state = 'planned')
ORDER BY a.alert_id LIMIT 1000;

-- name: late$
-- Steps and notices that have been due for longer than :seconds and that nobody took.
SELECT (SELECT count(*) FROM (SELECT FROM step WHERE state = 'planned'
            AND due_at < statement_timestamp() - make_interval(secs => :seconds::float8) LIMIT 1000) AS s)
     + (SELECT count(*) FROM (SELECT FROM notice WHERE state IN ('planned', 'sending') AND NOT moved_on
            AND due_at < statement_timestamp() - make_interval(secs => :seconds::float8) LIMIT 1000) AS n);

-- name: open_alerts
-- How many alerts are open, by loudness, and how many of them nobody has taken.
SELECT loudness, count(*) AS open, count(*) FILTER (WHERE acknowledged_at IS NULL) AS untaken,
       extract(epoch FROM min(due_at) FILTER (WHERE acknowledged_at IS NULL))::float8 AS oldest_untaken
FROM alert WHERE loudness IN ('warned', 'breached') GROUP BY loudness;
