"""Policy rule 7: the knowledge base is offered, by rejection code and by phrase."""

from deploy.local.policy.stage import Stage, need
from deploy.local.policy.table import Shown, Story

_BY_CODE, _BY_PHRASE = "/kb/rejeicao-204", "/kb/certificado"  # of the shipped routing.yaml


async def run(stage: Stage) -> Shown:
    """Report a rejection by its code, and an expired certificate in words."""
    code = await stage.contact("gilda@acme.example", "Nota não autorizada", "Rejeição 204: Duplicidade de NF-e.")
    phrase = await stage.contact("hugo@acme.example", "Emissão parada", "O certificado digital venceu, o que faço?")
    need(code.opened.data.rejection_codes == ("204",), "intake: the ticket does not name rejection 204")
    for contact, article in ((code, _BY_CODE), (phrase, _BY_PHRASE)):
        links = contact.opened.data.articles
        need(any(link.endswith(article) for link in links), f"intake: the ticket has no article {article}")
        need(all(link in contact.answer for link in links), f"intake: the answer does not give {links}")
    return Shown(
        [
            f"A mail with rejection 204 has the code and {code.opened.data.articles[0]} on its ticket and the link in its"
            f" answer; one of an expired certificate, recognised by its words, has {phrase.opened.data.articles[0]}."
        ],
        [code.opened, phrase.opened],
    )


STORY = Story(7, "Articles of the knowledge base stand on the ticket and in the answer", run)
