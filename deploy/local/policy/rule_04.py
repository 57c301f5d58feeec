"""Policy rule 4: remote access by Terminal Service, else by a link."""

from deploy.local.policy.stage import Stage, need
from deploy.local.policy.table import Shown, Story


async def run(stage: Stage) -> Shown:
    """Report a fault of a service that needs remote access, and ask a question, which does not."""
    fault = await stage.contact("elisa@acme.example", "Sistema travando na tela inicial", "O sistema está travando.")
    asked = await stage.contact("fabio@acme.example", "Dúvida de preenchimento", "Como preencher o campo de frete?")
    link = stage.said()["remote_access"]
    need(fault.opened.data.remote_access is True, "intake: the ticket does not say remote_access")
    need(link in fault.answer, f"intake: the answer does not give the link {link}")
    need("Terminal Service" in fault.answer, "intake: the answer does not name the Terminal Service")
    need(not asked.opened.data.remote_access, "intake: a question is said to need remote access")
    need(link not in asked.answer, "intake: the answer to a question gives the remote access link")
    return Shown(
        [
            f"The ticket of a fault ({fault.opened.data.service}) says remote_access, and its answer names the Terminal"
            f" Service and gives {link}; that of a question ({asked.opened.data.service}) does neither."
        ],
        [fault.opened, asked.opened],
    )


STORY = Story(4, "The link for remote access comes with the answer where the service needs it", run)
