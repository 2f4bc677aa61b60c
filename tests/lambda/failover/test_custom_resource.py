"""Create, Update and Delete of ``Custom::EmrManagedCluster``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dr_core.config import ENVIRONMENT_VARIABLE
from dr_core.record import IncarnationState
from failover import custom_resource
from failover.custom_resource import respond
from failover.deployment import deployment_from_environment
from failover.execution_ended import tidy_up
from failover.stack_answers import StackAnswers

from .parts import CONFIG, DEPLOYMENT, SPEC
from .scenarios import ended, launched, settled
from .world import World


def event(kind: str, request_id: str = "r1", **properties: Any) -> dict[str, Any]:
    """A request as CloudFormation sends it."""
    return {
        "RequestType": kind,
        "ResponseURL": f"https://answers/{request_id}",
        "StackId": "stack",
        "RequestId": request_id,
        "LogicalResourceId": "ManagedClusterA",
        "ResourceProperties": {
            "ServiceToken": "arn",
            "ServiceTimeout": "3600",
            "Deployment": DEPLOYMENT,
            "Name": "a",
            "TemplateUrl": "https://bucket/template.json",
            "Parameters": json.dumps({"ServiceRole": "role"}),
            "Scaling": json.dumps(json.loads(SPEC)["scaling"]),
            "Tags": json.dumps(json.loads(SPEC)["tags"]),
            **properties,
        },
    }


def started(world: World) -> list[dict[str, Any]]:
    """The requests of the executions that were started."""
    return [json.loads(each["input"])["request"] for each in world.executions.values() if "machine" in each]


def test_create_starts_a_launch(world: World) -> None:
    """The first incarnation is launched by the same machine as every other."""
    respond(world.deployment, event("Create"))
    assert started(world) == [
        {
            "operation": "a-launch-r1",
            "kind": "launch",
            "reason": "bootstrap",
            "managed_cluster": "a",
            "incident": None,
        }
    ]
    assert world.managed_cluster().spec == SPEC
    assert world.answers == []


def test_create_is_answered_at_cut_over(world: World) -> None:
    """Success when the cluster serves, not before."""
    respond(world.deployment, event("Create"))
    world.run_operation(started(world)[0])
    assert [(each["request"], each["succeeded"]) for each in world.answers] == [("r1", True)]


def test_a_request_that_is_delivered_twice_starts_once(world: World) -> None:
    """Lambda delivers an asynchronous event at least once."""
    respond(world.deployment, event("Create"))
    respond(world.deployment, event("Create"))
    assert len(started(world)) == 1
    world.run_operation(started(world)[0])
    respond(world.deployment, event("Create"))
    assert len(world.answers) == 1


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_request_that_is_delivered_again_much_later_changes_nothing(world: World, kind: str) -> None:
    """A Create that comes again after the Delete must not lift the tombstone, nor a Delete set it."""
    launched(world)
    respond(world.deployment, event(kind, "r2", TemplateUrl="https://bucket/newer.json"))
    request = started(world)[-1]
    if kind == "Delete":
        world.run_retirement(request)
    else:
        world.run_operation(request)
    before = world.managed_cluster().to_item()
    world.put({**before, "tombstone": kind != "Delete"})
    respond(world.deployment, event(kind, "r2", TemplateUrl="https://bucket/newer.json"))
    assert world.managed_cluster().tombstone is (kind != "Delete")


def test_create_after_delete_lifts_the_tombstone(world: World) -> None:
    """A managed cluster may come back under its name."""
    world.put({**world.managed_cluster().to_item(), "tombstone": True})
    respond(world.deployment, event("Create"))
    assert not world.managed_cluster().tombstone


def test_update_to_what_runs_is_a_no_op(world: World) -> None:
    """The way back after a failed update, and a change of a property that launches nothing."""
    launched(world)
    respond(world.deployment, event("Update", "r2", ServiceTimeout="1800"))
    assert [(each["request"], each["succeeded"]) for each in world.answers] == [("r2", True)]
    assert [each for each in started(world) if each.get("operation")] == []


NEWER = {"TemplateUrl": "https://bucket/newer.json"}


def test_a_no_op_that_is_delivered_again_after_the_next_deploy_takes_nothing_back(world: World) -> None:
    """A14: CloudFormation believes in the newer spec by then, and Lambda delivers at least once."""
    launched(world)
    respond(world.deployment, event("Update", "r2"))
    respond(world.deployment, event("Update", "r3", **NEWER))
    respond(world.deployment, event("Update", "r2"))
    (upgrade,) = started(world)
    assert world.run_operation(upgrade) == "CutOverDone"
    respond(world.deployment, event("Update", "r2"))
    assert [each for each in started(world) if "operation" in each] == []
    assert world.answers[-1]["request"] == "r3"


def test_a_no_op_whose_answer_may_be_lost_is_answered_again(world: World) -> None:
    launched(world)
    for _ in range(2):
        respond(world.deployment, event("Update", "r2"))
    assert [(each["request"], each["succeeded"]) for each in world.answers] == [("r2", True)] * 2


@pytest.mark.parametrize("serves", [True, False])
def test_a_request_that_is_delivered_twice_at_once_does_not_stop_itself(world: World, serves: bool) -> None:
    """A14: its execution has not come to its first step yet; nor may an update that launches."""
    if serves:
        launched(world)
    for _ in range(2):
        respond(world.deployment, event("Update", "r2", **NEWER))
    (request,) = started(world)
    assert (
        world.executions[world.execution(CONFIG.operation_state_machine, request["operation"])]["status"] == "RUNNING"
    )
    assert world.answers == []


def test_two_deliveries_at_the_same_moment_do_not_stop_each_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A14: the second one had looked before the first one wrote anything down."""
    launched(world)
    update = event("Update", "r2", **NEWER)
    check = custom_resource._stop

    def the_other_one_comes_first(*arguments: Any, **keywords: Any) -> None:
        monkeypatch.setattr(custom_resource, "_stop", check)
        respond(world.deployment, update)
        check(*arguments, **keywords)

    monkeypatch.setattr(custom_resource, "_stop", the_other_one_comes_first)
    respond(world.deployment, update)
    (request,) = started(world)
    execution = world.execution(CONFIG.operation_state_machine, request["operation"])
    assert (world.executions[execution]["status"], world.answers) == ("RUNNING", [])


