-- Every answered call can be completed by a form, also one that has its ticket already (in the emergency window).
DROP INDEX call_to_complete;
CREATE INDEX call_to_complete ON call (entered_at) WHERE decision = 'answered' AND client_by IS DISTINCT FROM 'form';

-- A form that tells of a call of an exchange is no call of its own.
CREATE OR REPLACE VIEW report_calls AS
SELECT pbx, coalesce(decision, 'open') AS decision, count(*) AS calls_today,
       count(*) FILTER (WHERE decision = 'answered' AND ticket_id IS NULL) AS without_ticket
FROM call WHERE heard_at >= date_trunc('day', now()) AND NOT (pbx = 'form' AND decision IS NULL)
GROUP BY pbx, coalesce(decision, 'open');
