"""Telephone numbers of Brazil as PBXs say them → E.164 (ITU-T), or None for a caller that nobody can identify.

Sources: the numbering plan of Anatel (Resolução 749/2022: DDD, ninth digit of mobiles, carrier codes, collect calls 90 and
9090). A caller without a usable number is an unidentified caller, and still a contact.
"""

import re

import phonenumbers

_WITHHELD = frozenset(
    "anonymous unavailable unknown restricted private withheld blocked asterisk none null"
    " anonimo anônimo desconhecido privado indisponivel indisponível restrito".split()
)
_LONGEST = 100  # characters looked at; E.164 has 15 digits
_SIP = re.compile(r"^<?(?:sips?|tel):([^@;>]*)", re.IGNORECASE)
_LONG_DISTANCE = (10, 11)  # DDD and number
_WITH_CARRIER = (12, 13)  # two digits more
_NON_GEOGRAPHIC = re.compile(r"0?(?:[3589]00|303)\d{6,7}")
_OLD_MOBILE = re.compile(r"[6-9]\d{7}")


def e164(said: str | None, ddd: str = "") -> str | None:
    """Return the number that a PBX ``said`` in E.164; ``ddd`` is the area code of the trunk on which it was heard.

    Inserts the ninth digit into old mobiles, prepends ``ddd`` where none is said, takes carrier codes (0XX) and the marks
    of collect calls away. None: withheld, an extension, or nothing that is a number. Never raises.
    """
    digits = _digits(said or "")
    if digits.startswith("+55"):
        return _national(digits[3:], ddd)
    return _formatted(digits) if digits.startswith("+") else _national(digits, ddd)


def _digits(said: str) -> str:
    """Return the digits, with the plus of an international number; "" where somebody is not identified."""
    text = said[:_LONGEST].strip()
    found = _SIP.match(text)
    text = (found[1] if found else text).strip().strip("<>").strip()
    if text.lower() in _WITHHELD or any(c.isalpha() for c in text):
        return ""
    digits = "".join(c for c in text if c in "0123456789")
    return f"+{digits}" if text.startswith("+") and digits else digits


def _national(digits: str, ddd: str) -> str | None:
    """Return what is dialled within Brazil, or from it, in E.164."""
    if digits.startswith("0055") and len(digits) in (14, 15):
        digits = digits[4:]  # as it is dialled from abroad
    if digits.startswith("00"):
        return _formatted(digits)  # an international call with its carrier
    if _NON_GEOGRAPHIC.fullmatch(digits):
        return _formatted(digits if digits.startswith("0") else f"0{digits}")
    bare = _without_carrier(_without_collect(digits))
    if len(bare) in (12, 13) and bare.startswith("55"):
        bare = bare[2:]
    if len(bare) in (8, 9):
        if len(bare) == 8 and _valid(bare):
            return _formatted(bare)  # 4004 1234: the same from everywhere
        bare = f"{ddd}{bare}" if ddd else ""
    if len(bare) == 10 and _OLD_MOBILE.fullmatch(bare[2:]):
        bare = f"{bare[:2]}9{bare[2:]}"
    return _formatted(f"+55{bare}") if len(bare) in _LONG_DISTANCE else None


def _without_collect(digits: str) -> str:
    """Take the mark of a collect call away: 9090 before a local number, 90 and a carrier before one with its DDD."""
    if digits.startswith("9090") and 12 <= len(digits) <= 15:
        return digits[4:]
    return digits[4:] if digits.startswith("90") and len(digits) in (14, 15) else digits


def _without_carrier(digits: str) -> str:
    """Take the trunk prefix 0 and the two digits of a carrier after it away: 0 15 62 3086 5750."""
    if not digits.startswith("0"):
        return digits
    bare = digits[1:]
    return bare[2:] if len(bare) in _WITH_CARRIER else bare


def _valid(digits: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(digits, "BR"))
    except phonenumbers.NumberParseException:
        return False


def _formatted(digits: str) -> str | None:
    try:
        number = phonenumbers.parse(digits, "BR")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
