"""A mail that only says thank you: it belongs to its ticket and opens nothing again."""

from services.intake.domain.routing import plain

_LENGTH = 120
_SAID = frozenset(
    "obrigado obrigada obg obrigadao muito brigado brigada grato grata agradecido agradecida agradeco valeu ok okay certo perfeito"
    " otimo excelente show beleza blz pela pelo por atencao ajuda retorno suporte apoio resolvido deu tudo bom dia boa tarde noite"
    " abraco abracos att atenciosamente thanks thank you very much great perfect solved all good a o e de".split()
)
_HEART = frozenset(
    "obrigado obrigada obg obrigadao brigado brigada grato grata agradecido agradecida agradeco valeu thanks thank".split()
)


def is_thanks(text: str) -> bool:
    """Tell whether a short text says thank you and nothing else; any other word, a digit or a question says no."""
    if len(text) > _LENGTH or "?" in text:
        return False
    words = plain(text).split()
    return bool(_HEART.intersection(words)) and _SAID.issuperset(words)
