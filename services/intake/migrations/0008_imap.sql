-- Which mails of an IMAP folder are stored, by UID: the cursor, as a set, so that no order of arrival can skip one.
-- sha256 and internal_at tell a mail that got another UID (a folder made anew, a mail moved back) from a new one.
CREATE TABLE imap_message (
    source      text NOT NULL,
    uidvalidity bigint NOT NULL,
    uid         bigint NOT NULL,
    mailbox     text NOT NULL,
    sha256      bytea NOT NULL CHECK (length(sha256) = 32),
    internal_at timestamptz NOT NULL,
    size_bytes  bigint NOT NULL,
    PRIMARY KEY (source, uidvalidity, uid)
);
CREATE INDEX imap_message_copies ON imap_message (mailbox, sha256, internal_at);
