-- name: close_due!
-- No alert joins a page that is due any more. Committed before its notice is claimed, while nothing else is held: who adds
-- an alert holds the page, so what was added is seen by the claim, and what comes later opens another page.
UPDATE page SET closed_at = statement_timestamp() WHERE page_no IN (
    SELECT page_no FROM page p WHERE gathers AND closed_at IS NULL AND EXISTS (
        SELECT FROM notice n WHERE n.page_no = p.page_no AND n.channel = :channel AND n.state IN ('planned', 'sending')
          AND n.next_at <= statement_timestamp())
    ORDER BY page_no FOR UPDATE);

-- name: claim
-- Take what is due on a channel; a lease that ended means that the outcome of that attempt is unknown.
WITH due AS (
    SELECT n.notice_no, n.state = 'sending' AS lost FROM notice n JOIN page p USING (page_no)
    WHERE n.channel = :channel AND n.state IN ('planned', 'sending') AND n.next_at <= statement_timestamp()
      AND (p.closed_at IS NOT NULL OR NOT p.gathers)
    ORDER BY n.next_at LIMIT :at_most::int FOR UPDATE OF n SKIP LOCKED
)
UPDATE notice n SET state = 'sending', attempt = n.attempt + 1, doubtful = n.doubtful OR due.lost,
    next_at = statement_timestamp() + :lease::interval
FROM due JOIN notice o USING (notice_no) JOIN page p ON p.page_no = o.page_no WHERE n.notice_no = due.notice_no
RETURNING n.notice_no, n.notice_id, n.page_no, n.person, n.channel, n.nth, n.rank, n.attempt, n.doubtful, n.content, n.due_at,
    due.lost, p.word, p.emergency, p.gathers, p.thread, p.opened_at, statement_timestamp() AS now;

-- name: members
-- The alerts of claimed pages as they stand: the second look. Shared with other looks, closed to whoever changes them.
SELECT p.page_no, p.telling AS told, p.alert_id, a.ticket_id, a.metric, a.cycle, a.loudness, a.suspended, a.ended_as, a.telling,
       a.threshold, a.acknowledged_by, a.acknowledged_at, a.promised_until, a.broken_by, a.due_at, s.round, s.position
FROM page_alert p JOIN alert a USING (alert_id) LEFT JOIN step s USING (step_id)
WHERE p.page_no = ANY(:page_nos::bigint[]) ORDER BY a.alert_id FOR SHARE OF a;

-- name: close_pages!
-- No alert joins a page that was moved on from.
UPDATE page SET closed_at = :now::timestamptz WHERE page_no = ANY(:page_nos::bigint[]) AND closed_at IS NULL;

-- name: events_of
-- The last events of alerts.
SELECT alert_id, event FROM alert WHERE alert_id = ANY(:alert_ids::bigint[]);

-- name: suppress!
-- Claimed notices of which nothing is wanted any more: no attempt was made.
UPDATE notice SET state = 'suppressed', reason = u.reason, attempt = attempt - 1
FROM unnest(:notice_nos::bigint[], :reasons::text[]) AS u (notice_no, reason) WHERE notice.notice_no = u.notice_no;

-- name: put_back!
-- Claimed notices that must wait: no attempt was made.
UPDATE notice SET state = 'planned', attempt = attempt - 1, next_at = :next_at::timestamptz, reason = :reason
WHERE notice_no = ANY(:notice_nos::bigint[]);

-- name: keep_contents!
-- What is sent, so that a repetition is the same.
UPDATE notice SET content = u.content FROM unnest(:notice_nos::bigint[], :contents::bytea[]) AS u (notice_no, content)
WHERE notice.notice_no = u.notice_no;

-- name: sent_lately
-- How many attempts of each person's methods on a channel were made in the last minute.
SELECT person, nth, count(*) AS attempts FROM notice
WHERE channel = :channel AND person = ANY(:people::text[]) AND accepted_at > statement_timestamp() - interval '1 minute'
GROUP BY person, nth;

-- name: settle$
-- The result of an attempt, fenced by its number: only the attempt that holds the notice may say.
UPDATE notice SET state = :state, next_at = coalesce(:next_at::timestamptz, next_at), reason = :reason,
    provider_id = coalesce(:provider_id, provider_id), doubtful = doubtful OR :doubtful::boolean,
    accepted_at = CASE WHEN :state IN ('accepted', 'delivered') THEN statement_timestamp() END
