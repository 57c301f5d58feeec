-- name: erase_mails$
-- Erase the content of the oldest mails received before an instant: raw mail with its attachments, and the envelope. Never
-- of one that is still to be read, or whose answer still waits. Returns how many.
WITH gone AS (
    UPDATE message SET raw = '', envelope_from = NULL, erased_at = statement_timestamp() WHERE id IN (
        SELECT id FROM message
        WHERE erased_at IS NULL AND received_at < :before::timestamptz AND (ticket_id IS NOT NULL OR discarded IS NOT NULL)
            AND NOT EXISTS (SELECT FROM reply WHERE reply.message = message.id AND reply.state = 'waiting')
        ORDER BY received_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED)
    RETURNING 1)
SELECT count(*) FROM gone;

-- name: forget_threads$
-- Forget what was left of erased mails whose threads take no mail any more: what was discarded has none; a ticket's has
-- ended when it, and the one that it was merged into, was closed before an instant. Returns how many.
WITH gone AS (
    DELETE FROM message WHERE id IN (
        SELECT m.id FROM message AS m LEFT JOIN ticket AS t USING (ticket_id)
        LEFT JOIN ticket AS other ON other.ticket_id = t.merged_into
        WHERE m.erased_at IS NOT NULL
            AND (t.ticket_id IS NULL OR t.state <> 'open' AND t.closed_at < :before::timestamptz)
            AND (other.ticket_id IS NULL OR other.state <> 'open' AND other.closed_at < :before::timestamptz)
        ORDER BY m.erased_at LIMIT :at_most::int FOR UPDATE OF m SKIP LOCKED)
    RETURNING 1)
SELECT count(*) FROM gone;

-- name: forget_replies$
-- Forget automatic answers that were settled before an instant; returns how many.
WITH gone AS (
    DELETE FROM reply WHERE id IN (
        SELECT id FROM reply WHERE state <> 'waiting' AND settled_at < :before::timestamptz
        ORDER BY settled_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED)
    RETURNING 1)
SELECT count(*) FROM gone;

-- name: forget_calls$
-- Forget calls heard of before an instant, with all that was heard of them, unless something is still to be decided of
-- one; returns how many.
WITH gone AS (
    DELETE FROM call WHERE (pbx, call_id) IN (
        SELECT pbx, call_id FROM call WHERE look_at IS NULL AND heard_at < :before::timestamptz
        ORDER BY heard_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED)
    RETURNING 1)
SELECT count(*) FROM gone;

-- name: forget_mail_places$
-- Forget under which UIDs mails were taken that were last seen in their folder before an instant; returns how many.
WITH gone AS (
    DELETE FROM imap_message WHERE (source, uidvalidity, uid) IN (
        SELECT source, uidvalidity, uid FROM imap_message WHERE there_at < :before::timestamptz
        ORDER BY there_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED)
    RETURNING 1)
SELECT count(*) FROM gone;

-- name: forget_addresses$
-- Forget addresses that are not registered, last seen before an instant, with no open ticket and no answer that waits;
-- returns how many.
WITH gone AS (
    DELETE FROM contact WHERE contact_ref IN (
        SELECT contact_ref FROM contact AS c WHERE client_id IS NULL AND seen_at < :before::timestamptz
            AND NOT EXISTS (SELECT FROM ticket AS t WHERE t.contact_ref = c.contact_ref::text AND t.state = 'open')
            AND NOT EXISTS (SELECT FROM reply AS r WHERE r.contact_ref = c.contact_ref AND r.state = 'waiting')
        ORDER BY seen_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED)
    RETURNING 1)
SELECT count(*) FROM gone;

-- name: forget_numbers$
-- Forget telephone numbers that are not registered, last seen before an instant, with no open ticket; returns how many.
WITH gone AS (
    DELETE FROM contact_number WHERE contact_ref IN (
        SELECT contact_ref FROM contact_number AS c WHERE client_id IS NULL AND seen_at < :before::timestamptz
            AND NOT EXISTS (SELECT FROM ticket AS t WHERE t.contact_ref = c.contact_ref::text AND t.state = 'open')
        ORDER BY seen_at LIMIT :at_most::int FOR UPDATE SKIP LOCKED)
    RETURNING 1)
SELECT count(*) FROM gone;
