from __future__ import annotations

import json
from typing import Any

import pytest

from dr_core.record import ManagedCluster
from dr_core.requests import (
    Circumstances,
    DrainMode,
    Kind,
    OperationRequest,
    Reason,
    RequestRefusedError,
    RetirementRequest,
    is_the_products,
    read_by_hand,
    weigh,
)

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
    assert [str(kind) for kind in Kind] == ["launch", "failover", "switchover", "repair", "standby"]
    assert [str(reason) for reason in Reason] == [
        "bootstrap",
        "unhealthy",
        "upgrade",
        "manual",
        "drill",
        "failback",
        "evacuation",
        "standby",
    ]


BY_HAND: dict[str, Any] = {"kind": "switchover", "managed_cluster": "a", "reason": "manual"}


def by_hand(**changes: Any) -> OperationRequest:
    """A request by hand, read for the execution ``mine``."""
    return read_by_hand({**BY_HAND, **changes}, execution_name="mine")


def test_request_by_hand_is_called_as_its_execution() -> None:
    request = by_hand()

    assert request == OperationRequest(
        operation="mine", kind=Kind.SWITCHOVER, reason=Reason.MANUAL, managed_cluster="a"
    )
    assert request.by_hand


def test_the_persons_words_are_kept() -> None:
    request = by_hand(because="before the maintenance", reason="evacuation")

    assert request.because == "before the maintenance"
    assert request.why == "evacuation: before the maintenance"
    assert OperationRequest.from_json(request.to_json()) == request


def test_a_person_may_want_the_jobs_ended_at_once() -> None:
    """B13."""
    request = by_hand(drain="now")

    assert request.drain is DrainMode.NOW
    assert request.to_dict()["drain"] == "now"
    assert OperationRequest.from_json(request.to_json()) == request


def test_a_request_that_says_nothing_of_it_lets_jobs_end() -> None:
    assert by_hand().drain is by_hand(drain="wait").drain is DrainMode.WAIT
    assert "drain" not in by_hand(drain="wait").to_dict()


def test_a_request_without_words_has_its_reason_alone() -> None:
    assert by_hand().why == "manual"
    assert "because" not in by_hand().to_dict()


@pytest.mark.parametrize("reason", [Reason.BOOTSTRAP, Reason.UNHEALTHY, Reason.UPGRADE])
def test_a_request_of_the_product_is_none_by_hand(reason: Reason) -> None:
    request = OperationRequest(operation="x", kind=Kind.FAILOVER, reason=reason, managed_cluster="a")

    assert not request.by_hand
    assert is_the_products(request.to_dict(), execution_name="x")


def test_a_copied_input_in_a_new_execution_is_a_request_by_hand() -> None:
    """A14: it does not pass as the monitor's."""
    assert not is_the_products(OPERATION.to_dict(), execution_name="another")
    assert not is_the_products({**BY_HAND, "operation": "x"}, execution_name="x")
    assert not is_the_products("failover", execution_name="x")


REFUSED = [
    (
        "failover",
        'request must be an object with kind, managed_cluster, reason, got "failover": '
        "see docs/operation-request.schema.json",
    ),
    (
        {**BY_HAND, "colour": "red", "cluster": "a"},
        "request has keys that nobody may give by hand: cluster, colour; "
        "allowed are kind, managed_cluster, reason, because, drain, operation: leave the others out",
    ),
    (
        {**BY_HAND, "incident": "a-20261121t031025"},
        "request has keys that nobody may give by hand: incident; "
        "allowed are kind, managed_cluster, reason, because, drain, operation: leave the others out",
    ),
    (
        {"kind": "failover"},
        "request says nothing about managed_cluster, reason; kind, managed_cluster, reason have to be there: "
        "add what is missing",
    ),
    (
        {**BY_HAND, "kind": "fail-over"},
        'kind must be one of failover, repair, switchover, got "fail-over": correct it',
    ),
    (
        {**BY_HAND, "kind": "launch"},
        'kind must be one of failover, repair, switchover, got "launch": a managed cluster is launched by '
        "deploying its stack; to replace what serves, start a switchover",
    ),
    (
        {**BY_HAND, "kind": ["failover"]},
        'kind must be one of failover, repair, switchover, got ["failover"]: correct it',
    ),
    (
        {**BY_HAND, "reason": "because"},
        'reason must be one of drill, evacuation, failback, manual, got "because": correct it',
    ),
    (
        {**BY_HAND, "reason": "unhealthy"},
        'reason must be one of drill, evacuation, failback, manual, got "unhealthy": that is the monitor\'s reason; '
        "a person's own is manual",
    ),
    (
        {**BY_HAND, "reason": "bootstrap"},
        'reason must be one of drill, evacuation, failback, manual, got "bootstrap": that is CloudFormation\'s reason; '
        "a person's own is manual",
    ),
    (
        {**BY_HAND, "reason": "upgrade"},
        'reason must be one of drill, evacuation, failback, manual, got "upgrade": that is CloudFormation\'s reason; '
        "a person's own is manual",
    ),
    ({**BY_HAND, "managed_cluster": 7}, "managed_cluster must be a text of 1 to 80 characters, got 7: correct it"),
    ({**BY_HAND, "because": ""}, 'because must be a text of 1 to 500 characters, got "": correct it'),
    (
        {**BY_HAND, "because": "x" * 501},
        f'because must be a text of 1 to 500 characters, got "{"x" * 96}...: correct it',
    ),
    (
        {**BY_HAND, "operation": "x" * 81},
        f'operation must be a text of 1 to 80 characters, got "{"x" * 81}": correct it',
    ),
    ({**BY_HAND, "drain": "later"}, 'drain must be one of wait, now, got "later": correct it'),
    (
        {**BY_HAND, "kind": "failover", "reason": "failback"},
        "failback is a reason for a switchover, got kind failover: it returns to a preferred availability zone or "
        "changes nothing; ask for a switchover, or give another reason",
    ),
    (
        {**BY_HAND, "kind": "failover", "drain": "now"},
        "drain is for a switchover, got kind failover: a failover ends the jobs of what it replaces, and a repair "
        "keeps them; leave drain out, or ask for a switchover",
    ),
]


