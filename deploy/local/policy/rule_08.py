"""Policy rule 8: no support over messengers; who publishes one is told so."""

from deploy.local.policy.stage import SECONDS, Stage, need
from deploy.local.policy.table import Shown, Story
from deploy.local.policy.topics import DeadLetter, until

_TICKET, _REASON = "CHAT-1", "policy_rule_8"


async def run(stage: Stage) -> Shown:
    """Publish a WhatsApp contact over HTTP, then one of the same ticket on the topic."""
    answer = await stage.post(stage.opening("chat-http", _TICKET, channel="WhatsApp"))
    need(answer.status_code == 422, f"intake: a WhatsApp contact was answered with {answer.status_code}")
    (error,) = answer.json()["errors"]
    need(error["field"] == "data.channel" and "rule 8" in error["rule"], f"intake: the error does not say why: {error}")
    refused = await stage.happened(_TICKET, "ticket.refused")
    need(refused.data.rule == 8, f"intake: it was refused by rule {refused.data.rule}")

    await stage.publish(stage.opening("chat-kafka", _TICKET, channel="telegram"))
    letter = await until(lambda: _letter(stage), SECONDS, "sla_timer: no dead letter of a Telegram contact")
    need(letter.reason == _REASON, f"sla_timer: the dead letter's reason is {letter.reason}")
    need(not any(stage.topics.of(_TICKET, "sla.started")), "sla_timer: a contact by messenger has a clock")
    return Shown(
        [
            f'Over HTTP a WhatsApp contact got 422, "{error["field"]}: {error["rule"]}", and is recorded as'
            " ticket.refused, rule 8.",
            f"A Telegram contact on the topic became a dead letter of {_REASON} ({letter.detail}). Neither has a clock.",
        ],
        [refused],
    )


def _letter(stage: Stage) -> DeadLetter | None:
    return next((letter for letter in stage.topics.letters if letter.key == _TICKET), None)


STORY = Story(8, "A contact by messenger is refused with a reason, and has no clock", run)
