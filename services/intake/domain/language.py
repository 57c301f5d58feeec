"""Which of the two languages that we answer in somebody wrote in; Portuguese unless English is plain to see."""

from typing import Literal

Language = Literal["pt-BR", "en"]

_ENGLISH = frozenset(
    "the and is are was not to of for with you your we our please can cannot this that have has it be hi hello thanks".split()
)
_PORTUGUESE = frozenset(
    "o a os as e é que de do da em no na não para com um uma se por meu minha nosso nossa está ao você vocês bom boa dia tarde nota segue favor estou".split()
)
_WORDS = 400


def language_of(text: str) -> Language:
    """Return the language of a text by its commonest words."""
    words = text.lower().split(maxsplit=_WORDS)[:_WORDS]
    bare = [word.strip(".,;:!?()\"'") for word in words]
    english = sum(word in _ENGLISH for word in bare)
    portuguese = sum(word in _PORTUGUESE for word in bare)
    return "en" if english >= 3 and english > 2 * portuguese else "pt-BR"
