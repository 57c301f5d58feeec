-- name: next_protocol$
-- The next number of the day-prefixed protocol.
SELECT nextval('protocol');

-- name: contact_ref$
-- The opaque id of an address.
INSERT INTO contact (address) VALUES (:address)
ON CONFLICT (address) DO UPDATE SET address = excluded.address RETURNING contact_ref::text;

-- name: save_opened!
-- The ticket as its opening says; where it is known already (a repetition), nothing changes.
INSERT INTO ticket (ticket_id, opened_at, channel, service, priority, title, client_id, contact_ref, coverage)
VALUES (:ticket_id, :opened_at::timestamptz, :channel, :service, :priority, :title, :client_id, :contact_ref, :coverage)
ON CONFLICT DO NOTHING;
