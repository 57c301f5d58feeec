"""5,000 mails by a seed: nothing raises, what is written now is told from what is quoted, every file is found again."""

from datetime import UTC, datetime
from hashlib import sha256

from services.intake.domain.contact import understand
from tests.corpus.mails import Mail, mails
from tests.reading import NOTHING_KNOWN

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
SEED, COUNT = 20261125, 5_000


def wrong(mail: Mail) -> str | None:
    """Return what a reader did not find in a mail."""
    found = understand(mail.raw, NOTHING_KNOWN, AT)
    if mail.broken:
        return None if found.title else "a title"
    if found.title != mail.subject:
        return f"the subject {mail.subject!r}: {found.title!r}"
    if found.text != mail.says:
        return f"what was said {mail.says!r}: {found.text!r}"
    if bool(found.quoted) is not mail.quotes:
        return f"the quotation: {found.quoted!r}"
    if [one.sha256 for one in found.attachments] != [sha256(data).hexdigest() for data in mail.attachments]:
        return "the attachments"
    return None if mail.key is None or mail.key in found.documents else "the access key"


def test_every_mail_of_the_corpus_is_read() -> None:
    found = [(n, said) for n, mail in enumerate(mails(SEED, COUNT)) if (said := wrong(mail)) is not None]
    assert found == [], f"seed {SEED}"
