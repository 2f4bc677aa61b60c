"""What is put to the URL that CloudFormation gave."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from http.client import HTTPMessage
from io import BytesIO
from typing import Any

import pytest

from emr_leftovers import answering

EVENT = {"ResponseURL": "https://example.org/answer", "StackId": "s", "RequestId": "r", "LogicalResourceId": "l"}


class Bucket:
    """In place of S3: refuses with the codes that it was given, one after the other, and then takes what is put."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.got: list[urllib.request.Request] = []

    def __call__(self, request: urllib.request.Request, timeout: float) -> Any:
        if self.codes:
            raise urllib.error.HTTPError(request.full_url, self.codes.pop(0), "refused", HTTPMessage(), BytesIO())
        self.got.append(request)
        return BytesIO()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def answer(monkeypatch: pytest.MonkeyPatch, bucket: Bucket, **what: Any) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", bucket)
    answering.answer(EVENT, **{"physical_id": "emr-leftovers/vpc-1", "reason": "done", "succeeded": True, **what})


def test_an_answer_has_what_cloudformation_asks_for(monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> None:
    bucket = Bucket()

    answer(monkeypatch, bucket, reason="x" * 5000)

    (request,) = bucket.got
    assert isinstance(request.data, bytes)
    assert b'"Status": "SUCCESS"' in request.data
    assert len(request.data) < 4096
    # The URL was signed without one.
    assert request.get_header("Content-type") == ""


def test_a_failure_says_so(monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> None:
    bucket = Bucket()

    answer(monkeypatch, bucket, succeeded=False)

    assert isinstance(bucket.got[0].data, bytes)
    assert b'"Status": "FAILED"' in bucket.got[0].data


def test_an_answer_that_is_not_taken_is_given_again(monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> None:
    bucket = Bucket(503, 500)

    answer(monkeypatch, bucket)

    assert len(bucket.got) == 1
    assert slept == [1, 2]


def test_an_expired_url_ends_it(monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> None:
    answer(monkeypatch, Bucket(403))

    assert slept == []


def test_an_answer_that_is_never_taken_is_an_error(monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> None:
    """The function fails then, and Lambda sends the request again."""
    with pytest.raises(urllib.error.HTTPError):
        answer(monkeypatch, Bucket(500, 500, 500, 500))
