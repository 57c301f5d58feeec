-- name: lock_tickets!
-- Let one transaction at a time fold the events of a ticket; :ticket_ids sorted, so that nobody waits in a circle.
SELECT pg_advisory_xact_lock(hashtextextended(one, 1)) FROM unnest(:ticket_ids::text[]) AS one;

-- name: add_happenings
-- Keep events as they came, each once; returns those that are new.
INSERT INTO happening (ticket_id, source, event_id, type, at, body)
SELECT * FROM unnest(:ticket_ids::text[], :sources::text[], :event_ids::text[], :types::text[], :ats::timestamptz[],
    :bodies::bytea[])
ON CONFLICT DO NOTHING RETURNING ticket_id, source, event_id;

-- name: happenings_of
-- Every event of some tickets.
SELECT ticket_id, source, event_id, type, at, body FROM happening WHERE ticket_id = ANY(:ticket_ids::text[]);

-- name: last_happenings_of
-- The latest events of a ticket, latest first.
SELECT ticket_id, source, event_id, type, at, body FROM happening
WHERE ticket_id = :ticket_id ORDER BY at DESC, source, event_id LIMIT :at_most::int;

-- name: opening_of^
-- The event that opened a ticket.
SELECT body FROM happening WHERE ticket_id = :ticket_id AND type = 'ticket.opened' ORDER BY at, source, event_id LIMIT 1;

-- name: is_known$
-- Whether an event is here already.
SELECT EXISTS (
    SELECT 1 FROM happening WHERE ticket_id = :ticket_id AND source = :source AND event_id = :event_id);

-- name: tickets_of
-- Some tickets as they were folded last.
SELECT ticket_id, opened_at, channel, service, title, priority, client_id, contact_ref, coverage, scope, emergency,
    assignee, state, merged_into, pauses, responded_at, scheduled_at, closed_at
FROM ticket WHERE ticket_id = ANY(:ticket_ids::text[]);

-- name: save_tickets!
-- The tickets as they are folded now; pauses are joined by commas.
INSERT INTO ticket (ticket_id, opened_at, channel, service, title, priority, client_id, contact_ref, coverage, scope,
    emergency, assignee, state, merged_into, responded_at, scheduled_at, closed_at, pauses)
SELECT t.ticket_id, t.opened_at, t.channel, t.service, t.title, t.priority, t.client_id, t.contact_ref, t.coverage,
    t.scope, t.emergency, t.assignee, t.state, t.merged_into, t.responded_at, t.scheduled_at, t.closed_at,
    string_to_array(t.pauses, ',')
FROM unnest(:ticket_id::text[], :opened_at::timestamptz[], :channel::text[], :service::text[], :title::text[],
    :priority::text[], :client_id::text[], :contact_ref::text[], :coverage::text[], :scope::text[], :emergency::bool[],
    :assignee::text[], :state::text[], :merged_into::text[], :responded_at::timestamptz[], :scheduled_at::timestamptz[],
    :closed_at::timestamptz[], :pauses::text[])
    AS t (ticket_id, opened_at, channel, service, title, priority, client_id, contact_ref, coverage, scope, emergency,
    assignee, state, merged_into, responded_at, scheduled_at, closed_at, pauses)
ON CONFLICT (ticket_id) DO UPDATE SET
    opened_at = excluded.opened_at, channel = excluded.channel, service = excluded.service, title = excluded.title,
    priority = excluded.priority, client_id = excluded.client_id, contact_ref = excluded.contact_ref,
    coverage = excluded.coverage, scope = excluded.scope, emergency = excluded.emergency, assignee = excluded.assignee,
    state = excluded.state, merged_into = excluded.merged_into, pauses = excluded.pauses,
    responded_at = excluded.responded_at, scheduled_at = excluded.scheduled_at, closed_at = excluded.closed_at,
    kept = true;

-- name: clocks_of
-- Every clock of some tickets.
SELECT ticket_id, metric, cycle, state, counts_from, due_at, target_seconds, remaining_seconds, sequence FROM clock
WHERE ticket_id = ANY(:ticket_ids::text[]) ORDER BY ticket_id, cycle DESC, metric DESC;

-- name: save_clocks!
-- The clocks as they were told last; an older word never replaces a newer one.
INSERT INTO clock (ticket_id, metric, cycle, state, counts_from, due_at, target_seconds, remaining_seconds, sequence)
SELECT * FROM unnest(:ticket_id::text[], :metric::text[], :cycle::int[], :state::text[], :counts_from::timestamptz[],
    :due_at::timestamptz[], :target_seconds::bigint[], :remaining_seconds::bigint[], :sequence::bigint[])
ON CONFLICT (ticket_id, metric, cycle) DO UPDATE SET
    state = excluded.state, counts_from = excluded.counts_from, due_at = excluded.due_at,
    target_seconds = excluded.target_seconds, remaining_seconds = excluded.remaining_seconds,
    sequence = excluded.sequence
WHERE clock.sequence < excluded.sequence;

-- name: forget_closed$
-- Forget events and clocks of tickets that were closed before an instant; the tickets stay. Returns how many tickets.
WITH old AS (
    UPDATE ticket SET kept = false WHERE ticket_id IN (
        SELECT ticket_id FROM ticket WHERE closed_at < :before::timestamptz AND kept
        ORDER BY closed_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED)
    RETURNING ticket_id),