@pytest.mark.parametrize(("data", "sentence"), REFUSED)
def test_what_a_person_gets_wrong_is_said_in_one_sentence(data: Any, sentence: str) -> None:
    with pytest.raises(RequestRefusedError) as refusal:
        read_by_hand(data, execution_name="mine")
    assert str(refusal.value) == sentence


def test_texts_as_long_as_they_may_be_are_read() -> None:
    request = by_hand(because="x" * 500, operation="x" * 80, managed_cluster="x" * 80)

    assert (len(request.because or ""), len(request.operation), len(request.managed_cluster)) == (500, 80, 80)


def weighed(request: OperationRequest, **changes: Any) -> str:
    """The sentence that *request* is refused with, empty if it is carried out."""
    serving = ManagedCluster(name="a", serving_generation=3)
    values: dict[str, Any] = {"execution_name": "mine", "known": ["a", "b"], "managed_cluster": serving}
    try:
        weigh(request, Circumstances(**{**values, **changes}))
    except RequestRefusedError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", ["failover", "repair", "switchover"])
def test_what_is_in_order_is_carried_out(kind: str) -> None:
    assert weighed(by_hand(kind=kind)) == ""


def test_a_failover_is_carried_out_though_nothing_serves() -> None:
    """A11: it brings the managed cluster back."""
    assert weighed(by_hand(kind="failover"), managed_cluster=ManagedCluster(name="a")) == ""


@pytest.mark.parametrize(
    ("request_", "changes", "sentence"),
    [
        (
            by_hand(operation="other"),
            {},
            "operation must be the name of the execution, 'mine', got 'other': leave it out",
        ),
        (
            by_hand(operation="two words"),
            {"execution_name": "two words"},
            "the execution is called 'two words', allowed are 1 to 80 letters, digits, hyphens and underscores: "
            "start it again under such a name, or without a name",
        ),
        (
            by_hand(operation="a-20261121t031025-2"),
            {"execution_name": "a-20261121t031025-2"},
            "the execution is called 'a-20261121t031025-2', as only the product calls its own: "
            "start it again under another name, or without a name",
        ),
        (
            by_hand(),
            {"used_before": True},
            "an operation called 'mine' is in the record already, and each has a name of its own: "
            "start it again under another name, or without a name",
        ),
        (
            by_hand(managed_cluster="c"),
            {"managed_cluster": None},
            "managed_cluster must be one of a, b, got 'c': correct it",
        ),
        (
            by_hand(),
            {"managed_cluster": None},
            "managed cluster a was never created, so nothing says what to launch: deploy its stack first",
        ),
        (
            by_hand(),
            {"managed_cluster": ManagedCluster(name="a", serving_generation=3, tombstone=True)},
            "managed cluster a is being deleted, and nothing is started for it: deploy its stack again first",
        ),
        (
            by_hand(kind="failover"),
            {"holder": "a-20261121t031025-1"},
            "operation a-20261121t031025-1 works on managed cluster a, and there is one at a time: "
            "wait for its end, or stop its execution, then start this one again under another name",
        ),
        (
            by_hand(kind="repair"),
            {"managed_cluster": ManagedCluster(name="a")},
            "nothing of managed cluster a is in service, so there is nothing for a repair: "
            "start a failover, which launches it anew",
        ),
        (
            by_hand(),
            {"managed_cluster": ManagedCluster(name="a")},
            "nothing of managed cluster a is in service, so there is nothing for a switchover: "
            "start a failover, which launches it anew",
        ),
    ],
)
def test_what_cannot_be_done_now_is_said_in_one_sentence(
    request_: OperationRequest, changes: dict[str, Any], sentence: str
) -> None:
    assert weighed(request_, **changes) == sentence


def test_a_key_that_says_nothing_is_passed_over() -> None:
    """Whoever writes a request with our own code writes it, too."""
    assert by_hand(incident=None) == by_hand()


@pytest.mark.parametrize(("length", "shown"), [(98, f'"{"é" * 98}"'), (99, f'"{"é" * 96}...')])
def test_what_was_got_is_cut_to_what_fits_into_a_sentence(length: int, shown: str) -> None:
    """In the person's own letters."""
    with pytest.raises(RequestRefusedError) as refusal:
        by_hand(kind="é" * length)
    assert f"got {shown}: correct it" in str(refusal.value)
