"""Free text as it may stand in an event: no e-mail address, telephone number, CPF or CNPJ (the public contract). Pure.

Access keys of fiscal documents stay, in one piece or in groups: the desk works with them; so do UUIDs and hashes. Rather a number too many is masked
than a person's one told: 10 to 14 digits in a row, and what is written like a telephone number, are. Names of people cannot be known.
"""

import re
import unicodedata

from services.intake.domain.fiscal import is_cnpj

_VALUE_LENGTH = 2048  # masking takes more than linear time: a longer text is cut before it
_GAP = r"[ .\-/\u00a0\u2010-\u2015]"  # what stands between groups of digits
_AT = r"(?:[@\uff20\ufe6b]|%40|&#64;)"
_DDD = r"(?:\(0?\d{2,3}\)|0?[1-9]\d)"
_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]"
_KINDS = {
    "key": rf"(?<![0-9A-Z])(?:[0-9]{{6}}[0-9A-Z]{{12}}[0-9]{{26}}|[0-9]{{4}}(?:{_GAP}[0-9A-Z]{{4}}){{10}})(?![0-9A-Z])",
    "id": r"(?<!\w)(?:[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}|[0-9A-F]{32,128})(?!\w)",
    "e-mail": "|".join(
        (
            rf"(?:\"[^\"]{{1,64}}\"|(?<!{_LOCAL}){_LOCAL}+){_AT}(?:\[[0-9A-F:.]+\]|[\w-]+(?:\.[\w-]+)*)",
            rf"(?<![\w.+-])[\w.+-]+ ?{_AT} ?[\w-]+(?:\.[\w-]+)+",
        )
    ),
    "CNPJ": "|".join(
        (
            rf"(?<!\w)[0-9A-Z]{{2}}{_GAP}[0-9A-Z]{{3}}{_GAP}[0-9A-Z]{{3}}{_GAP}{{1,3}}[0-9A-Z]{{4}}{_GAP}{{0,3}}\d{{2}}(?!\w)",
            r"(?<!\w)[0-9A-Z]{8} ?/ ?[0-9A-Z]{4} ?-? ?\d{2}(?!\w)",
            r"(?<!\d)\d{14}(?!\d)",
        )
    ),
    "CNPJ of letters": r"(?<!\w)[0-9A-Z]{12}\d{2}(?!\w)",
    "CPF": rf"(?<!\d)\d{{3}}{_GAP}\d{{3}}{_GAP}\d{{3}}[-/ \u2010-\u2015]?\d{{2}}(?!\d)|(?<!\d)\d{{9}}{_GAP}\d{{2}}(?!\d)",
    "telefone": "|".join(
        (
            rf"(?<![\d+])(?:\+|00)?55{_GAP}?{_DDD}{_GAP}{{0,2}}(?:9{_GAP}?)?\d{{4}}{_GAP}?\d{{4}}(?!\d)",
            rf"(?<![\d+]){_DDD}{_GAP}{{0,3}}(?:9{_GAP}?)?\d{{4}}{_GAP}?\d{{4}}(?!\d)",
            r"(?<!\d)\+\d(?:[ ().-]{0,2}\d){6,14}(?!\d)",
            rf"(?<!\d)0[3589]00{_GAP}?\d{{3}}{_GAP}?\d{{3,4}}(?!\d)",
            rf"(?<!\d)(?<!\d[./-])(?!(?:19|20)\d\d-(?:19|20)\d\d)(?:9{_GAP}?)?\d{{4}}[-\u2010-\u2015]\d{{4}}(?!\d)",
            r"(?<!\d)9\d{8}(?!\d)",
            r"(?<!\d)\d{10,13}(?!\d)",
        )
    ),
}
_ANY = re.compile("|".join(f"(?P<k{n}>{pattern})" for n, pattern in enumerate(_KINDS.values())), re.IGNORECASE)
_WORDS = [f"[{kind.partition(' ')[0]}]" for kind in _KINDS]
_KEPT, _CNPJ, _OF_LETTERS = (0, 1), list(_KINDS).index("CNPJ"), list(_KINDS).index("CNPJ of letters")
_SPACED_WORDS = re.compile(r"(?=.*[A-Z])[0-9A-Z ]+", re.IGNORECASE)  # letters, and nothing but blanks between them


def masked(text: str) -> str:
    """Return a text on one line without addresses, telephone numbers, CPF and CNPJ."""
    return _ANY.sub(_word, on_one_line(text))


def _word(found: re.Match[str]) -> str:
    kind = int((found.lastgroup or "k0")[1:])
    words = kind == _OF_LETTERS or (kind == _CNPJ and _SPACED_WORDS.fullmatch(found[0]) is not None)
    is_word = words and not is_cnpj(found[0].replace(" ", "").upper())
    return found[0] if kind in _KEPT or is_word else _WORDS[kind]


def on_one_line(text: str) -> str:
    """Return the beginning of a text on one line, without control and invisible characters and surrogates.

    What is cut off in its middle, which could not be known any more as what it is, is left out.
    """
    kept = "".join(_kept(c) for c in text[:_VALUE_LENGTH])
    words = kept.split()
    return " ".join(words[:-1] if len(text) > _VALUE_LENGTH else words)


def _kept(c: str) -> str:
    category = unicodedata.category(c)
    return " " if category in ("Cc", "Zl", "Zp") else "" if category in ("Cs", "Cf") else c