events AS (DELETE FROM happening USING old WHERE happening.ticket_id = old.ticket_id),
clocks AS (DELETE FROM clock USING old WHERE clock.ticket_id = old.ticket_id)
SELECT count(*) FROM old;

-- name: open_contacts
-- Open tickets, worst first: breached, then the next deadline, then what waits. Of a flood only the worst one, with the
-- number of tickets in it; of one group (:flood) all.
WITH found AS (
    SELECT t.ticket_id, t.opened_at, t.channel, t.service, t.title, t.priority, t.client_id, t.assignee, t.pauses,
        t.emergency, t.state, t.scope, t.responded_at, coalesce(t.flood_of, t.ticket_id) AS flood,
        coalesce(worst.late, false) AS late, worst.due_at, worst.left_seconds
    FROM ticket AS t LEFT JOIN LATERAL (
        SELECT bool_or(c.state = 'breached' OR c.due_at <= :now::timestamptz) AS late, min(c.due_at) AS due_at,
            min(c.remaining_seconds) FILTER (WHERE c.state = 'paused') AS left_seconds
        FROM clock AS c WHERE c.ticket_id = t.ticket_id AND c.state IN ('running', 'paused', 'breached')) AS worst ON true
    WHERE t.state = 'open'
        AND (:client::text IS NULL OR t.client_id = :client)
        AND (:assignee::text IS NULL OR t.assignee = :assignee)
        AND (:flood::text IS NULL OR coalesce(t.flood_of, t.ticket_id) = :flood)
        AND (:words::text IS NULL OR strpos(lower(t.title), :words) > 0 OR strpos(lower(t.ticket_id), :words) > 0
            OR strpos(lower(t.client_id), :words) > 0)),
ranked AS (
    SELECT found.*, count(*) OVER (PARTITION BY flood) AS alike,
        row_number() OVER (PARTITION BY flood ORDER BY late DESC, due_at NULLS LAST, left_seconds NULLS LAST, opened_at, ticket_id) AS place
    FROM found)
SELECT ticket_id, opened_at, channel, service, title, priority, client_id, assignee, pauses, emergency, state, scope,
    responded_at, flood, alike
FROM ranked WHERE place = 1 OR :flood::text IS NOT NULL
ORDER BY late DESC, due_at NULLS LAST, left_seconds NULLS LAST, opened_at, ticket_id
LIMIT :at_most::int OFFSET :skip::int;

-- name: closed_contacts
-- Closed tickets, the latest first.
SELECT t.ticket_id, t.opened_at, t.channel, t.service, t.title, t.priority, t.client_id, t.assignee, t.pauses,
    t.emergency, t.state, t.scope, t.responded_at, t.ticket_id AS flood, 1 AS alike
FROM ticket AS t
WHERE t.state <> 'open'
    AND (:client::text IS NULL OR t.client_id = :client)
    AND (:assignee::text IS NULL OR t.assignee = :assignee)
    AND (:words::text IS NULL OR strpos(lower(t.title), :words) > 0 OR strpos(lower(t.ticket_id), :words) > 0
        OR strpos(lower(t.client_id), :words) > 0)
ORDER BY t.closed_at DESC NULLS LAST, t.ticket_id
LIMIT :at_most::int OFFSET :skip::int;

-- name: messages_of
-- The messages of a ticket without their copies, latest first: of each no more than its first :bytes.
SELECT id, received_at, mailbox, envelope_from, became, substring(raw FROM 1 FOR :bytes::int) AS raw,
    octet_length(raw) AS size_bytes, erased_at IS NOT NULL AS erased
FROM message WHERE ticket_id = :ticket_id AND became IS DISTINCT FROM 'copy' ORDER BY id DESC LIMIT :at_most::int;

-- name: discarded_mail
-- Mail that opened no ticket, latest first: of each no more than its header.
SELECT id, received_at, mailbox, discarded, substring(raw FROM 1 FOR :bytes::int) AS head FROM message
WHERE discarded IS NOT NULL AND erased_at IS NULL AND (:reason::text IS NULL OR discarded = :reason)
ORDER BY received_at DESC, id DESC LIMIT :at_most::int OFFSET :skip::int;

-- name: open_discarded$
-- Give a discarded message back to the reader, which opens its ticket; returns its id, none where it is not discarded.
UPDATE message SET discarded = NULL, opened_by_hand = true WHERE id = :id::bigint AND discarded IS NOT NULL AND erased_at IS NULL
RETURNING id;

-- name: begin_session!
-- Somebody logged in.
INSERT INTO session (token_sha256, agent, credential, created_at, seen_at)
VALUES (:token_sha256::bytea, :agent, :credential::bytea, :now::timestamptz, :now::timestamptz);

-- name: session_of^
-- The session of a token.
SELECT agent, credential, created_at, seen_at FROM session WHERE token_sha256 = :token_sha256::bytea;

-- name: touch_session!
-- The session is in use.
UPDATE session SET seen_at = :now::timestamptz WHERE token_sha256 = :token_sha256::bytea AND seen_at < :now::timestamptz;

-- name: end_session!
-- Somebody logged out.
DELETE FROM session WHERE token_sha256 = :token_sha256::bytea;

-- name: forget_sessions$
-- Forget sessions that began before an instant; returns how many.
WITH gone AS (
    DELETE FROM session WHERE token_sha256 IN (
        SELECT token_sha256 FROM session WHERE created_at < :before::timestamptz
        ORDER BY created_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED)
    RETURNING 1)
SELECT count(*) FROM gone;
