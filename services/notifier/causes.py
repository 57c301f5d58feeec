"""Why an attempt failed, in words for people. What is not here is only said to have failed."""

from collections.abc import Mapping

from services.notifier.domain.cause import Cause

_AWAY = frozenset(
    {Cause.UNREACHABLE, Cause.NAME_NOT_FOUND, Cause.TIMEOUT, Cause.DISCONNECTED, Cause.REMOTE_BUSY, Cause.REMOTE_ERROR}
)
_SETUP = frozenset(
    {Cause.TLS_FAILED, Cause.FORBIDDEN_ADDRESS, Cause.REDIRECTED, Cause.UNEXPECTED_ANSWER, Cause.CREDENTIALS_REFUSED}
    | {Cause.GONE, Cause.ACCOUNT_SUSPENDED, Cause.CONTENT_REFUSED}
)
_AWAY_TEXT = {"pt-BR": "o serviço não respondeu", "en": "the service did not answer"}
_SETUP_TEXT = {"pt-BR": "o canal está mal configurado", "en": "the channel is set up wrongly"}

CAUSES: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(_AWAY, _AWAY_TEXT),
    **dict.fromkeys(_SETUP, _SETUP_TEXT),
    Cause.RATE_LIMITED: {"pt-BR": "mensagens demais em pouco tempo", "en": "too many messages in a short time"},
    Cause.REFUSED: {"pt-BR": "recusado", "en": "refused"},
    Cause.BAD_ADDRESS: {"pt-BR": "endereço ou número inválido", "en": "the address or number is not valid"},
    Cause.UNDELIVERABLE: {"pt-BR": "endereço ou número não existe", "en": "no such address or number"},
    Cause.MAILBOX_FULL: {"pt-BR": "caixa de entrada cheia", "en": "the mailbox is full"},
    Cause.OPTED_OUT: {"pt-BR": "a pessoa recusou mensagens", "en": "the person has refused messages"},
    Cause.FILTERED: {"pt-BR": "tratado como spam", "en": "taken for spam"},
    Cause.HANDSET_UNREACHABLE: {"pt-BR": "celular desligado ou sem sinal", "en": "the phone is off or has no signal"},
    Cause.NO_ANSWER: {"pt-BR": "não atendeu", "en": "no answer"},
    Cause.BUSY: {"pt-BR": "ocupado", "en": "busy"},
    Cause.CONGESTION: {"pt-BR": "rede telefônica congestionada", "en": "the phone network was congested"},
    Cause.NO_KEY: {"pt-BR": "atendeu e não digitou nada", "en": "answered, and pressed no key"},
    Cause.KEY_ACKNOWLEDGED: {"pt-BR": "assumiu pelo telefone", "en": "taken by phone"},
    "bounced": {"pt-BR": "a mensagem voltou", "en": "the message came back"},
    "gave_up": {"pt-BR": "uma hora sem resposta do serviço", "en": "an hour without an answer of the service"},
    "method_gone": {"pt-BR": "meio de contato removido", "en": "the contact method was removed"},
}
