"""Links prove who got them; wrong ones are counted by who sends them."""

from pathlib import Path

import pytest

from services.notifier.domain.token import proves, token
from services.notifier.pages.proof import PEERS_LIMIT, WRONG_PER_MINUTE, WrongLinks, is_proof, proven, read_keys
from shared.config import Misconfigured

KEY, OTHER = b"k" * 32, b"o" * 32


def test_a_link_proves_one_notice_one_person_and_one_action() -> None:
    proof = token(KEY, 7, "ana", "acknowledge")
    assert is_proof(proof)
    assert proves(KEY, proof, 7, "ana", "acknowledge")
    for other in [(8, "ana", "acknowledge"), (7, "bob", "acknowledge"), (7, "ana", "resolve")]:
        assert not proves(KEY, proof, *other)
    assert not proves(OTHER, proof, 7, "ana", "acknowledge")
    assert not proves(KEY, "ü", 7, "ana", "acknowledge")


def test_any_live_key_proves() -> None:
    proof = token(OTHER, 7, "ana", "acknowledge")
    assert proven([KEY, OTHER], proof, 7, "ana")
    assert not proven([KEY], proof, 7, "ana")


def test_the_second_key_may_be_absent_but_not_wrong(tmp_path: Path) -> None:
    (tmp_path / "notifier_token_key").write_text(KEY.hex())
    assert read_keys(tmp_path) == [KEY]
    (tmp_path / "notifier_token_key_other").write_text(OTHER.hex() + "\n")
    assert read_keys(tmp_path) == [KEY, OTHER]
    (tmp_path / "notifier_token_key_other").write_text("short")
    with pytest.raises(Misconfigured, match="notifier_token_key_other"):
        read_keys(tmp_path)


def test_wrong_links_are_counted_for_a_minute_and_a_household_counts_as_one() -> None:
    wrong = WrongLinks()
    assert [wrong.too_many("192.0.2.1", 0.0) for _ in range(WRONG_PER_MINUTE + 1)] == [False] * WRONG_PER_MINUTE + [
        True
    ]
    assert not wrong.too_many("192.0.2.2", 1.0)
    assert wrong.too_many("::ffff:192.0.2.1", 59.0)
    assert not wrong.too_many("192.0.2.1", 60.0)
    for i in range(WRONG_PER_MINUTE):
        wrong.too_many(f"2001:db8::{i:x}", 60.0)
    assert wrong.too_many("2001:db8::ffff%eth0", 60.0)


def test_peers_are_forgotten_before_they_fill_the_memory() -> None:
    wrong = WrongLinks()
    for i in range(PEERS_LIMIT + 10):
        wrong.too_many(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", 0.0)
    assert len(wrong._counts) == PEERS_LIMIT
