"""SMS by a provider's API: one GSM-7 segment to one number. No provider here knows a repetition, so it is marked as one."""

import re
from dataclasses import dataclass

from services.notifier.domain.cause import Cause
from services.notifier.domain.gsm7 import one_segment
from services.notifier.domain.message import Outcome, Outgoing, Result
from services.notifier.transports.http import Endpoint
from services.notifier.transports.sms_providers import Provider

_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_MARKS = {"pt-BR": "(repetida)", "en": "(repeat)"}


@dataclass(frozen=True, slots=True)
class Sms:
    """Sends by one account at one provider."""

    endpoint: Endpoint
    provider: Provider

    async def send(self, message: Outgoing) -> Result:
        """Try once; ``provider_id`` is what the provider's reports of delivery name."""
        if not _E164.fullmatch(message.to):
            return Result(Outcome.FAILED_PERMANENT, Cause.BAD_ADDRESS)
        body, headers = self.provider.request(message.to, text(message))
        answer = await self.endpoint.post(body, headers)
        return answer if isinstance(answer, Result) else self.provider.result(answer)


def text(message: Outgoing) -> str:
    """Return what is sent: ``content.short``, marked in the person's language when an earlier attempt may have arrived."""
    mark = _MARKS.get(message.language, _MARKS["pt-BR"]) if message.repeated else ""
    return one_segment(message.content.short, mark)
