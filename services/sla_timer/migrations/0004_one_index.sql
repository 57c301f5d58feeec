-- What comes due, and what an older judgement has judged, in one order: a fired clock has one index entry less to write,
-- and a poll never walks over what is still to be judged anew.
DROP INDEX clock_due;
DROP INDEX clock_judged;
CREATE INDEX clock_ahead ON clock (judged_by, fire_at) WHERE fire_at IS NOT NULL OR verdict = 'open';
