-- Which repetition of the policy's steps a delivery belongs to: a failure hurries the next step of its own round only.
ALTER TABLE delivery ADD COLUMN round integer NOT NULL DEFAULT 0;
