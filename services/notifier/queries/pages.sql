-- name: know_people!
INSERT INTO person (person) SELECT unnest(:people::text[]) ON CONFLICT DO NOTHING;

-- name: lock_people
-- One opener of pages for a person at a time; locked in order.
SELECT person FROM person WHERE person = ANY(:people::text[]) ORDER BY person FOR UPDATE;

-- name: recent_pages
-- How many pages of one alert a person was opened of each kind since :since.
SELECT person, word, count(*) AS pages FROM page
WHERE person = ANY(:people::text[]) AND opened_at > :since::timestamptz AND NOT gathers GROUP BY person, word;

-- name: last_gathering
-- When the last page that gathers was opened for a person, of each kind, since :since.
SELECT person, word, max(opened_at) AS opened_at FROM page
WHERE person = ANY(:people::text[]) AND opened_at > :since::timestamptz AND gathers GROUP BY person, word;

-- name: gathering
-- The pages that alerts may still join; locked, so that none is closed meanwhile.
SELECT page_no, person, word, emergency, route FROM page
WHERE person = ANY(:people::text[]) AND gathers AND closed_at IS NULL ORDER BY page_no FOR UPDATE;

-- name: page_numbers
SELECT nextval('page_page_no_seq') AS page_no FROM generate_series(1, :n::int);

-- name: notice_numbers
SELECT nextval('notice_notice_no_seq') AS notice_no FROM generate_series(1, :n::int);

-- name: open_pages!
INSERT INTO page (page_no, person, word, emergency, route, gathers, thread, opened_at) OVERRIDING SYSTEM VALUE
SELECT page_no, person, word, emergency, route, gathers, thread, :now::timestamptz
FROM unnest(:page_nos::bigint[], :people::text[], :words::text[], :emergencies::boolean[], :routes::text[], :gathers::boolean[], :threads::text[])
    AS u (page_no, person, word, emergency, route, gathers, thread);

-- name: join_pages!
-- An alert stands on a page once, with its newest telling.
INSERT INTO page_alert (page_no, alert_id, telling, step_id)
SELECT * FROM unnest(:page_nos::bigint[], :alert_ids::bigint[], :tellings::int[], :step_ids::bigint[])
ON CONFLICT (page_no, alert_id) DO UPDATE SET telling = excluded.telling, step_id = excluded.step_id;

-- name: plan_notices!
INSERT INTO notice (notice_no, notice_id, page_no, person, channel, nth, rank, quiet, due_at, next_at) OVERRIDING SYSTEM VALUE
SELECT notice_no, notice_id, page_no, person, channel, nth, rank, quiet, due_at, due_at
FROM unnest(:notice_nos::bigint[], :notice_ids::uuid[], :page_nos::bigint[], :people::text[], :channels::text[], :nths::int[],
    :ranks::int[], :quiet::boolean[], :due_at::timestamptz[])
    AS u (notice_no, notice_id, page_no, person, channel, nth, rank, quiet, due_at);

-- name: notices_of_pages
SELECT notice_no, notice_id, page_no, channel, due_at FROM notice WHERE page_no = ANY(:page_nos::bigint[]) ORDER BY notice_no;
