"""Publishes ticket events over HTTP, each taken once whatever fails. To copy; it needs httpx only.

``PRAZO_TOKEN=… python publish_events.py URL < events.jsonl``: one CloudEvent a line. Make an event's id when the thing happens
and keep it with the event: then the same line may be sent any number of times. Exit code 0: every event is durable; 1: some
were refused, and standard error says which field of which line breaks which rule; 3: no answer, the rest was not sent.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

BATCH_EVENTS, BATCH_BYTES = 100, 800_000
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
ATTEMPTS, LONGEST_WAIT_SECONDS = 10, 60.0


class Refused(Exception):
    """The events break a rule: sending them again would not help. ``errors`` has index, field and rule."""

    def __init__(self, status: int, title: str, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__(f"{status}: {title}")
        self.status, self.errors = status, errors


class NoAnswer(Exception):
    """Every attempt failed; the events may have been taken, and can be sent again without harm."""


@dataclass
class Publisher:
    """Sends batches with one token. ``sleep`` waits, in seconds."""

    client: httpx.Client
    url: str
    token: str
    sleep: Callable[[float], None] = time.sleep

    def publish(self, events: Sequence[str]) -> list[str]:
        """Return the ids of JSON events once all are durable; raises ``Refused`` when none was taken, or ``NoAnswer``."""
        body = f"[{','.join(events)}]".encode()  # the same bytes each time
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/cloudevents-batch+json"}
        for attempt in range(ATTEMPTS):
            try:
                answer = self.client.post(f"{self.url}/v1/events", content=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 202:
                return list(answer.json()["ids"])
            if answer is not None and answer.status_code not in AGAIN:
                raise _refused(answer)
            if attempt + 1 < ATTEMPTS:
                self.sleep(_wait_seconds(answer, attempt))
        raise NoAnswer(f"{ATTEMPTS} attempts failed")


def _refused(answer: httpx.Response) -> Refused:
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        problem = answer.json()
        return Refused(answer.status_code, f"{problem['title']}. {problem['detail']}", problem["errors"])
    return Refused(answer.status_code, answer.reason_phrase, [])


def _wait_seconds(answer: httpx.Response | None, attempt: int) -> float:
    """Return what Retry-After asks for, else twice as long each time; and a little more, so that senders part."""
    asked = answer.headers.get("retry-after", "") if answer is not None else ""
    least = float(asked) if asked.isdigit() else 0.5 * 2**attempt
    return min(least, LONGEST_WAIT_SECONDS) + random.uniform(0, 0.5)  # noqa: S311  # no secret


def batches(lines: Iterable[str]) -> Iterator[list[tuple[int, str]]]:
    """Yield batches of numbered lines within the limits of a request; empty lines are left out."""
    batch: list[tuple[int, str]] = []
    size = 0
    for number, line in enumerate(lines, start=1):
        event = line.strip()
        length = len(event.encode()) + 1
        if batch and (len(batch) == BATCH_EVENTS or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        if event:
            batch.append((number, event))
            size += length
    if batch:
        yield batch


def main(url: str, lines: Iterable[str], token: str) -> int:
    """Publish every line; of a batch with wrong events the others are sent without them."""
    code = 0
    with httpx.Client(timeout=60) as client:
        publisher = Publisher(client, url.rstrip("/"), token)
        for batch in batches(lines):
            try:
                code = max(code, _publish_good(publisher, batch))
            except NoAnswer as error:
                print(f"line {batch[0][0]} and the rest: {error}", file=sys.stderr)
                return 3
    return code


def _publish_good(publisher: Publisher, batch: Sequence[tuple[int, str]]) -> int:
    good = [(number, event) for number, event in batch if _is_json(number, event)]
    code = 0 if len(good) == len(batch) else 1
    while good:
        try:
            publisher.publish([event for _, event in good])
            return code
        except Refused as refused:
            wrong = {error["index"]: error for error in refused.errors if "index" in error}
            if not wrong:
                print(f"lines {good[0][0]} to {good[-1][0]}: {refused}", file=sys.stderr)
                return 1
            for index, error in sorted(wrong.items()):
                print(f"line {good[index][0]}: {error['field']}: {error['rule']}", file=sys.stderr)
            good = [one for index, one in enumerate(good) if index not in wrong]
            code = 1
    return code


def _is_json(number: int, event: str) -> bool:
    try:
        json.loads(event)
    except ValueError as error:
        print(f"line {number}: not JSON: {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.stdin, os.environ["PRAZO_TOKEN"]))
