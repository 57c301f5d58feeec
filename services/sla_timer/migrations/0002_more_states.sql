-- A clock may wait for an appointment and be exempted; one of its own watches that an appointment is made.
ALTER TABLE clock DROP CONSTRAINT clock_metric_check, DROP CONSTRAINT clock_state_check, DROP CONSTRAINT clock_verdict_check;
ALTER TABLE clock ADD CHECK (metric IN ('response', 'action', 'scheduling')),
    ADD CHECK (state IN ('pending', 'running', 'paused', 'done')),
    ADD CHECK (verdict IN ('open', 'breached', 'met', 'closed_late', 'cancelled', 'exempted'));
