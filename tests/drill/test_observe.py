"""Reading a deployment from outside, over the AWS API alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from boto3.dynamodb.types import TypeSerializer

from dr_core.config import FunctionConfig
from emr_drill import observe
from emr_drill.errors import DrillError
from emr_drill.observe import Deployment, Execution, StateEntry, deployment_name, plain, request_of, told


class Missing(Exception):
    """What Lambda's client raises for a function that is not there."""


class Lambda:
    """Knows one function."""

    class exceptions:
        ResourceNotFoundException = Missing

    def list_functions(self) -> dict[str, Any]:
        names = ("dep-active-passive-prober-1", "dep-active-passive-failover", "dep-active-active-failover")
        return {"Functions": [{"FunctionName": name} for name in names]}

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:
        if FunctionName != "dep-failover":
            raise Missing(FunctionName)
        return {"Environment": {"Variables": {"EMR_DR_CONFIG": "the configuration"}}}


class Tables:
    """Items by table and partition key."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.queries: list[dict[str, Any]] = []

    def query(self, **arguments: Any) -> dict[str, Any]:
        self.queries.append(arguments)
        found = list(
            self.items.get((arguments["TableName"], arguments["ExpressionAttributeValues"][":value"]["S"]), [])
        )
        if not arguments.get("ScanIndexForward", True):
            found.reverse()
        serialize = TypeSerializer().serialize
        return {
            "Items": [
                {name: serialize(value) for name, value in item.items()} for item in found[: arguments.get("Limit")]
            ]
        }


class States:
    """Executions and their histories, two events a page."""

    def __init__(self) -> None:
        self.executions: list[dict[str, Any]] = []
        self.histories: dict[str, list[dict[str, Any]]] = {}

    def list_executions(self, *, stateMachineArn: str, maxResults: int) -> dict[str, Any]:
        return {"executions": [item for item in self.executions if item["stateMachineArn"] == stateMachineArn]}

    def get_execution_history(self, *, executionArn: str, maxResults: int, nextToken: str = "0") -> dict[str, Any]:
        first = int(nextToken)
        events = self.histories[executionArn]
        page: dict[str, Any] = {"events": events[first : first + 2]}
        return page | ({"nextToken": str(first + 2)} if first + 2 < len(events) else {})


class LoadBalancers:
    """Names of load balancers."""

    def dns_names(self) -> Mapping[str, Sequence[str]]:
        return {"door-1.elb": ["127.12.1.3"], "Balancer-2.ELB": ["127.12.1.2", "127.12.2.2"]}


class Config:
    """The settings of functions that are read here."""

    record_table, evidence_table = "record", "evidence"
    operation_state_machine, retirement_state_machine = "arn:operation", "arn:retirement"
    front_door_host, load_balancer_host, front_door_name = "Door-1.elb", "balancer-2.elb", ""


class StandIn:
    """AWS, as far as an observer asks."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {"lambda": Lambda(), "dynamodb": Tables(), "stepfunctions": States()}
        self.load_balancers = LoadBalancers()

    def client(self, service: str) -> Any:
        return self.clients[service]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    def config(text: str) -> Config:
        assert text == "the configuration"
        return Config()

    monkeypatch.setattr(FunctionConfig, "from_json", config)
    return StandIn()


@pytest.fixture
def deployment(stand_in: StandIn) -> Deployment:
    return Deployment(stand_in=cast(Any, stand_in), name="dep")


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def entered(state: str, seconds: float) -> dict[str, Any]:
    return {"timestamp": at(seconds), "stateEnteredEventDetails": {"name": state}}


def test_an_assembly_of_another_name_is_refused_in_words(stand_in: StandIn) -> None:
    with pytest.raises(DrillError, match="has no function other-failover: is its name 'other'"):
        Deployment(stand_in=cast(Any, stand_in), name="other")


@pytest.mark.parametrize("strategy", ["active-passive", "active-active"])
def test_a_deployment_is_found_whatever_the_settings_call_it(stand_in: StandIn, strategy: str) -> None:
    assert deployment_name(cast(Any, stand_in), strategy=strategy) == f"dep-{strategy}"


def test_an_assembly_of_another_strategy_is_refused_in_words(stand_in: StandIn) -> None:
    with pytest.raises(DrillError, match="no function whose name ends with -pilot-light-failover, only dep-active"):
        deployment_name(cast(Any, stand_in), strategy="pilot-light")


def test_records_come_as_plain_values(stand_in: StandIn, deployment: Deployment) -> None:
    stand_in.clients["dynamodb"].items["record", "operation"] = [
        {"id": "o", "started_at": Decimal("1.5"), "entered": {"Claim": Decimal(2)}, "answered": True, "tried": ["a"]}
    ]

    assert deployment.records("operation") == [
        {"id": "o", "started_at": 1.5, "entered": {"Claim": 2}, "answered": True, "tried": ["a"]}
    ]


def test_incarnations_come_oldest_first(stand_in: StandIn, deployment: Deployment) -> None:
    stand_in.clients["dynamodb"].items["record", "incarnation"] = [{"generation": Decimal(n)} for n in (2, 10, 1)]

    assert [item["generation"] for item in deployment.incarnations()] == [1, 2, 10]


def test_evidence_is_the_last_of_an_incarnation_oldest_first(stand_in: StandIn, deployment: Deployment) -> None:
    stand_in.clients["dynamodb"].items["evidence", "g000002"] = [{"observed": str(number)} for number in range(20)]

    assert [item["observed"] for item in deployment.evidence(2)] == [str(number) for number in range(8, 20)]


