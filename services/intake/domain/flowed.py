"""Text whose lines were broken by the mailer, joined again (RFC 3676, format=flowed)."""

import re

_MARKS = re.compile(r"^>*")
_DELIMITER = "-- "


def unflowed(text: str, *, delsp: bool) -> str:
    """Return ``text`` with soft breaks undone (a blank before the end of the line) and the stuffed blank taken out.

    Lines of different depth are never joined, nor is a signature's delimiter. A quotation's lines begin with its marks
    and a blank.
    """
    joined: list[str] = []
    open_depth = -1  # depth of the paragraph that goes on; -1: none does
    for line in text.replace("\r\n", "\n").split("\n"):
        depth = len(_MARKS.match(line)[0])  # type: ignore[index]  # it matches every line
        said = line[depth:].removeprefix(" ")
        soft = said.endswith(" ") and said != _DELIMITER
        if said != _DELIMITER and open_depth == depth:
            joined[-1] += said
        else:
            joined.append(f"{'>' * depth} {said}" if depth else said)
        if soft and delsp:
            joined[-1] = joined[-1][:-1]
        open_depth = depth if soft else -1
    return "\n".join(joined)
