-- The delivery core anew: an alert's steps become pages to people, a page becomes one notice for each method of a person.
ALTER TABLE alert ADD COLUMN threshold text NOT NULL DEFAULT '';
ALTER TABLE alert ADD COLUMN due_at timestamptz;             -- of its clock; null while paused
ALTER TABLE alert ADD COLUMN promised_until timestamptz;
ALTER TABLE alert ADD COLUMN broken_by text;                 -- whose promise ended without an answer, of the last telling
CREATE INDEX alert_open ON alert (alert_id) WHERE loudness IN ('warned', 'breached');

-- What is to come of an alert. planned → done · suppressed (reason)
CREATE TABLE step (
    step_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id  bigint NOT NULL REFERENCES alert,
    telling   integer NOT NULL,
    act       text NOT NULL CHECK (act IN ('tell', 'again', 'release')),
    word      text NOT NULL CHECK (word IN ('warning', 'breached', 'started', 'account', 'finding')),
    threshold text NOT NULL DEFAULT '',
    round     integer NOT NULL DEFAULT 0,
    position  integer NOT NULL DEFAULT 0,
    targets   text[] NOT NULL DEFAULT '{}',
    by        text[] NOT NULL DEFAULT '{}',
    due_at    timestamptz NOT NULL,
    state     text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'done', 'suppressed')),
    reason    text,
    done_at   timestamptz,
    UNIQUE (alert_id, telling, act, word, threshold, round, position)
);
CREATE INDEX step_due ON step (due_at) WHERE state = 'planned';

