"""Conditional writes and names that can be taken once only."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from emr_drill.stand_in.serialization import Serialization


def together(environ: dict[str, str]) -> int:
    """How many of two simultaneous requests are inside the application at the same time."""
    inside, most, lock = [0], [0], threading.Lock()
    meeting = threading.Barrier(2)

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait(0.2)  # only met when both are inside
        with lock:
            inside[0] -= 1
        return []

    serialized = Serialization(application)
    threads = [threading.Thread(target=serialized, args=(environ, None)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return most[0]


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_AUTHORIZATION": "Credential=test/20260101/us-east-1/dynamodb/aws4_request"},
        {"HTTP_X_AMZ_TARGET": "AWSStepFunctions.StartExecution"},
    ],
)
def test_one_request_at_a_time(environ: dict[str, str]) -> None:
    assert together(environ) == 1


def test_functions_run_side_by_side() -> None:
    """Both calls are inside at once, or neither would end."""
    meeting = threading.Barrier(2)

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        meeting.wait(30)
        return []

    environ = {"HTTP_AUTHORIZATION": "Credential=test/20260101/us-east-1/lambda/aws4_request"}
    serialized = Serialization(application)
    threads = [threading.Thread(target=serialized, args=(environ, None)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not meeting.broken
