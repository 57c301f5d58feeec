-- name: lock_source$
-- Let one replica at a time empty a folder; the lock is the connection's, and ends when the pool has it back.
SELECT pg_try_advisory_lock(hashtextextended(current_schema() || '.imap.' || :source::text, 0));

-- name: stored_uids
-- Which of these UIDs are stored.
SELECT uid FROM imap_message
WHERE source = :source AND uidvalidity = :uidvalidity::bigint AND uid = ANY(:uids::bigint[]);

-- name: is_known_mail$
-- Whether the same bytes of the same INTERNALDATE were stored under any UID.
SELECT EXISTS (
    SELECT 1 FROM imap_message
    WHERE mailbox = :mailbox AND sha256 = :sha256::bytea AND internal_at = :internal_at::timestamptz);

-- name: remember_uid$
-- The UID is stored; nothing comes back when it was already.
INSERT INTO imap_message (source, uidvalidity, uid, mailbox, sha256, internal_at, size_bytes)
VALUES (:source, :uidvalidity::bigint, :uid::bigint, :mailbox, :sha256::bytea, :internal_at::timestamptz, :size_bytes::bigint)
ON CONFLICT DO NOTHING RETURNING uid;
