"""Policy rule 13: all users should be registered; who is not is asked to, and their share is a metric."""

from deploy.local.policy.stage import Stage, need
from deploy.local.policy.table import Shown, Story


async def run(stage: Stage) -> Shown:
    """Write as a contact whom nobody knows, and as one of a client's people."""
    stranger = await stage.contact("ivo@unknown.example", "Preciso de ajuda", "Não consigo entrar no sistema.")
    known = await stage.contact("joana@acme.example", "Preciso de ajuda também", "Não consigo entrar no sistema.")
    link = stage.said()["registration"]
    need(stranger.opened.data.contact_registered is False, "intake: the ticket does not say contact_registered: false")
    need(known.opened.data.contact_registered is True, "intake: a client's contact is not said to be registered")
    need(f"{link}" in stranger.answer, f"intake: the answer does not give the registration link {link}")
    need(link not in known.answer, "intake: a registered contact is asked to register")
    yes, no = [
        await stage.metric("intake", f'prazo_intake_contacts_total{{registered="{word}"}}') for word in ("yes", "no")
    ]
    need(no >= 1 and yes >= 1, "intake: prazo_intake_contacts_total counts no unregistered contact")
    return Shown(
        [
            f"The ticket of an unknown contact says contact_registered: false and its answer gives {link}; that of a"
            " client's contact says true and gives none.",
            f"prazo_intake_contacts_total: {no:.0f} of {yes + no:.0f} contacts so far are not registered.",
        ],
        [stranger.opened, known.opened],
    )


STORY = Story(13, "An unknown contact gets the registration link, and is counted", run)
