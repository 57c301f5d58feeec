"""The ingest hold: nothing fires on stale knowledge (edge case 43)."""

import pytest
from prometheus_client import REGISTRY

from services.sla_timer import metrics
from services.sla_timer.domain.hold import Hold, Limits

LIMITS = Limits(lag=2.0, limit=300.0, settle=10.0)
Step = tuple[float, dict[int, int], dict[int, int]]

CAUGHT_UP: Step = (0.0, {0: 5}, {0: 5})
HOUR: list[Step] = [(float(s), {0: 5}, {0: 5}) for s in range(3600)]
BEHIND: list[Step] = [(3600.0 + s, {0: 5}, {0: 6}) for s in range(304)]
HOLDS: list[tuple[str, list[Step], float, bool]] = [
    ("nothing was observed yet", [], 0.0, False),
    ("caught up at the start", [CAUGHT_UP], 0.1, True),
    ("behind at the start", [(0.0, {0: 4}, {0: 5})], 0.1, False),
    ("the end seen at the start is reached", [(0.0, {0: 4}, {0: 5}), (1.0, {0: 5}, {0: 9})], 1.1, True),
    ("one partition of two is behind", [(0.0, {0: 5, 1: 0}, {0: 5, 1: 3})], 0.1, False),
    ("never committed and empty", [(0.0, {}, {0: 0})], 0.1, True),
    ("a record unread for less than two seconds", [CAUGHT_UP, (1.5, {0: 5}, {0: 6})], 1.6, True),
    ("a record unread for more", [CAUGHT_UP, (1.5, {0: 5}, {0: 6}), (3.0, {0: 5}, {0: 6})], 3.1, False),
    ("the broker has not answered for 2 s", [CAUGHT_UP], 2.1, False),
    ("the broker is back, publishers flush", [CAUGHT_UP, (30.0, {0: 5}, {0: 5})], 31.0, False),
    ("the broker is back and has settled", [CAUGHT_UP, *((30.0 + s, {0: 5}, {0: 5}) for s in range(11))], 40.0, True),
    ("behind after an hour of answers", [*HOUR, (3600.0, {0: 5}, {0: 6}), (3603.0, {0: 5}, {0: 6})], 3603.1, False),
    ("behind for five minutes after an hour", [*HOUR, *BEHIND], 3603.0 + 300.0, True),
    ("behind for just less after an hour", [*HOUR, *BEHIND], 3602.0 + 299.0, False),
    ("behind for five minutes", [(float(s), {0: 4}, {0: 5}) for s in range(301)], 300.0, True),
    ("behind for just less", [(float(s), {0: 4}, {0: 5}) for s in range(300)], 299.9, False),
]


@pytest.mark.parametrize(("steps", "now", "fires"), [row[1:] for row in HOLDS], ids=[row[0] for row in HOLDS])
def test_43_clocks_fire_only_on_knowledge_that_is_fresh(steps: list[Step], now: float, fires: bool) -> None:
    hold = Hold(LIMITS)
    for at, committed, ends in steps:
        hold.observe(at, committed, ends)
    assert hold.may_fire(now) is fires


def test_after_a_long_absence_publishers_get_time_to_flush() -> None:
    hold = Hold(LIMITS, outage_before_start=True)
    for second in range(12):
        hold.observe(float(second), {0: 5}, {0: 5})
        assert hold.may_fire(float(second)) is (second >= 10)


def test_slow_answers_hold_for_the_limit_and_no_longer() -> None:
    hold = Hold(LIMITS)
    fired = []
    for n in range(200):
        begun_at = n * 2.5  # each observation takes two and a half seconds: what it says is stale when it is made
        hold.observe(begun_at, {0: 5}, {0: 5}, begun_at + 2.5)
        fired.append(hold.may_fire(begun_at + 2.5))
    assert fired.index(True) == 120  # the first after 300 s of holding
    assert all(fired[120:])


def test_a_failed_observation_makes_a_gap_an_outage_and_a_slow_one_does_not() -> None:
    for failed, fires in ((True, False), (False, True)):
        hold = Hold(LIMITS)
        hold.observe(0.0, {0: 5}, {0: 5})
        if failed:
            hold.failed()
        hold.observe(3.0, {0: 5}, {0: 5})
        assert hold.may_fire(3.1) is fires


def test_an_outage_that_another_replica_saw_holds_this_one_too() -> None:
    hold = Hold(LIMITS)
    hold.observe(100.0, {0: 5}, {0: 5})
    assert hold.may_fire(100.1)
    hold.heard_of(99.0)
    hold.heard_of(50.0)
    for second in range(101, 112):
        hold.observe(float(second), {0: 5}, {0: 5})
        assert hold.may_fire(float(second)) is (second >= 109)


def test_one_that_starts_while_nobody_answers_gives_publishers_time() -> None:
    hold = Hold(LIMITS)
    hold.failed()
    assert hold.returning(0.0)
    for second in range(12):
        hold.observe(float(second), {0: 5}, {0: 5})
        assert not hold.returning(float(second))
        assert hold.may_fire(float(second)) is (second >= 10)


def test_what_metrics_say_of_the_hold_is_true_when_they_are_read() -> None:
    now = [100.0]
    hold = Hold(Limits(2.0, 300.0, 0.0))
    metrics.watch(hold, lambda: now[0])

    def seen() -> tuple[float | None, ...]:
        return tuple(REGISTRY.get_sample_value(f"prazo_sla_{name}") for name in ("hold_active", "ingest_lag_seconds"))

    assert seen() == (1, float("inf"))
    hold.observe(now[0], {0: 5}, {0: 5})
    assert seen() == (0, 0)
    now[0] += 11  # nobody answers any more
    assert seen() == (1, 11)
