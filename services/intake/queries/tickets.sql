-- name: next_protocol$
-- The next number of the day-prefixed protocol.
SELECT nextval('protocol');

-- name: contact_of^
-- The opaque id of an address, and the client that it is registered for.
INSERT INTO contact AS known (address, seen_at) VALUES (:address, :seen_at::timestamptz)
ON CONFLICT (address) DO UPDATE SET seen_at = greatest(known.seen_at, excluded.seen_at) RETURNING contact_ref::text, client_id;

-- name: save_opened!
-- The ticket as its opening says; where it is known already (a repetition), nothing changes.
INSERT INTO ticket (ticket_id, opened_at, channel, service, priority, title, client_id, contact_ref, coverage, flood_of)
VALUES (:ticket_id, :opened_at::timestamptz, :channel, :service, :priority, :title, :client_id, :contact_ref, :coverage, :flood_of)
ON CONFLICT DO NOTHING;

-- name: flood_of^
-- The first ticket of a contact within a while, and how many there are.
SELECT count(*) AS tickets, coalesce(
    (array_agg(flood_of ORDER BY opened_at DESC, ticket_id DESC) FILTER (WHERE flood_of IS NOT NULL))[1],
    (array_agg(ticket_id ORDER BY opened_at, ticket_id))[1]) AS first
FROM (
    SELECT ticket_id, flood_of, opened_at FROM ticket
    WHERE contact_ref = :contact_ref AND opened_at > :since::timestamptz ORDER BY opened_at DESC, ticket_id DESC LIMIT :at_most::int) AS recent;

-- name: standing^
-- Where a ticket stands, after merges: what a mail about it needs to know.
WITH RECURSIVE way AS (
    SELECT ticket_id, state, merged_into, client_id, contact_ref, closed_at, 1 AS steps
    FROM ticket WHERE ticket_id = :ticket_id
    UNION ALL
    SELECT t.ticket_id, t.state, t.merged_into, t.client_id, t.contact_ref, t.closed_at, way.steps + 1
    FROM way JOIN ticket AS t ON t.ticket_id = way.merged_into WHERE way.state = 'merged' AND way.steps < 10)
SELECT ticket_id, state, client_id, contact_ref, closed_at FROM way ORDER BY steps DESC LIMIT 1;
