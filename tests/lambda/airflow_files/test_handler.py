"""Requests of CloudFormation for one file."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_files import handler as module
from airflow_files.files import File
from airflow_files.handler import carry_out, handler

PROPERTIES = {
    "ServiceToken": "arn",
    "Bucket": "airflow",
    "Key": "plugins/abc.zip",
    "SourceBucket": "published",
    "SourceKey": "abc.zip",
}


class Kept:
    """Files that only keep what they are asked for."""

    def __init__(self) -> None:
        self.put_files: list[File] = []
        self.removed: list[tuple[str, str]] = []

    def put(self, file: File) -> str:
        self.put_files.append(file)
        return "version-1"

    def remove(self, bucket: str, key: str) -> None:
        self.removed.append((bucket, key))


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Kept:
    kept = Kept()
    monkeypatch.setattr(module, "_files", lambda: kept)
    return kept


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(module, "answer", lambda event, **what: found.append(what))
    return found


def request(kind: str, **more: Any) -> dict[str, Any]:
    return {"RequestType": kind, "ResourceProperties": PROPERTIES, "PhysicalResourceId": "airflow/old.zip", **more}


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_file_is_put_and_its_version_answered(kind: str, files: Kept, answers: list[dict[str, Any]]) -> None:
    handler(request(kind), None)

    (answer,) = answers
    assert answer["succeeded"] is True
    assert answer["data"] == {"VersionId": "version-1", "Key": "plugins/abc.zip"}
    assert [each.source_key for each in files.put_files] == ["abc.zip"]


def test_another_place_is_another_resource(files: Kept, answers: list[dict[str, Any]]) -> None:
    """CloudFormation removes what was replaced only when everything that used it has changed."""
    handler(request("Update"), None)

    assert answers[0]["physical_id"] == "airflow/plugins/abc.zip"
    assert files.removed == []


def test_what_was_made_is_removed_by_the_name_that_it_has(files: Kept, answers: list[dict[str, Any]]) -> None:
    handler(request("Delete"), None)

    assert files.removed == [("airflow", "old.zip")]
    assert answers[0] | {"reason": ""} == {
        "physical_id": "airflow/old.zip",
        "reason": "",
        "succeeded": True,
        "data": {},
    }


def test_what_was_never_made_is_removed_without_a_call(files: Kept, answers: list[dict[str, Any]]) -> None:
    """CloudFormation deletes what it failed to create."""
    handler(request("Delete", PhysicalResourceId="not-made"), None)

    assert files.removed == []
    assert answers[0]["succeeded"] is True


def test_whatever_goes_wrong_is_answered_at_once(files: Kept, answers: list[dict[str, Any]]) -> None:
    """Else CloudFormation waits for its time limit."""
    handler({"RequestType": "Create", "ResourceProperties": {"Key": "dags/d.py"}}, None)

    (answer,) = answers
    assert answer["succeeded"] is False
    assert "dags/d.py could not be put into the bucket of Airflow (ValueError: got no property" in answer["reason"]


def test_a_request_of_no_known_type_is_refused(files: Kept) -> None:
    with pytest.raises(ValueError, match="got the request type 'Guess'"):
        carry_out(request("Guess"), files)  # type: ignore[arg-type]
