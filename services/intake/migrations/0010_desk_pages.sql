-- When a ticket was closed, and whether its events and clocks are still kept (they are forgotten long after).
ALTER TABLE ticket ADD COLUMN closed_at timestamptz, ADD COLUMN kept boolean NOT NULL DEFAULT true;
CREATE INDEX ticket_open ON ticket (opened_at) WHERE state = 'open';
CREATE INDEX ticket_closed ON ticket (closed_at) WHERE state <> 'open';
CREATE INDEX ticket_to_forget ON ticket (closed_at) WHERE closed_at IS NOT NULL AND kept;

-- A person asked for a ticket of what was discarded; the reader then opens one.
ALTER TABLE message ADD COLUMN opened_by_hand boolean NOT NULL DEFAULT false;

-- Who is logged in at the desk pages. The token is known to the browser only; credential tells that the password changed.
CREATE TABLE session (
    token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
    agent        text NOT NULL,
    credential   bytea NOT NULL CHECK (length(credential) = 32),
    created_at   timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL
);
CREATE INDEX session_by_age ON session (created_at);
