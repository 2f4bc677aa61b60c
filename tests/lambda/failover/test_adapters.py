"""The adapters of the services, on fakes that answer as AWS does."""

from __future__ import annotations

import io
import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from dr_core.config import ProberFunction
from failover.clients import Clients
from failover.clusters import Clusters
from failover.deployment import Deployment
from failover.errors import NoProberAnsweredError
from failover.notices import Notices
from failover.probers import Canary, Probers
from failover.stacks import IncarnationStacks

from .fakes import FakeTopics, InvalidRequestException, client_error
from .parts import CONFIG, DEPLOYMENT
from .scenarios import launched
from .world import World


class Scripted:
    """Prober functions that answer what they are told, by name; an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.asked = answers, list[str]()

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.asked.append(FunctionName)
        answer = self.answers[FunctionName]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, str):
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(answer.encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


def probers(script: Scripted) -> Probers:
    """Probers of the AZs ``x`` and ``y``."""
    known = tuple(ProberFunction(availability_zone=zone, function_name=zone) for zone in ("x", "y"))
    return Probers(client=cast("Any", script), probers=known)


GOOD = {"id": 1001000000, "state": None, "app_id": "application_1", "name": "n"}


def test_the_prober_of_the_zone_is_asked_first() -> None:
    """It is nearest to the incarnation."""
    script = Scripted(x=GOOD, y=GOOD)
    probers(script).canary(address="10.0.0.1", name="n", near="y")
    assert script.asked == ["y"]


@pytest.mark.parametrize(
    "trouble", [client_error("TooManyRequestsException", "slow"), "Task timed out", [], {"error": "refused"}]
)
def test_another_prober_is_asked_when_the_first_has_trouble(trouble: Any) -> None:
    """A prober in a dead AZ must not stop a launch in another."""
    canary = probers(Scripted(x=trouble, y=GOOD)).canary(address="10.0.0.1", name="n", near="x")
    assert canary == Canary(batch_id=1001000000, state="starting", app_id="application_1")


def test_what_livy_refused_is_told() -> None:
    """The sentence of the prober."""
    canary = probers(Scripted(x={"error": "refused"}, y={"error": "refused"})).canary(address="a", name="n", near=None)
    assert canary == Canary(error="refused")


def test_no_prober_at_all_is_an_error_of_ours() -> None:
    """UNKNOWN, not unhealthy."""
    broken = client_error("ServiceException", "away")
    with pytest.raises(NoProberAnsweredError, match=r"no prober answered route: x: .*away.*; y: "):
        probers(Scripted(x=broken, y=broken)).route_problems(name="n", batch_id=1, app_id=None, near=None)


@pytest.mark.parametrize(
    ("answer", "problems"),
    [
        ({"ok": True, "addresses": {"10.0.0.9": "ok"}}, {}),
        ({"ok": False, "addresses": {"10.0.0.8": "ok", "10.0.0.9": "410"}}, {"10.0.0.9": "410"}),
        ({"ok": False, "addresses": {}}, {"load balancer": "no address found"}),
    ],
)
def test_problems_of_a_route_are_named_by_address(answer: dict[str, Any], problems: dict[str, str]) -> None:
    """Every address of the load balancer has to lead to the owner."""
    found = probers(Scripted(x=answer, y=answer)).route_problems(name="n", batch_id=1, app_id=None, near=None)
    assert found == problems


def test_a_resource_manager_that_hangs_costs_one_prober_its_time() -> None:
    """The first answer counts; a retirement asks again."""
    script = Scripted(x={"reachable": False, "running": []}, y={"reachable": True, "running": []})
    assert not probers(script).kill_applications(address="a", near="x").reachable
    assert script.asked == ["x"]


def test_a_stack_that_cloudformation_does_not_know_is_none(world: World) -> None:
    """ValidationError is CloudFormation's way to say so."""
    assert world.deployment.stacks.describe("nothing") is None


class Failing:
    """A client whose every call fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    class exceptions:
        InvalidRequestException = InvalidRequestException

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> Any:
            raise self.error

        return call


def test_a_throttled_look_at_a_stack_raises() -> None:
    """An error of our own call is no answer."""
    client = Failing(client_error("Throttling", "Rate exceeded"))
    stacks = IncarnationStacks(client=cast("Any", client), deployment=DEPLOYMENT, role="role")
    with pytest.raises(ClientError):
        stacks.describe("stack")
    with pytest.raises(ClientError):
        stacks.cluster_id("stack")


def test_a_cluster_that_emr_refuses_to_describe_raises() -> None:
    """Only "is not valid" means that it is gone."""
    error = InvalidRequestException({"Error": {"Code": "x", "Message": "try later"}}, "DescribeCluster")
    clusters = Clusters(client=cast("Any", Failing(error)), deployment=DEPLOYMENT)
    with pytest.raises(InvalidRequestException):
        clusters.describe("j-1")


def test_a_cluster_that_ends_already_is_not_ended_again(world: World) -> None:
    """Its protection is left alone too."""
    cluster = launched(world).cluster(1)
    cluster.ended_at = world.clock.now
    world.deployment.clusters.end("j-1", managed_cluster="a", stack_name=cluster.name)
    assert world.terminated == []


def test_a_long_subject_is_cut(world: World) -> None:
    """SNS takes 100 characters."""
    notices = Notices(client=cast("Any", FakeTopics(world)), topic="t", deployment=DEPLOYMENT)
    notices.tell(subject="x" * 200, happened="a", done="b", to_do="c")
    assert len(world.notices[0]["subject"]) == 100
    assert world.notices[0]["message"] == "What happened: a\n\nWhat was done: b\n\nWhat to do next: c\n"


def test_metrics_are_written_in_seconds(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Embedded metric format on standard output, by managed cluster."""
    world.deployment.notices.measure({"LaunchSeconds": 480.12345}, managed_cluster="a")
    written = json.loads(capsys.readouterr().out)
    assert written["LaunchSeconds"] == [480.123]
    assert (written["service"], written["managed_cluster"]) == (DEPLOYMENT, "a")


def test_no_phases_are_no_metric(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is made up."""
    world.deployment.notices.measure({}, managed_cluster="a")
    assert capsys.readouterr().out == ""


def test_a_deployment_is_made_of_real_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client exists under the name that the SDK gives it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    deployment = Deployment.of(CONFIG, Clients())
    names = [
        deployment.stacks.client.meta.service_model.service_name,
        deployment.clusters.client.meta.service_model.service_name,
        deployment.front_door.client.meta.service_model.service_name,
        deployment.probers.client.meta.service_model.service_name,
        deployment.executions.client.meta.service_model.service_name,
        deployment.notices.client.meta.service_model.service_name,
    ]
    assert names == ["cloudformation", "emr", "elbv2", "lambda", "stepfunctions", "sns"]