def test_an_id_belongs_to_the_incarnation_of_its_range(stand_in: StandIn, deployment: Deployment) -> None:
    stand_in.clients["dynamodb"].items["record", "incarnation"] = [
        {"generation": Decimal(n), "id_prefix": Decimal(1000 + n), "stack_name": f"dep-a-g{n}"} for n in (1, 2)
    ]

    assert [deployment.owner(batch_id) for batch_id in (1001999999, 1002000000, 1003000000)] == [
        "dep-a-g1",
        "dep-a-g2",
        None,
    ]


def test_a_short_id_belongs_to_the_incarnation_that_serves_unseeded(stand_in: StandIn, deployment: Deployment) -> None:
    stand_in.clients["dynamodb"].items["record", "incarnation"] = [
        {"generation": 1, "id_prefix": 1001, "stack_name": "dep-a-g1"},
        {"generation": 2, "id_prefix": 1002, "stack_name": "dep-a-g2", "unseeded": True},
    ]

    assert deployment.owner(7) == "dep-a-g2"
    assert deployment.owner(99_999_999) == "dep-a-g2"
    assert deployment.owner(100_000_000) is None


def test_executions_come_oldest_first_with_their_whole_history(stand_in: StandIn, deployment: Deployment) -> None:
    states = stand_in.clients["stepfunctions"]
    states.executions = [
        {
            "executionArn": name,
            "name": name,
            "status": status,
            "startDate": at(started),
            "stateMachineArn": "arn:operation",
            **stopped,
        }
        for name, status, started, stopped in (
            ("second", "RUNNING", 20.0, {}),
            ("first", "SUCCEEDED", 10.0, {"stopDate": at(15)}),
        )
    ]
    states.histories = {
        "first": [entered("Claim", 11), {"timestamp": at(11)}, entered("Launch", 12), entered("CutOverDone", 13)],
        "second": [],
    }

    first, second = deployment.executions("operation")

    assert (first.name, first.started, first.stopped) == ("first", 10.0, 15.0)
    assert [(entry.state, entry.entered) for entry in first.states] == [
        ("Claim", 11.0),
        ("Launch", 12.0),
        ("CutOverDone", 13.0),
    ]
    assert (second.stopped, list(second.states)) == (None, [])


def test_executions_of_the_other_machine_are_left_out(stand_in: StandIn, deployment: Deployment) -> None:
    stand_in.clients["stepfunctions"].executions = [{"stateMachineArn": "arn:operation"}]

    assert deployment.executions("retirement") == []


def test_names_resolve_whatever_their_letters(deployment: Deployment) -> None:
    """Functions get a name as CloudFormation makes it, resolvers ask in small letters."""
    assert list(deployment.front_door_addresses()) == ["127.12.1.3"]
    assert list(deployment.load_balancer_nodes()) == ["127.12.1.2", "127.12.2.2"]


def test_an_unknown_name_is_refused_in_words(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Config, "front_door_host", "gone.elb")

    with pytest.raises(DrillError, match=r"no load balancer has the name 'gone\.elb'"):
        deployment.front_door_addresses()


def execution(*states: tuple[str, float]) -> Execution:
    return Execution(
        arn="arn",
        name="name",
        status="SUCCEEDED",
        started=0.0,
        stopped=None,
        states=[StateEntry(state=state, entered=entered) for state, entered in states],
    )


def test_phases_reach_from_their_first_step_to_the_next_phases() -> None:
    """Steps that wait are entered again; the first time counts."""
    found = execution(
        ("Claim", 10),
        ("Reassess", 12),
        ("Launch", 20),
        ("LaunchWait", 22),
        ("Launch", 25),
        ("Verify", 500),
        ("Route", 540),
        ("Fence", 560),
        ("CutOver", 570),
        ("CutOverDone", 590),
    ).phases()

    assert found == {"decide": 10, "launch": 480, "verify": 60, "cut_over": 30}


def test_a_phase_that_did_not_end_is_none() -> None:
    assert execution(("Claim", 10), ("Launch", 20), ("RollBack", 700)).phases() == {"decide": 10}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("3"), 3),
        (Decimal("3.25"), 3.25),
        ([Decimal(1), {"a": Decimal(2)}], [1, {"a": 2}]),
        (True, True),
        (None, None),
        ("3", "3"),
    ],
)
def test_plain_values(value: Any, expected: Any) -> None:
    found = plain(value)

    assert (found, type(found)) == (expected, type(expected))


def test_an_operation_without_a_request_has_an_empty_one() -> None:
    assert request_of({}) == {}
    assert request_of({"request": '{"kind": "failover"}'}) == {"kind": "failover"}


def test_a_range_of_ids_is_a_million() -> None:
    assert observe.IDS_PER_PREFIX == 1_000_000


def test_a_repaired_execution_ended_within_its_first_phase() -> None:
    states = [StateEntry(state=name, entered=at) for name, at in (("Claim", 5.0), ("Repair", 9.0), ("Repaired", 70.0))]
    execution = Execution(arn="a", name="a", status="SUCCEEDED", started=5, stopped=70, states=states)

    assert execution.phases() == {"decide": 65.0}


def test_what_people_were_told_is_read_from_an_entry_on() -> None:
    journal: list[dict[str, Any]] = [
        {"kind": "notification", "subject": "before"},
        {"kind": "notification", "subject": "a failed over"},
        {"kind": "metric", "name": "Repaired", "value": 1},
        {"kind": "metric", "name": "Repaired", "value": 0},
        {"kind": "cluster"},
    ]

    assert told(journal, since=1) == (["a failed over"], {"Repaired": 1.0})
