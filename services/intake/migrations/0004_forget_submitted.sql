-- The identity of an event taken over HTTP is forgotten after 30 days, oldest first.
CREATE INDEX submitted_by_age ON submitted (received_at);
