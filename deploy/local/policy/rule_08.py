"""Policy rule 8: no support over messengers; who publishes one is told so."""

from deploy.local.policy.stage import SECONDS, Stage, need
from deploy.local.policy.table import Shown, Story
from deploy.local.policy.topics import DeadLetter, until

_TICKET, _REASON = "CHAT-1", "policy_rule_8"


async def run(stage: Stage) -> Shown:
    """Publish a WhatsApp contact over HTTP, one of Telegram on the topic, and one that is fine, all of the same ticket.

    They lie in one partition: when the last one has its clock, the others were read and have none.
    """
    answer = await stage.post(stage.opening("chat-http", _TICKET, channel="WhatsApp"))
    need(answer.status_code == 422, f"intake: a WhatsApp contact was answered with {answer.status_code}")
    (error,) = answer.json()["errors"]
    need(error["field"] == "data.channel" and "rule 8" in error["rule"], f"intake: the error does not say why: {error}")
    refused = await stage.happened(_TICKET, "ticket.refused")
    need(refused.data.rule == 8, f"intake: it was refused by rule {refused.data.rule}")

    await stage.publish(stage.opening("chat-kafka", _TICKET, channel="telegram"))
    letter = await until(lambda: _letter(stage), SECONDS, "sla_timer: no dead letter of a Telegram contact")
    need(letter.reason == _REASON, f"sla_timer: the dead letter's reason is {letter.reason}")

    taken = await stage.post(stage.opening("chat-portal", _TICKET, channel="portal"))
    need(taken.status_code == 202, f"intake: the same contact over the portal was answered with {taken.status_code}")
    started = await stage.clock(_TICKET, "response", "started")
    need(started.data.ticket.channel == "portal", "sla_timer: a contact by messenger has a clock")
    return Shown(
        [
            f'Over HTTP a WhatsApp contact got 422, "{error["field"]}: {error["rule"]}", and is recorded as'
            " ticket.refused, rule 8.",
            f"A Telegram contact on the topic became a dead letter of {_REASON} ({letter.detail}).",
            "Neither has a clock: the ticket's first one came when the same contact wrote over the portal.",
        ],
        [refused, started],
    )


def _letter(stage: Stage) -> DeadLetter | None:
    return next((letter for letter in stage.topics.letters if letter.key == _TICKET), None)


STORY = Story(8, "A contact by messenger is refused with a reason, and has no clock", run)
