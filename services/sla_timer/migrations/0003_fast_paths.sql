-- Two records of one identity are compared by their bodies, which is rarely needed; nothing is hashed on the way in.
ALTER TABLE journal DROP COLUMN content_hash;

-- Room for updates within the page: a ticket's sequence moves with every event of it.
ALTER TABLE ticket SET (fillfactor = 70);
ALTER TABLE clock SET (fillfactor = 80);