def test_a_request_that_was_written_down_and_not_started_is_started(world: World) -> None:
    """A14: the function died between the two."""
    launched(world)
    respond(world.deployment, event("Update", "r2", **NEWER))
    (request,) = started(world)
    del world.executions[world.execution(CONFIG.operation_state_machine, "a-switchover-r2")]
    respond(world.deployment, event("Update", "r2", **NEWER))
    assert started(world) == [request]


def test_update_of_the_template_is_a_switchover(world: World) -> None:
    """Changed template = switchover; what runs stays recorded until the cut-over."""
    launched(world)
    respond(world.deployment, event("Update", "r2", TemplateUrl="https://bucket/newer.json"))
    assert started(world)[-1] == {
        "operation": "a-switchover-r2",
        "kind": "switchover",
        "reason": "upgrade",
        "managed_cluster": "a",
        "incident": None,
    }
    assert world.managed_cluster().spec == SPEC
    assert "newer.json" in (world.operation("a-switchover-r2").spec or "")


def test_a_newer_update_supersedes_a_running_one(world: World) -> None:
    """The user gave up the first update; two switchovers must not follow each other."""
    launched(world)
    respond(world.deployment, event("Update", "r2", TemplateUrl="https://bucket/newer.json"))
    respond(world.deployment, event("Update", "r3"))
    statuses = {each["name"]: each["status"] for each in world.executions.values() if "name" in each}
    assert statuses["a-switchover-r2"] == "ABORTED"
    assert [each["request"] for each in world.answers] == ["r3"]


def test_an_update_lets_a_failover_go_on(world: World) -> None:
    """A failover brings back what runs; the switchover waits for its lease."""
    launched(world)
    request = world.request("failover", "op2", reason="drill")
    world.run_operation(request, until="Verify")
    respond(world.deployment, event("Update", "r2", TemplateUrl="https://bucket/newer.json"))
    assert world.executions[world.execution(CONFIG.operation_state_machine, "op2")]["status"] == "RUNNING"


@pytest.mark.parametrize(("ago", "held"), [(59, True), (60, False)])
def test_the_lease_of_an_execution_that_is_not_known_yet_is_left_to_it(world: World, ago: float, held: bool) -> None:
    """A14: DescribeExecution is eventually consistent; the failover that has just begun keeps its lease."""
    found = launched(world).managed_cluster().to_item()
    world.put({**found, "lease": {"execution": "young", "operation": "op2", "since": world.clock.now - ago}})
    respond(world.deployment, event("Update", "r2", TemplateUrl="https://bucket/newer.json"))
    assert (world.managed_cluster().lease is not None) is held


