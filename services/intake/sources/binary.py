"""CloudEvents 1.0 in binary mode over HTTP: attributes are headers, the body is the data.

Source: CloudEvents HTTP protocol binding 1.0.2, section 3.1.3: names ``ce-…``, values percent-encoded UTF-8, perhaps quoted.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from services.intake.sources.problems import Problem, ProblemType, error_of

_NAME = re.compile(r"[a-z0-9]{1,100}")


def attributes_of(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return the attributes that the ``ce-`` headers carry; raises ``Problem`` for what is no attribute, or there twice."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name = raw_name.decode("latin-1").lower()
        if not name.startswith("ce-"):
            continue
        attribute = name.removeprefix("ce-")
        if not _NAME.fullmatch(attribute) or attribute in ("data", "datacontenttype"):
            raise _wrong(name, "no attribute has this name: lower-case letters and digits; data is the body")
        if attribute in found:
            raise _wrong(name, "this header stands twice")
        found[attribute] = _text(name, raw_value)
    if "specversion" not in found:
        raise _wrong(
            "ce-specversion", "application/json is the data of an event in binary mode, which this header begins"
        )
    return found


def _text(name: str, value: bytes) -> str:
    if len(value) > 1 and value[:1] == value[-1:] == b'"':
        value = re.sub(rb"\\(.)", rb"\1", value[1:-1])
    try:
        return unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise _wrong(name, "must be percent-encoded UTF-8") from None


def _wrong(name: str, rule: str) -> Problem:
    return Problem(ProblemType.INVALID, "A header of binary mode is wrong.", error_of(name[:60], rule, 0))
