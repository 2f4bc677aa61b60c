from __future__ import annotations

import json
from typing import Any

import pytest

from dr_core.requests import Kind, OperationRequest, Reason, RetirementRequest

OPERATION = OperationRequest(
    operation="a-20261121t031025-1",
    kind=Kind.FAILOVER,
    reason=Reason.UNHEALTHY,
    managed_cluster="a",
    incident="a-20261121t031025",
)
RETIREMENT = RetirementRequest(retirement="a-retire-g1", managed_cluster="a", generation=1, planned=False)


def test_operation_request_is_the_machines_input() -> None:
    assert OPERATION.to_dict() == {
        "operation": "a-20261121t031025-1",
        "kind": "failover",
        "reason": "unhealthy",
        "managed_cluster": "a",
        "incident": "a-20261121t031025",
    }


def test_retirement_request_is_the_machines_input() -> None:
    assert RETIREMENT.to_dict() == {
        "retirement": "a-retire-g1",
        "managed_cluster": "a",
        "generation": 1,
        "planned": False,
    }


def test_operation_request_comes_back_from_its_text() -> None:
    assert OperationRequest.from_json(OPERATION.to_json()) == OPERATION


def test_operation_request_without_incident_comes_back() -> None:
    request = OperationRequest(operation="a-x", kind=Kind.LAUNCH, reason=Reason.BOOTSTRAP, managed_cluster="a")

    assert OperationRequest.from_dict(request.to_dict()) == request
    assert request.to_dict()["incident"] is None


def test_retirement_request_comes_back_from_its_text() -> None:
    assert RetirementRequest.from_dict(json.loads(RETIREMENT.to_json())) == RETIREMENT


@pytest.mark.parametrize("request_", [OPERATION, RETIREMENT])
def test_text_has_its_keys_in_order_so_that_the_same_request_is_the_same_text(request_: Any) -> None:
    """A13: StartExecution accepts a second start of the same name only with the same input."""
    assert list(json.loads(request_.to_json())) == sorted(request_.to_dict())


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "failover", "reason": "unhealthy", "managed_cluster": "a"},
        {"operation": "x", "kind": "failover", "managed_cluster": "a"},
        {**OPERATION.to_dict(), "colour": "red"},
    ],
)
def test_wrong_operation_request_is_named(data: dict[str, Any]) -> None:
    with pytest.raises(
        ValueError, match=r"^not the request of an operation: \{.*'managed_cluster': 'a'.*\}: \w+Error\("
    ):
        OperationRequest.from_dict(data)


def test_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match="'jump' is not a valid Kind"):
        OperationRequest.from_dict({**OPERATION.to_dict(), "kind": "jump"})


def test_wrong_retirement_request_is_named() -> None:
    with pytest.raises(ValueError, match=r"^not the request of a retirement: \{'managed_cluster': 'a'\}: TypeError\("):
        RetirementRequest.from_dict({"managed_cluster": "a"})


def test_kinds_and_reasons_are_the_words_of_the_record() -> None:
    assert [str(kind) for kind in Kind] == ["launch", "failover", "switchover", "repair"]
    assert [str(reason) for reason in Reason] == [
        "bootstrap",
        "unhealthy",
        "upgrade",
        "manual",
        "drill",
        "failback",
        "evacuation",
    ]
