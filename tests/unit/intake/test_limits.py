"""Token buckets: how many requests pass, when the next one does, and that what is remembered is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.limits import Bucket, Rate, take
from services.intake.sources.limits import Limiter
from services.intake.sources.problems import Problem
from shared.web import peer_key

RATE = Rate(per_second=2, burst=3)


def test_a_burst_passes_and_then_one_for_each_part_of_a_second() -> None:
    bucket: Bucket | None = None
    waits = []
    for now in (0, 0, 0, 0, 0.25, 0.5, 0.5, 9, 9, 9, 9):
        bucket, wait = take(bucket, RATE, now)
        waits.append(wait)
    assert waits == [0, 0, 0, 0.5, 0.25, 0, 0.5, 0, 0, 0, 0.5]


@given(st.lists(st.floats(0, 10, allow_subnormal=False), max_size=200))
def test_whatever_the_times_no_more_pass_than_the_burst_and_what_came_since(steps: list[float]) -> None:
    bucket: Bucket | None = None
    now, passed = 0.0, 0
    for step in steps:
        now += step
        bucket, wait = take(bucket, RATE, now)
        passed += not wait
        assert passed <= RATE.burst + now * RATE.per_second + 1e-6
        assert wait == 0 or take(bucket, RATE, now + wait + 1e-6)[1] == 0


def test_a_clock_that_stands_still_or_a_smaller_rate_gives_nothing_away() -> None:
    bucket, _ = take(Bucket(100.0, 5.0), RATE, 1.0)
    assert bucket.left == RATE.burst - 1


def test_each_key_has_its_own_bucket_and_the_quietest_is_forgotten() -> None:
    limiter, rate = Limiter("peer", lambda: 0.0, keys=2), Rate(per_second=0.1, burst=1)
    for key in ("a", "b"):
        limiter.admit(key, rate, "one address")
    with pytest.raises(Problem) as refused:
        limiter.admit("a", rate, "one address")
    assert refused.value.headers == {"retry-after": "10"}
    limiter.admit("c", rate, "one address")  # b was quiet for longest
    limiter.admit("b", rate, "one address")
    with pytest.raises(Problem):
        limiter.admit("c", rate, "one address")


PEERS = [
    ("192.0.2.7", "192.0.2.7"),
    ("::ffff:192.0.2.7", "192.0.2.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
    ("fe80::1%eth0", "fe80::/64"),
    (None, ""),
    ("x" * 500, "x" * 64),
]


@pytest.mark.parametrize(("host", "key"), PEERS)
def test_an_address_is_counted_as_one_household(host: str | None, key: str) -> None:
    assert peer_key(host) == key
