-- name: hear_call!
-- A call is known from the first word of it; every word makes it due for a decision.
INSERT INTO call (pbx, call_id, channel, heard_at, look_at, ended)
VALUES (:pbx, :call_id, nullif(:channel, ''), :received_at::timestamptz, :received_at, :ended)
ON CONFLICT (pbx, call_id) DO UPDATE SET
    look_at = least(call.look_at, excluded.look_at), ended = call.ended OR excluded.ended,
    channel = coalesce(call.channel, excluded.channel);

-- name: save_call_event!
-- A word of a call, once; of one kind the first 16: a PBX that repeats itself with ever other instants fills no disk.
INSERT INTO call_event (pbx, call_id, kind, at, received_at, number, trunk, queue, agent, cause, protocol)
SELECT :pbx::text, :call_id::text, :kind::text, :at::timestamptz, :received_at::timestamptz, :number::text, :trunk::text,
    :queue::text, :agent::text, :cause::text, :protocol::text
WHERE (SELECT count(*) FROM call_event WHERE pbx = :pbx AND call_id = :call_id AND kind = :kind) < 16
ON CONFLICT DO NOTHING;

-- name: due_calls
-- The calls to decide of, those that were due first.
SELECT pbx, call_id, attempts FROM call WHERE look_at <= :now::timestamptz ORDER BY look_at LIMIT :at_most::int;

-- name: begin_call_attempt!
-- Count an attempt and look again later, durably: a call that cannot be decided stops nobody and is not lost.
UPDATE call SET attempts = attempts + 1, look_at = :look_at::timestamptz WHERE pbx = :pbx AND call_id = :call_id;

-- name: lock_calls^
-- One decision at a time: two calls of one number never open a ticket each.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.calls', 0));

-- name: claim_call^
-- A call to decide of, locked until the transaction ends.
SELECT decision, ticket_id, responded, number, client_id FROM call
WHERE pbx = :pbx AND call_id = :call_id FOR UPDATE;

-- name: events_of_call
-- All that was heard of a call.
SELECT kind, at, received_at, number, trunk, queue, agent, cause, protocol FROM call_event
WHERE pbx = :pbx AND call_id = :call_id;

-- name: postpone_call!
-- Nothing is to be decided before an instant, or ever (null), unless something more is heard.
UPDATE call SET look_at = :look_at::timestamptz, attempts = 0 WHERE pbx = :pbx AND call_id = :call_id;

-- name: settle_call!
-- What became of a call.
UPDATE call SET decision = :decision::text, emergency = :emergency::boolean, entered_at = :entered_at::timestamptz,
    number = :number, client_id = coalesce(client_id, :client_id), client_by = coalesce(client_by, :client_by::text),
    agent = coalesce(agent, :agent), ticket_id = :ticket_id,
    responded = :responded::boolean, look_at = NULL, attempts = 0
WHERE pbx = :pbx AND call_id = :call_id;

-- name: answer_call!
-- A missed call was answered after all, as a late word said.
UPDATE call SET responded = true, agent = :agent, look_at = NULL, attempts = 0 WHERE pbx = :pbx AND call_id = :call_id;

-- name: contact_of_number^
-- The opaque id of a telephone number, and the client that it is registered for.
INSERT INTO contact_number AS known (number, seen_at) VALUES (:number, :seen_at::timestamptz)
ON CONFLICT (number) DO UPDATE SET seen_at = greatest(known.seen_at, excluded.seen_at) RETURNING contact_ref::text, client_id;

-- name: tickets_of_caller
-- Open tickets that a call may be about: of the protocol number given, of the number, of the client; the surest first.
SELECT found.ticket_id, found.opened_at, greatest(found.opened_at, last_call.entered_at) AS called_at, found.channel, found.service,
    found.emergency, found.responded_at IS NOT NULL AS responded, found.ticket_id = :protocol AS named,
    coalesce(found.contact_ref = :contact_ref, false) AS same_number
FROM (
    SELECT ticket_id, opened_at, channel, service, emergency, responded_at, contact_ref FROM ticket WHERE ticket_id = :protocol AND state = 'open'
    UNION SELECT ticket_id, opened_at, channel, service, emergency, responded_at, contact_ref FROM ticket WHERE contact_ref = :contact_ref AND state = 'open'
    UNION SELECT ticket_id, opened_at, channel, service, emergency, responded_at, contact_ref FROM ticket WHERE client_id = :client_id AND state = 'open') AS found
LEFT JOIN LATERAL (SELECT max(entered_at) AS entered_at FROM call WHERE call.ticket_id = found.ticket_id) AS last_call ON true
ORDER BY named DESC, same_number DESC, called_at DESC LIMIT 200;

-- name: call_of_form$
-- Take a form's id: true for the first time it comes.
INSERT INTO call (pbx, call_id, heard_at) VALUES (:pbx, :call_id, :at::timestamptz) ON CONFLICT DO NOTHING RETURNING true;

-- name: ticket_of_call^
-- The ticket of a call, if it has one, and when the caller entered, as far as that is known yet.
SELECT ticket_id, coalesce(entered_at, heard_at) AS entered_at, number, responded FROM call WHERE pbx = :pbx AND call_id = :call_id FOR UPDATE;

-- name: complete_call!
-- A form said what a call was about; what the exchange said of it stays. :decision: of a call that only the form knows.
UPDATE call SET ticket_id = :ticket_id, client_id = coalesce(:client_id, client_id), client_by = 'form', agent = :agent,
    number = coalesce(number, :number), entered_at = coalesce(entered_at, :entered_at::timestamptz),
    decision = coalesce(decision, :decision), responded = responded OR :decision::text IS NOT NULL
WHERE pbx = :pbx AND call_id = :call_id;

-- name: calls_to_complete
-- Answered calls that no form tells of yet, with the ticket that they have already, if any; the newest first.
SELECT pbx, call_id, entered_at, number, client_id, agent, ticket_id FROM call
WHERE decision = 'answered' AND client_by IS DISTINCT FROM 'form' AND entered_at >= :since::timestamptz
ORDER BY entered_at DESC LIMIT :at_most::int;

-- name: calls_of_ticket
-- The calls about a ticket, oldest first.
SELECT pbx, call_id, entered_at, number, decision, agent FROM call
WHERE ticket_id = :ticket_id AND entered_at IS NOT NULL ORDER BY entered_at LIMIT :at_most::int;

-- name: recent_calls
-- The calls of an exchange by the caller's channel; those that have no end yet are open.
SELECT call_id, coalesce(channel, call_id) AS channel, NOT ended AS open, EXISTS (
    SELECT FROM call_event WHERE call_event.pbx = call.pbx AND call_event.call_id = call.call_id AND kind = 'outgoing')
    AS outgoing FROM call
WHERE pbx = :pbx AND heard_at >= :since::timestamptz ORDER BY heard_at DESC LIMIT :at_most::int;

-- name: last_heard$
-- When an exchange was last heard of.
SELECT max(heard_at) FROM call WHERE pbx = :pbx;

-- name: sign_call$
-- Take a signature; false for one that was taken before.
INSERT INTO call_signature (signature, received_at) VALUES (:signature, :received_at::timestamptz)
ON CONFLICT DO NOTHING RETURNING true;

-- name: forget_signatures$
-- Forget the oldest signatures taken before an instant, none of which would be valid again; returns how many.
WITH gone AS (
    DELETE FROM call_signature WHERE signature IN (
        SELECT signature FROM call_signature WHERE received_at < :before::timestamptz
        ORDER BY received_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED)
    RETURNING 1)
SELECT count(*) FROM gone;
