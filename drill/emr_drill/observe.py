"""Reads a running deployment from outside, over the AWS API alone, as a person with a console would."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from dr_core.config import ENVIRONMENT_VARIABLE, FunctionConfig
from dr_core.evidence import sort_key_from
from dr_core.steps import PHASES
from emr_drill.errors import DrillError

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

IDS_PER_PREFIX = 1_000_000
# Ids of up to eight digits lie in no range: an incarnation whose seed failed twice gives them.
UNSEEDED_IDS = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StateEntry:
    """One visit to a state of a machine; times are simulated seconds since 1970."""

    state: str
    entered: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution of a machine, as its history tells it."""

    arn: str
    name: str
    status: str
    started: float
    stopped: float | None
    states: Sequence[StateEntry]

    def first_entered(self, state: str) -> float | None:
        """When *state* was first entered."""
        return next((entry.entered for entry in self.states if entry.state == state), None)

    def phases(self) -> dict[str, float]:
        """Seconds of each phase that this execution finished, without ``detect``, which came before it."""
        marks = [(name, self.first_entered(steps[0])) for name, steps in PHASES.items()]
        marks.append(("end", self.first_entered("CutOverDone")))
        result = {}
        for (name, begin), (_, end) in itertools.pairwise(marks):
            if begin is not None and end is not None:
                result[name] = end - begin
        repaired = self.first_entered("Repaired")
        if repaired is not None and marks[0][1] is not None:  # it ended within its first phase
            result["decide"] = repaired - marks[0][1]
        return result


FUNCTION_SUFFIX = "-failover"


def deployment_name(stand_in: StandIn, *, strategy: str) -> str:
    """What the settings call the deployment of *strategy*, by the names of its functions.

    Raises:
        DrillError: there is none.
    """
    functions: Any = stand_in.client("lambda")
    names = [str(one["FunctionName"]) for one in functions.list_functions()["Functions"]]
    ending = f"-{strategy}{FUNCTION_SUFFIX}"
    for name in names:
        if name.endswith(ending):
            return name.removesuffix(FUNCTION_SUFFIX)
    raise DrillError(f"the deployed assembly has no function whose name ends with {ending}, only {', '.join(names)}")


