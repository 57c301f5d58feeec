-- A copy of which nothing could be read is still the same mail.
CREATE INDEX message_by_sha256 ON message (sha256, received_at) WHERE message_id = '';