@pytest.mark.parametrize(("ago", "state"), [(59, IncarnationState.LAUNCHING), (60, IncarnationState.ABANDONED)])
def test_what_an_execution_that_is_not_known_yet_launches_is_left_to_it(
    world: World, ago: float, state: IncarnationState
) -> None:
    """A14: the same."""
    launched(world)
    request = world.request("switchover", "op2", reason="upgrade")
    world.run_operation(request, until="Launch")
    world.step("operation", "Launch", request)
    world.put({**world.operation("op2").to_item(), "started_at": world.clock.now - ago, "execution": "young"})
    respond(world.deployment, event("Update", "r2"))
    assert world.incarnation(2).state is state


def test_update_of_what_never_served_launches(world: World) -> None:
    """The create failed and was kept; the update brings it up."""
    respond(world.deployment, event("Update", "r2", TemplateUrl="https://bucket/newer.json"))
    assert started(world)[-1]["kind"] == "launch"
    assert "newer.json" in (world.managed_cluster().spec or "")


def test_delete_stops_operations_before_it_retires(world: World) -> None:
    """A running launch would go to the next AZ after its stack was deleted."""
    respond(world.deployment, event("Create"))
    world.run_operation(started(world)[0], until="Verify")
    respond(world.deployment, event("Delete", "r9"))
    launch = world.executions[world.execution(CONFIG.operation_state_machine, "a-launch-r1")]
    assert launch["status"] == "ABORTED"
    assert world.managed_cluster().tombstone
    assert started(world)[-1] == {
        "retirement": "a-delete-r9",
        "managed_cluster": "a",
        "generation": None,
        "planned": False,
    }


def test_delete_is_answered_when_nothing_is_left(world: World) -> None:
    """The stack goes on deleting roles and groups that the clusters need."""
    launched(world)
    respond(world.deployment, event("Delete", "r9"))
    assert world.answers == []
    world.run_started_retirements()
    assert settled(world)["stacks"] == []
    assert [(each["request"], each["succeeded"]) for each in world.answers] == [("r9", True)]


def test_operations_of_other_managed_clusters_are_left_alone(world: World) -> None:
    """None touched that is not ours."""
    other = world.request("launch", "b-launch", managed_cluster="b")
    arn = world.execution(CONFIG.operation_state_machine, "b-launch")
    world.executions[arn] = {"status": "RUNNING", "input": json.dumps({"request": other})}
    respond(world.deployment, event("Delete", "r9"))
    assert world.executions[arn]["status"] == "RUNNING"


@pytest.mark.parametrize("properties", [{"Name": "z"}, {"Deployment": "other"}, {"Parameters": "{"}])
def test_what_was_refused_may_be_deleted(world: World, properties: dict[str, str]) -> None:
    """CloudFormation deletes a resource that it failed to create; a stack must not be stuck on that."""
    respond(world.deployment, event("Delete", **properties))
    assert [each["succeeded"] for each in world.answers] == [True]
    assert started(world) == []


@pytest.mark.parametrize("properties", [{"Parameters": "{"}, {"Scaling": "{}"}])
def test_what_runs_is_ended_whatever_its_deletion_says_of_it(world: World, properties: dict[str, str]) -> None:
    """CloudFormation sends the properties of an update that was refused, or which a later version would refuse."""
    launched(world)
    respond(world.deployment, event("Delete", "r2", **properties))
    assert world.answers == []
    assert started(world)[-1]["retirement"] == "a-delete-r2"


def test_a_deletion_for_another_deployment_says_nothing_of_what_runs(world: World) -> None:
    """An answer that it is gone would leave a cluster that nobody looks after."""
    launched(world)
    with pytest.raises(ValueError, match="property Deployment must be emr-dr-active-passive, got 'other'"):
        respond(world.deployment, event("Delete", "r2", Deployment="other"))
    assert world.answers == []


def test_an_unknown_request_type_is_refused(world: World) -> None:
    """CloudFormation may learn a new one."""
    with pytest.raises(ValueError, match="RequestType must be Create, Update or Delete, got 'Read'"):
        respond(world.deployment, event("Read"))


def test_the_physical_id_never_changes(world: World) -> None:
    """A changed one makes CloudFormation delete the managed cluster."""
    respond(world.deployment, event("Create"))
    answer = world.operation("a-launch-r1").answer
    assert answer is not None
    assert answer.physical_resource_id == "emr-dr-active-passive/a"


