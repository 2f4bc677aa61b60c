"""Livy's answers, read with suspicion."""

from __future__ import annotations

from typing import Any

import pytest

from emr_dr_airflow.decisions.batches import Batch, is_gone, is_not_found, read_batch
from emr_dr_airflow.decisions.wire import Answer


def test_a_batch_as_livy_tells_of_it() -> None:
    body = {"id": 7, "name": "n", "state": "running", "appId": "application_1_1", "appInfo": {"sparkUiUrl": "http://x"}}

    assert read_batch(Answer(at=0, status=200, body=body)) == Batch(
        id=7, name="n", state="running", application="application_1_1", tracking_url="http://x"
    )


@pytest.mark.parametrize(
    "body",
    [None, [], "running", {}, {"id": "7", "state": "dead"}, {"id": True, "state": "dead"}, {"id": 7, "state": None}],
)
def test_what_is_no_batch(body: Any) -> None:
    assert read_batch(Answer(at=0, status=200, body=body)) is None


def test_an_error_is_no_batch() -> None:
    assert read_batch(Answer(at=0, status=502, body={"id": 7, "state": "success"})) is None


def test_before_yarn_accepts_it_a_batch_has_no_application() -> None:
    found = read_batch(Answer(at=0, status=200, body={"id": 7, "state": "dead", "appId": None, "appInfo": None}))

    assert found is not None
    assert (found.application, found.tracking_url, found.name) == ("", "", "")
    assert found.ended and found.never_ran


def test_only_a_livy_can_say_not_found() -> None:
    assert is_not_found(Answer(at=0, status=404, body={"msg": "Session '7' not found."}))
    assert not is_not_found(Answer(at=0, status=404, text="<html>"))
    assert is_gone(Answer(at=0, status=410))
