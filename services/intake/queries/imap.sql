-- name: lock_source$
-- Let one replica at a time empty a folder; the lock is the connection's, and ends when the pool has it back.
SELECT pg_try_advisory_lock(hashtextextended(current_schema() || '.imap.' || :source::text, 0));

-- name: stored_uids
-- Which of these UIDs are stored, and what the server said of their mails.
SELECT uid, internal_at, size_bytes FROM imap_message
WHERE source = :source AND uidvalidity = :uidvalidity::bigint AND uid = ANY(:uids::bigint[]);

-- name: is_known_mail$
-- Whether the same bytes of the same INTERNALDATE were stored under any UID.
SELECT EXISTS (
    SELECT 1 FROM imap_message
    WHERE mailbox = :mailbox AND sha256 = :sha256::bytea AND internal_at = :internal_at::timestamptz);

-- name: remember_uid$
-- The UID is stored; nothing comes back when it was already, with the same bytes.
INSERT INTO imap_message AS known (source, uidvalidity, uid, mailbox, sha256, internal_at, size_bytes)
VALUES (:source, :uidvalidity::bigint, :uid::bigint, :mailbox, :sha256::bytea, :internal_at::timestamptz, :size_bytes::bigint)
ON CONFLICT (source, uidvalidity, uid) DO UPDATE
SET mailbox = excluded.mailbox, sha256 = excluded.sha256, internal_at = excluded.internal_at,
    size_bytes = excluded.size_bytes
WHERE (known.sha256, known.internal_at) <> (excluded.sha256, excluded.internal_at)
RETURNING uid;

-- name: still_there!
-- Mails that are stored and lie in their folder all the same; noted once a day.
UPDATE imap_message SET there_at = :at::timestamptz
WHERE source = :source AND uidvalidity = :uidvalidity::bigint AND uid = ANY(:uids::bigint[])
    AND there_at < :at::timestamptz - interval '1 day';
