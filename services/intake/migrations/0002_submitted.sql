-- Events taken over HTTP: source and id are an event's identity, the hash tells a repetition from a conflict.
CREATE TABLE submitted (
    source       text NOT NULL,
    event_id     text NOT NULL,
    content_hash bytea NOT NULL CHECK (length(content_hash) = 32),
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (source, event_id)
);
