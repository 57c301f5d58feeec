"""The mail inside an S/MIME signature that wraps it (smime.p7m, RFC 8551): found by a walk over the DER or BER of the
CMS SignedData (RFC 5652). Nothing is verified here."""

_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_DATA = bytes.fromhex("06092a864886f70d010701")
_STEPS_LIMIT = 20_000
_CONSTRUCTED, _OCTETS, _END = 0x20, 0x04, 0x00


def content_of(data: bytes) -> bytes | None:
    """Return what was signed; None where nothing is inside (encrypted, certificates only, broken). Never raises."""
    begin = data[:100].find(_SIGNED_DATA)
    at = data.find(_DATA, begin + len(_SIGNED_DATA)) if begin >= 0 else -1
    if at < 0 or at > begin + 1_000:
        return None
    at += len(_DATA)
    if data[at : at + 1] != b"\xa0":  # [0] EXPLICIT: without it the signature is a detached one
        return None
    _, at, _ = _head(data, at)
    pieces: list[bytes] = []
    for _ in range(_STEPS_LIMIT):
        tag, inside, end = _head(data, at)
        if tag & ~_CONSTRUCTED != _OCTETS:
            break
        if tag & _CONSTRUCTED:
            at = inside  # the pieces of a string that was written in parts
            continue
        pieces.append(data[inside:end])
        at = end
        if not pieces[-1] and end >= len(data):
            break
    return b"".join(pieces) or None


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Return tag, where the value begins and where it ends (of an unknown length: with the data)."""
    head = data[at : at + 2]
    if len(head) < 2:
        return _END, len(data), len(data)
    tag, length = head
    at += 2
    if length == 0x80:
        return tag, at, len(data)
    if length > 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(data[at : at + count], "big"), at + count
    return tag, at, min(at + length, len(data))
