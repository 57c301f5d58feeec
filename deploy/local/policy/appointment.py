"""What services that are agreed beforehand have in common (policy rules 9, 11, 12)."""

from collections.abc import Sequence
from datetime import time
from typing import Any

from deploy.local.policy.days import DAY, at_desk, next_opening
from deploy.local.policy.stage import Stage, need
from shared.events import Event

_IN_A_FORTNIGHT, _AFTERNOON = 14 * DAY, time(14)


async def agreed(stage: Stage, ticket_id: str) -> Sequence[Event[Any]]:
    """Let a person agree an appointment; return what its clocks said.

    Raises ``Missing`` unless the scheduling clock ran until then, and the action clock counted from the appointment on.
    """
    scheduling = await stage.clock(ticket_id, "scheduling", "started")
    need(scheduling.data.due_at is not None, "sla_timer: the scheduling clock does not run")
    action = await stage.clock(ticket_id, "action", "started")
    need(action.data.due_at is None, "sla_timer: the action clock runs before there is an appointment")
    starts_at = at_desk(next_opening(stage.closed_on).date() + _IN_A_FORTNIGHT, _AFTERNOON)
    await stage.press(ticket_id, "scheduled", starts_at=f"{starts_at:%Y-%m-%dT%H:%M}")
    met = await stage.clock(ticket_id, "scheduling", "met")
    moved = await stage.clock(ticket_id, "action", "rescheduled")
    need(
        moved.data.due_at is not None and moved.data.due_at > starts_at,
        f"sla_timer: the action is due on {moved.data.due_at}, not after the appointment of {starts_at}",
    )
    return [scheduling, action, met, moved]
