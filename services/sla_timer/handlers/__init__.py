"""The ways in: events (``ingest``), time (``fire_due``), and another judgement (``reassess``).

Each: lock → decide → record, in one transaction.
"""

from services.sla_timer.handlers.fire import FIRED_AT_ONCE as FIRED_AT_ONCE
from services.sla_timer.handlers.fire import fire_due as fire_due
from services.sla_timer.handlers.ingest import ingest as ingest
from services.sla_timer.handlers.judge import Timer as Timer
from services.sla_timer.handlers.reassess import reassess as reassess
