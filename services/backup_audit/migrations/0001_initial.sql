-- Every client is listed, so that nobody is simply missing from the board.
CREATE TABLE client (
    client_id      text PRIMARY KEY,
    name           text NOT NULL,
    modality       text NOT NULL,
    responsibility text NOT NULL CHECK (responsibility IN ('audited', 'vendor_managed', 'client_responsibility'))
);

-- How far each routine is judged. A removed routine keeps its row and is no longer claimed.
CREATE TABLE routine (
    client_id     text NOT NULL REFERENCES client,
    routine_id    text NOT NULL,
    active        boolean NOT NULL DEFAULT true,
    slot          timestamptz,
    said          text NOT NULL DEFAULT '',
    outage        bytea,               -- JSON, null while sound
    next_check_at timestamptz NOT NULL DEFAULT '-infinity',
    attempt       bigint NOT NULL DEFAULT 0,
    checked_at    timestamptz,
    PRIMARY KEY (client_id, routine_id)
);
CREATE INDEX routine_next ON routine (next_check_at) WHERE active;

CREATE VIEW report_routines AS
SELECT c.client_id, c.name, c.modality, c.responsibility, r.routine_id, r.slot, r.said AS verdict,
       r.outage IS NOT NULL AS failing, r.checked_at, r.next_check_at
FROM client c LEFT JOIN routine r ON r.client_id = c.client_id AND r.active;
