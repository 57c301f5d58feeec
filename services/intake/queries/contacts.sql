-- name: lock_contacts!
-- Let one import at a time change who is registered.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.contacts', 0));

-- name: registered_addresses
-- What is known of some addresses.
SELECT address AS contact, client_id, registered_at FROM contact WHERE address = ANY(:contacts::text[]);

-- name: registered_numbers
-- What is known of some telephone numbers.
SELECT number AS contact, client_id, registered_at FROM contact_number WHERE number = ANY(:contacts::text[]);

-- name: register_addresses!
-- Register addresses for clients; the opaque id of one that is known stays.
INSERT INTO contact (address, client_id, registered_at)
SELECT * FROM unnest(:contacts::text[], :client_ids::text[], :registered_ats::timestamptz[])
ON CONFLICT (address) DO UPDATE SET client_id = excluded.client_id, registered_at = excluded.registered_at;

-- name: register_numbers!
-- Register telephone numbers for clients; the opaque id of one that is known stays.
INSERT INTO contact_number (number, client_id, registered_at)
SELECT * FROM unnest(:contacts::text[], :client_ids::text[], :registered_ats::timestamptz[])
ON CONFLICT (number) DO UPDATE SET client_id = excluded.client_id, registered_at = excluded.registered_at;