class Deployment:
    """One strategy stack in the stand-in."""

    def __init__(self, *, stand_in: StandIn, name: str) -> None:
        self._stand_in = stand_in
        self.name = name
        functions: Any = stand_in.client("lambda")
        known = f"{name}{FUNCTION_SUFFIX}"
        try:
            function = functions.get_function_configuration(FunctionName=known)
        except functions.exceptions.ResourceNotFoundException as error:
            raise DrillError(f"the deployed assembly has no function {known}: is its name {name!r}?") from error
        self.config = FunctionConfig.from_json(function["Environment"]["Variables"][ENVIRONMENT_VARIABLE])

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Every item of one kind in the record, as plain values."""
        return self._query(self.config.record_table, "kind", kind)

    def incarnations(self) -> list[dict[str, Any]]:
        """Every incarnation of the record, oldest first."""
        return sorted(self.records("incarnation"), key=lambda item: item["generation"])

    def evidence(self, generation: int) -> list[dict[str, Any]]:
        """The last evidence about one incarnation, oldest first."""
        return self._query(self.config.evidence_table, "incarnation", f"g{generation:06d}", last=12)

    def evidence_since(self, generation: int, at: float) -> list[dict[str, Any]]:
        """All evidence about one incarnation that was observed at *at* or later, oldest first."""
        client: Any = self._stand_in.client("dynamodb")
        pages = client.get_paginator("query").paginate(
            TableName=self.config.evidence_table,
            KeyConditionExpression="incarnation = :incarnation AND observed >= :since",
            ExpressionAttributeValues={
                ":incarnation": {"S": f"g{generation:06d}"},
                ":since": {"S": sort_key_from(at)},
            },
        )
        return [_plain_item(item) for page in pages for item in page["Items"]]

    def executions(self, machine: str) -> list[Execution]:
        """Every execution of ``operation`` or ``retirement``, oldest first."""
        states: Any = self._stand_in.client("stepfunctions")
        arn = getattr(self.config, f"{machine}_state_machine")
        found = states.list_executions(stateMachineArn=arn, maxResults=100)["executions"]
        return sorted((self._execution(states, item) for item in found), key=lambda one: one.started)

    def owner(self, batch_id: int) -> str | None:
        """Name of the cluster whose range *batch_id* lies in; short ids are those of the one that serves unseeded."""
        for item in self.incarnations():
            if item["id_prefix"] == batch_id // IDS_PER_PREFIX:
                return str(item["stack_name"])
            if item.get("unseeded") and batch_id < UNSEEDED_IDS:
                return str(item["stack_name"])
        return None

    def front_door_addresses(self) -> Sequence[str]:
        """What the front door's name resolves to."""
        return self._addresses(self.config.front_door_name or self.config.front_door_host)

    def load_balancer_nodes(self) -> Sequence[str]:
        """What the application load balancer's name resolves to: one node in each AZ."""
        return self._addresses(self.config.load_balancer_host)

    def _addresses(self, name: str) -> Sequence[str]:
        names: dict[str, list[str]] = self._stand_in.load_balancers.dns_names()
        for known, addresses in names.items():
            if known.lower() == name.lower():
                return addresses
        raise DrillError(f"no load balancer has the name {name!r}, only {sorted(names)}")

    def _query(self, table: str, key: str, value: str, last: int | None = None) -> list[dict[str, Any]]:
        client: Any = self._stand_in.client("dynamodb")
        answer = client.query(
            TableName=table,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": key},
            ExpressionAttributeValues={":value": {"S": value}},
            **({"ScanIndexForward": False, "Limit": last} if last else {}),
        )
        items = [_plain_item(item) for item in answer["Items"]]
        return items[::-1] if last else items

    def _execution(self, states: Any, item: dict[str, Any]) -> Execution:
        entries: list[StateEntry] = []
        arguments: dict[str, Any] = {"executionArn": item["executionArn"], "maxResults": 1000}
        while True:
            page = states.get_execution_history(**arguments)
            for event in page["events"]:
                detail = event.get("stateEnteredEventDetails")
                if detail:
                    entries.append(StateEntry(state=detail["name"], entered=event["timestamp"].timestamp()))
            if not page.get("nextToken"):
                break
            arguments["nextToken"] = page["nextToken"]
        stopped = item.get("stopDate")
        return Execution(
            arn=item["executionArn"],
            name=item["name"],
            status=item["status"],
            started=item["startDate"].timestamp(),
            stopped=stopped.timestamp() if stopped else None,
            states=entries,
        )


def _plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    read = TypeDeserializer().deserialize
    return {name: plain(read(field)) for name, field in item.items()}


def plain(value: Any) -> Any:
    """DynamoDB's Decimals as int or float, all the way down."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        number = float(value)
        return int(number) if number.is_integer() else number
    return value


def request_of(operation: dict[str, Any]) -> dict[str, Any]:
    """The request that an operation item carries."""
    found: dict[str, Any] = json.loads(operation.get("request", "{}"))
    return found


def told(journal: Sequence[Mapping[str, Any]], *, since: int) -> tuple[list[str], dict[str, float]]:
    """What people were told, from entry number *since* of the journal on.

    Returns:
        Subjects of the messages to the alert topic, and the highest value of each metric by its name.
    """
    subjects: list[str] = []
    metrics: dict[str, float] = {}
    for entry in list(journal)[since:]:
        if entry.get("kind") == "notification":
            subjects.append(str(entry["subject"]))
        elif entry.get("kind") == "metric":
            metrics[entry["name"]] = max(float(entry["value"]), metrics.get(entry["name"], float("-inf")))
    return subjects, metrics