def test_an_error_is_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that dies before StartExecution would hang the stack for an hour."""
    sent: list[dict[str, Any]] = []

    def send(self: object, answer: Any, *, succeeded: bool, reason: str, data: object = None) -> None:
        sent.append({"url": answer.response_url, "id": answer.physical_resource_id, "ok": succeeded, "why": reason})

    monkeypatch.setattr(StackAnswers, "send", send)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "{")
    deployment_from_environment.cache_clear()
    custom_resource.handler(event("Create"), None)
    assert sent[0]["url"] == "https://answers/r1"
    assert sent[0]["id"] == "emr-dr-active-passive/a"
    assert not sent[0]["ok"]
    assert sent[0]["why"].startswith("EMR_DR_CONFIG is not a function configuration")


def test_an_error_of_a_call_is_answered_in_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who deploys reads it in the stack's events."""
    sent: list[str] = []
    monkeypatch.setattr(StackAnswers, "send", lambda *_, reason, **__: sent.append(reason))
    monkeypatch.setattr(custom_resource, "deployment_from_environment", lambda: world.deployment)
    world.broken = {"start_execution"}
    custom_resource.handler(event("Create"), None)
    assert sent == [
        "the request could not be carried out (ClientError: An error occurred (ThrottlingException) when calling the "
        "Call operation: Rate exceeded); the log of the function of the managed clusters says more: "
        "deploy again when the reason is gone"
    ]


def test_a_request_is_carried_out_for_the_deployment_of_the_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry point."""
    monkeypatch.setattr(custom_resource, "deployment_from_environment", lambda: world.deployment)
    custom_resource.handler(event("Create"), None)
    assert len(started(world)) == 1


def interrupted_upgrade(world: World) -> None:
    """The upgrade of request r2 has brought its cluster to where new jobs go, and its execution ended there."""
    launched(world)
    respond(world.deployment, event("Update", "r2", **NEWER))
    (upgrade,) = started(world)
    assert world.run_operation(upgrade, until="CutOver") == "CutOver"
    world.step("operation", "CutOver", upgrade)
    world.kill_primary(1)
    tidy_up(world.deployment, ended(world, upgrade))
    assert world.incarnation(2).primary_address in world.targets["balanced"]


def test_a_failover_that_finishes_an_upgrade_records_what_it_was_launched_with(world: World) -> None:
    """Else the deploy of the old settings, and of the new ones, would be taken for what runs already, or not."""
    interrupted_upgrade(world)
    failover = world.request("failover", "op3", reason="unhealthy", incident="a-1")
    assert world.run_operation(failover) == "CutOverDone"
    assert world.managed_cluster().serving_generation == 2
    assert "newer.json" in (world.managed_cluster().spec or "")


@pytest.mark.parametrize(
    "properties", [{}, {"Tags": json.dumps({"team": "other"})}], ids=["as it was", "with other tags"]
)
def test_the_way_back_moves_away_from_what_an_interrupted_upgrade_left_in_service(
    world: World, properties: dict[str, str]
) -> None:
    """What serves by the record is dead, and the next failover brings in what shall go."""
    interrupted_upgrade(world)
    respond(world.deployment, event("Update", "r3", **properties))
    assert [each["request"] for each in world.answers] == ["r2"]
    (back,) = [each for each in started(world) if each.get("operation") == "a-switchover-r3"]
    assert world.run_operation(world.request("failover", "op3", reason="unhealthy", incident="a-1")) == "CutOverDone"
    assert world.run_operation(back) == "CutOverDone"
    assert "newer.json" not in (world.managed_cluster().spec or "")
    assert world.managed_cluster().serving_generation == 3
    assert (world.answers[-1]["request"], world.answers[-1]["succeeded"]) == ("r3", True)


def test_what_was_left_in_service_and_is_what_is_asked_for_is_no_reason_to_move(world: World) -> None:
    """A switchover that a person asked for, say: it was launched with what the settings say."""
    switchover = launched(world).request("switchover", "op2", reason="manual")
    world.run_operation(switchover, until="CutOver")
    world.step("operation", "CutOver", switchover)
    world.kill_primary(1)
    respond(world.deployment, event("Update", "r3"))
    assert [(each["request"], each["succeeded"]) for each in world.answers] == [("r3", True)]


def test_what_a_failover_brings_in_at_that_moment_is_not_taken_for_what_ran_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A14: the record is read again after the look at what is on its way."""
    interrupted_upgrade(world)
    failover = world.request("failover", "op3", reason="unhealthy", incident="a-1")
    look = custom_resource._something_else_takes_over

    def brought_in_first(*arguments: Any) -> bool:
        assert world.run_operation(failover) == "CutOverDone"
        return look(*arguments)

    monkeypatch.setattr(custom_resource, "_something_else_takes_over", brought_in_first)
    respond(world.deployment, event("Update", "r3"))
    assert [each["request"] for each in world.answers] == ["r2"]
    assert [each["operation"] for each in started(world) if each.get("operation") == "a-switchover-r3"]
