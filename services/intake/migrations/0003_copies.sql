-- A Message-ID and the bytes tell that two mails are one. Without a Message-ID equal bytes are one mail only within a
-- few minutes (a retry); later they are a new contact.
ALTER TABLE message DROP CONSTRAINT message_mailbox_message_id_sha256_key;
CREATE UNIQUE INDEX message_once ON message (mailbox, message_id, sha256) WHERE message_id <> '';
CREATE INDEX message_copies ON message (mailbox, sha256, received_at) WHERE message_id = '';
