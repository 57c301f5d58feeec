"""Text whose lines were broken by the mailer, joined again (RFC 3676, format=flowed)."""

import re

_MARKS = re.compile(r"^>*")
_DELIMITER = "-- "


def unflowed(text: str, *, delsp: bool) -> str:
    """Return ``text`` with soft breaks undone (a blank before the end of the line) and the stuffed blank taken out.

    Lines of different depth are never joined, nor is a signature's delimiter. A quotation's lines begin with its marks
    and a blank.
    """
    paragraphs: list[list[str]] = []
    open_depth = -1  # depth of the paragraph that goes on; -1: none does
    for line in text.replace("\r\n", "\n").split("\n"):
        depth = len(_MARKS.match(line)[0])  # type: ignore[index]  # it matches every line
        said = line[depth:].removeprefix(" ")
        soft = said.endswith(" ") and said != _DELIMITER
        kept = said[:-1] if soft and delsp else said
        if said != _DELIMITER and open_depth == depth:
            paragraphs[-1].append(kept)
        else:
            paragraphs.append([f"{'>' * depth} {kept}" if depth else kept])
        open_depth = depth if soft else -1
    return "\n".join(map("".join, paragraphs))
