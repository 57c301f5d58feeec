-- name: alerts_of_ticket
-- Every alert of a ticket, as it stands.
SELECT a.alert_id, a.ticket_id, a.metric, a.cycle, a.loudness, a.suspended, a.ended_as, a.telling, a.threshold, a.event, a.due_at,
       a.acknowledged_by, a.acknowledged_at, a.promised_until, a.broken_by
FROM alert a WHERE a.ticket_id = :ticket_id ORDER BY a.metric, a.cycle;

-- name: alerts_of_notice
-- Every alert that a notice tells of, as it stands.
SELECT a.alert_id, a.ticket_id, a.metric, a.cycle, a.loudness, a.suspended, a.ended_as, a.telling, a.threshold, a.event, a.due_at,
       a.acknowledged_by, a.acknowledged_at, a.promised_until, a.broken_by
FROM notice n JOIN page_alert p USING (page_no) JOIN alert a USING (alert_id)
WHERE n.notice_id = :notice_id::uuid ORDER BY a.due_at NULLS LAST, a.alert_id LIMIT 1000;

-- name: steps_of
-- Every step of an alert, done, suppressed or to come.
SELECT telling, act, word, threshold, round, position, targets, by, due_at, state, reason, done_at
FROM step WHERE alert_id = :alert_id::bigint ORDER BY coalesce(done_at, due_at), step_id LIMIT 1000;

-- name: notices_of
-- Every notice that tells of an alert.
SELECT n.notice_id, pa.telling, n.person, n.channel, p.word, p.gathers, p.opened_at, n.state, n.reason, n.attempt, n.doubtful,
       n.quiet, n.moved_on, n.due_at, n.next_at, n.accepted_at, n.provider_id
FROM page_alert pa JOIN page p USING (page_no) JOIN notice n USING (page_no)
WHERE pa.alert_id = :alert_id::bigint ORDER BY n.due_at, n.notice_no LIMIT 1000;

-- name: dead_notices
-- Dead letters: notices that nobody will take any more, and that nobody has closed.
SELECT n.notice_id, n.person, n.channel, p.word, n.reason, n.attempt, n.doubtful, n.due_at, p.opened_at,
       (SELECT count(*) FROM page_alert pa WHERE pa.page_no = n.page_no) AS alerts,
       (SELECT a.ticket_id FROM page_alert pa JOIN alert a USING (alert_id) WHERE pa.page_no = n.page_no LIMIT 1) AS ticket_id
FROM notice n JOIN page p USING (page_no)
WHERE n.state = 'failed' AND n.dropped_at IS NULL ORDER BY n.notice_no LIMIT 10000;

-- name: replay_notices
-- Dead letters that are tried again, at once.
UPDATE notice SET state = 'planned', reason = NULL, moved_on = true, due_at = statement_timestamp(), next_at = statement_timestamp()
WHERE notice_id = ANY(:notice_ids::uuid[]) AND state = 'failed' RETURNING notice_id;

-- name: drop_notices
-- Dead letters that somebody saw and closes.
UPDATE notice SET dropped_at = statement_timestamp()
WHERE notice_id = ANY(:notice_ids::uuid[]) AND state = 'failed' AND dropped_at IS NULL RETURNING notice_id;

-- name: test_states
-- What became of a page's notices.
SELECT notice_id, channel, state, reason, attempt, provider_id FROM notice WHERE page_no = :page_no::bigint ORDER BY rank;
