-- A clock may wait for an appointment and be exempted; one of its own watches that an appointment is made.
ALTER TABLE clock DROP CONSTRAINT clock_metric_check, DROP CONSTRAINT clock_state_check, DROP CONSTRAINT clock_verdict_check;
ALTER TABLE clock ADD CHECK (metric IN ('response', 'action', 'scheduling')),
    ADD CHECK (state IN ('pending', 'running', 'paused', 'done')),
    ADD CHECK (verdict IN ('open', 'breached', 'met', 'closed_late', 'cancelled', 'exempted'));

-- Which judgement (engine, time zones, catalog versions in force) an open clock was last judged by: the newest one
-- judges anew what an older one has judged, what is due first, and only then may time speak of it.
CREATE TABLE judgement (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint text NOT NULL,
    engine      text NOT NULL,
    since       timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE clock ADD COLUMN judged_by integer NOT NULL DEFAULT 0;
CREATE INDEX clock_judged ON clock (judged_by, fire_at) WHERE verdict = 'open';

-- A version of the catalog is what it was when it was first loaded.
CREATE TABLE catalog_version (
    version   text PRIMARY KEY,
    content   text NOT NULL,     -- SHA-256 of the parsed file
    loaded_at timestamptz NOT NULL DEFAULT now()
);
