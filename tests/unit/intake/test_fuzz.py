"""A few seconds of ``make fuzz``: the reader survives mails that are broken by a seed."""

import random

from tests.corpus.mails import mails
from tests.fuzz.judge import fault, shipped
from tests.fuzz.mutator import mutated

SEED, COUNT = 20261125, 600


def test_no_broken_mail_breaks_the_reader() -> None:
    chance, whole, known = random.Random(SEED), [mail.raw for mail in mails(SEED, 100)], shipped()
    found = [(n, said) for n in range(COUNT) if (said := fault(mutated(chance, whole), known)[0]) is not None]
    assert found == [], f"seed {SEED}"
