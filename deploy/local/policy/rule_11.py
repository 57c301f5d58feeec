"""Policy rule 11: training of new employees is the client's; the vendor's training is charged."""

from deploy.local.policy.appointment import agreed
from deploy.local.policy.stage import Stage, need
from deploy.local.policy.table import Shown, Story

_WANTED = "Queremos um treinamento para dois novos funcionários."


async def run(stage: Stage) -> Shown:
    """Ask for a training, and agree a day."""
    opened = (await stage.contact("karla@acme.example", "Treinamento da equipe", _WANTED)).opened
    need(opened.data.service == "training", f"intake: a training became {opened.data.service}")
    clocks = await agreed(stage, opened.subject)
    charged = clocks[0].data.ticket.chargeable
    need(charged == "yes", f"sla_timer: a training is chargeable: {charged}")
    return Shown(
        [
            f"A training became ticket {opened.subject} of service training, chargeable: {charged}. Its scheduling clock ran"
            " until a day was agreed at the desk page; the action clock counts from that day on."
        ],
        [opened, *clocks],
    )


STORY = Story(11, "The vendor's training is charged and scheduled", run)
