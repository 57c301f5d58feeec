"""How often one system, and one address without credentials, may ask. Each process counts for itself."""

import math
from collections import OrderedDict
from collections.abc import Callable

from services.intake import metrics
from services.intake.domain.limits import Bucket, Rate, take
from services.intake.sources.problems import Problem, ProblemType

PEERS_LIMIT = 10_000  # addresses that are remembered; the one that was quiet for longest is forgotten
_NO_QUOTA = (
    "This limits the requests that {who} sends, never the tickets of a client (policy rule 6): nothing was taken."
)


class Limiter:
    """Token buckets by key, at most ``keys``; ``now`` is a clock in seconds that never goes back."""

    def __init__(self, limit: str, now: Callable[[], float], keys: int = PEERS_LIMIT) -> None:
        self._limit, self._now, self._keys = limit, now, keys
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def admit(self, key: str, rate: Rate, who: str) -> None:
        """Count one request of ``key``; raises ``Problem`` 429 with Retry-After when it is beyond ``rate``."""
        self._buckets[key], wait_seconds = take(self._buckets.get(key), rate, self._now())
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        if wait_seconds:
            metrics.rate_limited.labels(self._limit).inc()
            detail = f"{_NO_QUOTA.format(who=who)} The limit is {rate.per_second:g} a second, {rate.burst} at once."
            raise Problem(ProblemType.RATE_LIMITED, detail, headers={"retry-after": str(math.ceil(wait_seconds))})
