"""The dialplan and the voice channel agree: what is told is used, and what is reported is understood."""

import re
from datetime import timedelta
from pathlib import Path

from services.notifier.domain.channel_config import VoiceConfig
from services.notifier.transports.voice import Exchange, originate
from tests.fakes.messages import NUMBER, message

DIALPLAN = Path("deploy/asterisk/extensions_prazo.conf").read_text(encoding="utf-8")
CODE = "\n".join(line for line in DIALPLAN.splitlines() if not line.startswith(";"))


def test_the_dialplan_knows_every_variable_that_a_call_brings() -> None:
    limit = timedelta(seconds=45)
    exchange = Exchange("pbx", 5038, "u", "s", "PJSIP/{e164}@x", "prazo-aviso", timedelta(seconds=25), limit)
    action = originate(exchange, message(to=NUMBER), "call.1").decode()
    told = set(re.findall(r"^Variable: (PRAZO_\w+)=", action, re.M))
    assert told == set(re.findall(r"^;   (PRAZO_\w+) ", DIALPLAN, re.M))
    assert told - {"PRAZO_TEXT"} <= set(re.findall(r"\$\{(PRAZO_\w+)", CODE))  # the text is for a speech engine
    assert "Channel: PJSIP/+5562988887777@x" in action


def test_the_dialplan_reports_as_the_channel_listens() -> None:
    assert re.findall(r"UserEvent\((\w+),Call: (\$\{\w+\}),Key: (\w+)\)", CODE) == [
        ("PrazoKey", "${PRAZO_CALL}", "1"),
        ("PrazoKey", "${PRAZO_CALL}", "none"),
    ]
    assert f"[{VoiceConfig.model_fields['context'].default}]" in CODE