-- What one person is told at once: one alert, or, of a storm, many. Alerts join a gathering page until it is closed.
CREATE TABLE page (
    page_no   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person    text NOT NULL,
    word      text NOT NULL CHECK (word IN ('warning', 'breached', 'acknowledged', 'all_clear', 'started', 'account', 'finding', 'test')),
    emergency boolean NOT NULL,
    route     text NOT NULL,                   -- the channels of its methods, in their order
    gathers   boolean NOT NULL,
    thread    text NOT NULL,                   -- what everything said of one matter has in common
    opened_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE INDEX page_of_person ON page (person, opened_at);
CREATE UNIQUE INDEX page_gathering ON page (person, word, emergency, route) WHERE gathers AND closed_at IS NULL;

CREATE TABLE page_alert (
    page_no  bigint NOT NULL REFERENCES page,
    alert_id bigint NOT NULL REFERENCES alert,
    telling  integer NOT NULL,
    step_id  bigint REFERENCES step,
    PRIMARY KEY (page_no, alert_id)
);
CREATE INDEX page_alert_of_alert ON page_alert (alert_id);
CREATE INDEX page_alert_of_step ON page_alert (step_id) WHERE step_id IS NOT NULL;

-- One message of a page: all its states stand in domain/notice.py.
CREATE TABLE notice (
    notice_no   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id   uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    page_no     bigint NOT NULL REFERENCES page,
    person      text NOT NULL,
    channel     text NOT NULL,
    nth         integer NOT NULL,            -- of the person's methods by this channel
    rank        integer NOT NULL,            -- in the order of the person's methods
    quiet       boolean NOT NULL DEFAULT false,  -- waits for the person's hours: nothing hurries it
    state       text NOT NULL DEFAULT 'planned'
        CHECK (state IN ('planned', 'sending', 'accepted', 'delivered', 'failed', 'suppressed')),
    due_at      timestamptz NOT NULL,        -- when it was first to go
    next_at     timestamptz NOT NULL,        -- planned: when it goes; sending: when its lease ends
    attempt     integer NOT NULL DEFAULT 0,
    doubtful    boolean NOT NULL DEFAULT false,  -- some attempt's outcome is unknown: the person may have been told
    moved_on    boolean NOT NULL DEFAULT false,  -- the next method or step was begun because of it
    content     bytea,                       -- rendered at the first claim, without its link's proof
    reason      text,
    provider_id text,
    accepted_at timestamptz,
    dropped_at  timestamptz                  -- a dead letter that somebody saw and closed
);
CREATE INDEX notice_next ON notice (channel, next_at) WHERE state IN ('planned', 'sending');
CREATE INDEX notice_waits ON notice (due_at) WHERE state IN ('planned', 'sending') AND NOT moved_on;
CREATE INDEX notice_accepted ON notice (channel, accepted_at) WHERE accepted_at IS NOT NULL;
CREATE INDEX notice_of_page ON notice (page_no);
CREATE INDEX notice_dead ON notice (notice_no) WHERE state = 'failed' AND dropped_at IS NULL;
CREATE INDEX notice_of_provider ON notice (channel, provider_id) WHERE provider_id IS NOT NULL;

-- A person's pages are opened one after another: the row is the lock.
CREATE TABLE person (person text PRIMARY KEY);

-- What stood in the old table: who was told, so that an all-clear finds them; what was to come is told anew, at once.
WITH told AS (
    SELECT d.delivery_id, d.alert_id, d.telling, d.person, d.word, d.state, d.accepted_at,
           row_number() OVER (ORDER BY d.delivery_id) AS n
    FROM delivery d JOIN alert a USING (alert_id)
    WHERE a.loudness IN ('warned', 'breached') AND d.person IS NOT NULL AND d.word IN ('warning', 'breached')
      AND (d.state IN ('accepted', 'sending') OR d.doubtful)
), paged AS (
    INSERT INTO page (person, word, emergency, route, gathers, thread, opened_at, closed_at)
    SELECT person, word, false, 'mail', false, 'alert.' || alert_id, coalesce(accepted_at, now()), now() FROM told ORDER BY n
    RETURNING page_no
), numbered AS (
    SELECT page_no, row_number() OVER (ORDER BY page_no) AS n FROM paged
), joined AS (
    INSERT INTO page_alert (page_no, alert_id, telling)
    SELECT p.page_no, t.alert_id, t.telling FROM numbered p JOIN told t USING (n)
)
INSERT INTO notice (notice_no, page_no, person, channel, nth, rank, state, due_at, next_at, attempt, accepted_at)
    OVERRIDING SYSTEM VALUE  -- the number stays what links of messages already sent prove
SELECT t.delivery_id, p.page_no, t.person, 'mail', 0, 0, 'accepted', now(), now(), 1, coalesce(t.accepted_at, now())
FROM numbered p JOIN told t USING (n);
INSERT INTO step (alert_id, telling, act, word, round, due_at)
SELECT alert_id, telling, 'again', 'breached', 1, now() FROM alert
WHERE loudness = 'breached' AND acknowledged_at IS NULL;
UPDATE alert SET promised_until = now() + interval '30 minutes' WHERE loudness = 'breached' AND acknowledged_at IS NOT NULL;
INSERT INTO step (alert_id, telling, act, word, round, due_at)
SELECT alert_id, telling, 'release', 'breached', 1, promised_until FROM alert
WHERE loudness = 'breached' AND acknowledged_at IS NOT NULL;

SELECT setval('notice_notice_no_seq', 1 + greatest((SELECT coalesce(max(delivery_id), 0) FROM delivery),
    (SELECT coalesce(max(notice_no), 0) FROM notice)));  -- a notice's public id is made of its number

DROP VIEW report_open_alerts;
DROP TABLE delivery;
CREATE VIEW report_open_alerts AS
SELECT a.ticket_id, a.metric, a.cycle, a.loudness, a.acknowledged_by, a.acknowledged_at, a.promised_until,
       (SELECT min(s.due_at) FROM step s WHERE s.alert_id = a.alert_id AND s.state = 'planned') AS next_at,
       (SELECT count(DISTINCT n.person) FROM page_alert p JOIN notice n USING (page_no)
        WHERE p.alert_id = a.alert_id AND n.state IN ('accepted', 'delivered')) AS told
FROM alert a WHERE a.loudness IN ('warned', 'breached');
