-- When a replica last saw the broker come back after it had been away: the others, frozen or not yet started meanwhile,
-- give publishers the same time to deliver what they held.
CREATE TABLE broker_outage (
    topic    text PRIMARY KEY,
    ended_at timestamptz NOT NULL
);
