"""AWS API calls take simulated time; the drill's own do not."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest

from emr_drill.clock import Clock
from emr_drill.stand_in.latency import ApiCallLatency, called_service
from emr_drill.timing import Timing

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=1"


class SleepRecorder(Clock):
    """A clock that never sleeps and notes how long it should have."""

    slept: list[float]

    def sleep(self, seconds: float) -> None:
        sleeps.append(seconds)


sleeps: list[float] = []


@pytest.fixture
def latency() -> ApiCallLatency:
    sleeps.clear()
    clock = SleepRecorder(speed=1, machine_origin=0, origin=0)

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return [b"answer"]

    return ApiCallLatency(application, clock=clock, timing=Timing(seed=1))


def test_signed_call_waits_for_what_the_table_says(latency: ApiCallLatency) -> None:
    latency({"HTTP_AUTHORIZATION": SIGNED}, None)

    assert 0 < sleeps[0] <= 0.24


def test_answer_is_the_applications(latency: ApiCallLatency) -> None:
    assert list(latency({"HTTP_AUTHORIZATION": SIGNED}, None)) == [b"answer"]


@pytest.mark.parametrize("environ", [{}, {"HTTP_AUTHORIZATION": SIGNED, "HTTP_X_STAND_IN_INTERNAL": "1"}])
def test_other_requests_do_not_wait(latency: ApiCallLatency, environ: dict[str, str]) -> None:
    latency(environ, None)

    assert sleeps == []


def test_time_of_the_application_counts() -> None:
    """A slow application is not made slower."""
    clock = Clock.start(speed=1000)
    release = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        clock.wait(release, 10)
        sleeps.clear()
        return []

    recorder = SleepRecorder(speed=clock.speed, machine_origin=clock.machine_origin, origin=clock.origin)
    ApiCallLatency(application, clock=recorder, timing=Timing(seed=1))({"HTTP_AUTHORIZATION": SIGNED}, None)

    assert sleeps[0] < 0


@pytest.mark.parametrize(("header", "service"), [(SIGNED, "dynamodb"), ("", ""), ("Basic dXNlcg==", "")])
def test_service_is_read_from_the_signature(header: str, service: str) -> None:
    assert called_service({"HTTP_AUTHORIZATION": header}) == service