WHERE notice_no = :notice_no::bigint AND attempt = :attempt::int AND state = 'sending'
RETURNING notice_no;

-- name: report$
-- What was learnt later of a notice that had been accepted: that it arrived, or that it did not.
UPDATE notice SET state = :state, reason = :reason
WHERE notice_no = :notice_no::bigint AND state = 'accepted' RETURNING notice_no;

-- name: notice_of_id^
SELECT notice_no, notice_id, page_no, person, channel, attempt FROM notice WHERE notice_id = :notice_id::uuid;

-- name: notice_of_provider^
SELECT notice_no, notice_id, page_no, person, channel, attempt FROM notice WHERE channel = :channel AND provider_id = :provider_id
ORDER BY notice_no DESC LIMIT 1;

-- name: keys_of_page
-- The alerts of a page, by what names them outside.
SELECT a.ticket_id, a.metric, a.cycle FROM page_alert p JOIN alert a USING (alert_id) WHERE p.page_no = :page_no::bigint
ORDER BY a.alert_id;

-- name: impatient
-- Notices that nobody took within their patience (of a channel that is known to be dead: at once): the next method begins.
UPDATE notice SET moved_on = true WHERE notice_no IN (
    SELECT notice_no FROM notice WHERE state IN ('planned', 'sending') AND NOT moved_on AND due_at <= statement_timestamp()
      AND due_at <= statement_timestamp() - CASE WHEN channel = ANY(:dead::text[]) THEN interval '0' ELSE :patience::interval END
    ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING page_no;

-- name: hurry_methods!
-- Of pages that nobody was reached by so far, and where nothing is under way, the person's next method is due at once.
UPDATE notice SET next_at = statement_timestamp(), due_at = statement_timestamp() WHERE notice_no IN (
    SELECT DISTINCT ON (n.page_no) n.notice_no FROM notice n
    WHERE n.page_no = ANY(:page_nos::bigint[]) AND n.state = 'planned' AND n.attempt = 0 AND NOT n.quiet AND NOT n.moved_on
      AND NOT EXISTS (SELECT FROM notice r WHERE r.page_no = n.page_no
                      AND (r.state IN ('accepted', 'delivered')
                           OR (r.state IN ('planned', 'sending') AND NOT r.moved_on AND r.due_at <= statement_timestamp())))
    ORDER BY n.page_no, n.rank);

-- name: stranded
-- Of these pages those that reached nobody and will not, unless the person's hours begin or a late attempt succeeds.
SELECT p.page_no FROM unnest(:page_nos::bigint[]) AS p (page_no)
WHERE NOT EXISTS (SELECT FROM notice r WHERE r.page_no = p.page_no
                  AND (r.state IN ('accepted', 'delivered')
                       OR (r.state IN ('planned', 'sending') AND NOT r.moved_on AND NOT r.quiet)));

-- name: oldest_due
-- Age in seconds of the oldest notice that is due and not taken, of each channel.
SELECT c.channel, coalesce(extract(epoch FROM statement_timestamp() - n.next_at), 0)::float8 AS seconds
FROM unnest(:channels::text[]) AS c (channel) LEFT JOIN LATERAL (
    SELECT next_at FROM notice WHERE notice.channel = c.channel AND state IN ('planned', 'sending')
      AND next_at <= statement_timestamp() ORDER BY next_at LIMIT 1) AS n ON true;

-- name: revive_notices!
-- An acknowledgement was undone: what it kept from being sent is due now.
UPDATE notice SET state = 'planned', reason = NULL, next_at = greatest(due_at, :now::timestamptz)
WHERE state = 'suppressed' AND reason = 'acknowledged' AND page_no IN (
    SELECT page_no FROM page_alert WHERE alert_id = ANY(:alert_ids::bigint[]));

-- name: resume_notices!
-- The clock runs again: the warnings that its pause kept from being sent are due now.
UPDATE notice SET state = 'planned', reason = NULL, next_at = greatest(due_at, :now::timestamptz)
WHERE state = 'suppressed' AND reason = 'paused' AND page_no IN (
    SELECT page_no FROM page_alert WHERE alert_id = ANY(:alert_ids::bigint[]));

-- name: shown^
-- One notice with its page.
SELECT n.notice_no, n.notice_id, n.page_no, n.person, n.channel, p.word
FROM notice n JOIN page p USING (page_no) WHERE n.notice_no = :notice_no::bigint;

-- name: story
-- Who was told of one telling of an alert, by what, and what came of it: the newest messages that were no mere information,
-- oldest first.
SELECT notice_no, person, channel, state, reason, attempt, due_at, next_at, accepted_at
FROM (SELECT n.notice_no, n.person, n.channel, n.state, n.reason, n.attempt, n.due_at, n.next_at, n.accepted_at
      FROM page_alert pa JOIN page p USING (page_no) JOIN notice n USING (page_no)
      WHERE pa.alert_id = :alert_id::bigint AND pa.telling = :telling::int
        AND p.word IN ('warning', 'breached', 'finding', 'account') ORDER BY n.notice_no DESC LIMIT 100) AS newest
ORDER BY due_at, notice_no;

-- name: shown_alerts
-- The alerts of a page, worst first, as they stand; what is over or was told anew by another page comes last.
SELECT p.telling AS told, a.alert_id, a.ticket_id, a.metric, a.cycle, a.loudness, a.suspended, a.ended_as, a.telling, a.threshold,
       a.event, a.due_at, a.acknowledged_by, a.acknowledged_at, a.promised_until, a.broken_by
FROM page_alert p JOIN alert a USING (alert_id) WHERE p.page_no = :page_no::bigint
ORDER BY a.loudness = 'ended' OR p.telling < a.telling, a.due_at NULLS LAST, a.alert_id LIMIT :at_most::int OFFSET :offset::int;

-- name: steps_of_pages
-- Whom the steps of pages named, when the pages were opened; targets is null of what somebody passed on.
SELECT p.page_no, pa.alert_id, p.opened_at, s.targets
FROM page p JOIN page_alert pa USING (page_no) LEFT JOIN step s USING (step_id)
WHERE p.page_no = ANY(:page_nos::bigint[]) AND pa.alert_id = ANY(:alert_ids::bigint[]);

-- name: tally^
-- How the alerts of a page stand for a person. An alert is over for a page that told of an earlier telling.
SELECT count(*) AS total,
       count(*) FILTER (WHERE live AND acknowledged_by IS NULL) AS free,
       count(*) FILTER (WHERE live AND acknowledged_by = :person) AS mine,
       count(*) FILTER (WHERE live AND acknowledged_by <> :person) AS others,
       max(acknowledged_at) FILTER (WHERE live AND acknowledged_by = :person) AS taken_at,
       min(CASE WHEN loudness = 'warned' THEN least(promised_until, due_at) ELSE promised_until END)
           FILTER (WHERE live AND acknowledged_by = :person) AS yours_until,
       coalesce(bool_and(metric = 'action'), false) AS action,
       min(due_at) FILTER (WHERE live AND loudness = 'warned') AS next_due_at
FROM (SELECT a.metric, a.loudness, a.due_at, a.acknowledged_by, a.acknowledged_at, a.promised_until,
             a.loudness IN ('warned', 'breached') AND p.telling >= a.telling AS live
      FROM page_alert p JOIN alert a USING (alert_id) WHERE p.page_no = :page_no::bigint) AS alerts;

-- name: newer_notice$
-- The newest notice to a person of a newer telling of an alert.
SELECT n.notice_no FROM page_alert pa JOIN page p USING (page_no) JOIN notice n USING (page_no)
WHERE pa.alert_id = :alert_id::bigint AND pa.telling > :told::int AND p.person = :person
  AND p.word IN ('warning', 'breached', 'finding') ORDER BY n.notice_no DESC LIMIT 1;

-- name: told_since
-- Of these alerts those that a person was told of since :since.
SELECT DISTINCT pa.alert_id FROM page_alert pa JOIN page p USING (page_no)
WHERE pa.alert_id = ANY(:alert_ids::bigint[]) AND p.person = :person AND p.opened_at > :since::timestamptz
  AND p.word IN ('warning', 'breached');
