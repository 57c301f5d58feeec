-- What became of a message that opens no ticket, and who sent it by the envelope ('' for the null sender of a bounce).
ALTER TABLE message ADD COLUMN envelope_from text, ADD COLUMN discarded text;
DROP INDEX message_unread;
CREATE INDEX message_unread ON message (id) WHERE ticket_id IS NULL AND discarded IS NULL;
CREATE INDEX message_discarded ON message (received_at) WHERE discarded IS NOT NULL;

CREATE OR REPLACE VIEW report_mailboxes AS
SELECT mailbox, count(*) FILTER (WHERE received_at >= date_trunc('day', now())) AS messages_today,
       max(received_at) AS last_received_at,
       coalesce(extract(epoch FROM now() - min(received_at) FILTER (WHERE ticket_id IS NULL AND discarded IS NULL)), 0)::bigint
           AS oldest_unread_seconds
FROM message GROUP BY mailbox;
