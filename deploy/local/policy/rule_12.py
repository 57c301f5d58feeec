"""Policy rule 12: one standard portrait DANFe layout; a custom one may be charged, and is quoted before the action."""

from deploy.local.policy.appointment import agreed
from deploy.local.policy.stage import Stage, need
from deploy.local.policy.table import Shown, Story

_WANTED = "Gostaríamos de um layout da DANFe com o nosso logotipo na lateral."


async def run(stage: Stage) -> Shown:
    """Ask for a custom layout, and agree when it is made."""
    opened = (await stage.contact("lia@acme.example", "DANFe personalizado", _WANTED)).opened
    need(opened.data.service == "danfe-layout", f"intake: a custom layout became {opened.data.service}")
    clocks = await agreed(stage, opened.subject)
    charged = clocks[0].data.ticket.chargeable
    need(charged == "maybe", f"sla_timer: a custom layout is chargeable: {charged}")
    return Shown(
        [
            f"A custom layout became ticket {opened.subject} of service danfe-layout, chargeable: {charged}. Until it is"
            " quoted and agreed its scheduling clock runs, and no action clock does."
        ],
        [opened, *clocks],
    )


STORY = Story(12, "A custom DANFe layout may be charged, and is agreed before the action", run)
