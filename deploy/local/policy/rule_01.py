"""Policy rule 1: no tax advice; words only suggest it, a rejection code clears the hint, and only a person decides."""

from deploy.local.policy.stage import Stage, need
from deploy.local.policy.table import Shown, Story

_ADVICE = "Qual a alíquota do ICMS na venda para outro estado, e qual CST eu uso no regime tributário do Simples?"
_REJECTED = f"{_ADVICE}\nO sistema mostra Rejeição 204: Duplicidade de NF-e."
_WORD = "Não tiramos dúvidas fiscais"  # the policy's, in the automatic answer


async def run(stage: Stage) -> Shown:
    """Ask for tax advice, once with and once without a rejection code; let a person move the first out of scope."""
    asked = await stage.contact("bruna@acme.example", "Alíquota do ICMS", _ADVICE)
    fault = await stage.contact("caio@acme.example", "Alíquota do ICMS com rejeição", _REJECTED)
    need(asked.opened.data.scope_hint == "tax_advice", "intake: pure tax advice got no scope_hint tax_advice")
    need(asked.opened.data.scope == "in_scope", "intake: a word moved a ticket out of scope")
    need(_WORD in asked.answer, "intake: the answer to tax advice does not quote the policy")
    need(fault.opened.data.scope_hint is None, "intake: a rejection code did not clear the hint")
    need(_WORD not in fault.answer, "intake: the answer about a rejection speaks of tax advice")

    ticket = asked.opened.subject
    started = await stage.clock(ticket, "action", "started")
    why = "dúvida tributária, sem falha do sistema"
    moved = await stage.press(ticket, "reclassified", service="question", scope="out_of_scope", why=why)
    cancelled = await stage.clock(ticket, "action", "cancelled")
    await stage.press(ticket, "responded")
    met = await stage.clock(ticket, "response", "met")
    need(
        not any(stage.topics.of(ticket, "sla.cancelled", "response")),
        "sla_timer: out of scope cancelled the response clock too",
    )
    return Shown(
        [
            f"A mail of pure tax advice opened ticket {ticket} with the hint tax_advice, still in scope; the automatic"
            " answer quotes the policy. The same words with rejection 204 got no hint and another answer.",
            "A person moved it out of scope at the desk page: the action clock was cancelled, the response clock ran on"
            " until the person answered.",
        ],
        [asked.opened, fault.opened, started, moved, cancelled, met],
    )


STORY = Story(1, "Tax advice is hinted at, never dropped; a person moves it out of scope", run)
