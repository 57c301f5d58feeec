-- Events that were decided but not yet published. One relay per bucket reads in order of id and deletes by id.
CREATE TABLE outbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bucket      smallint NOT NULL CHECK (bucket BETWEEN 0 AND 7),
    topic       text NOT NULL,
    key         bytea NOT NULL,
    body        bytea NOT NULL,
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    refused     text    -- why the broker will never take it; such a row is skipped and shown
);
CREATE INDEX outbox_in_order ON outbox (bucket, id) WHERE refused IS NULL;
