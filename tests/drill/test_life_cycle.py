"""From the first deploy to the end of everything, by the requests that CloudFormation makes (A12, B8, B13)."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..synthesis import new_app
from .life_cycle_world import STACK, ZONES, Account, account, until

# An account that is closed while probers are at work leaves a connection of the front door to the garbage collector.
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]

OLD, NEW = "emr-7.13.0", "emr-7.12.0"
PHYSICAL_ID = "emr-dr-active-passive/a"
# What is there before anything is deployed is made by who uploads assets.
UPLOADS = {
    ("AWS::S3::Bucket", "cdk-hnb659fds-assets-123456789012-us-east-1"),
    ("AWS::SSM::Parameter", "/cdk-bootstrap/hnb659fds/version"),
}
RECORD = {("AWS::DynamoDB::Table", "ActivePassive-TablesRecord")}
PLATFORM_KEEPS = {
    ("AWS::KMS::Key", ""),
    ("AWS::Logs::LogGroup", "Platform-NetworkFlowLogs"),
    ("AWS::S3::Bucket", "platform-storageaccesslogs"),
    ("AWS::S3::Bucket", "platform-storageartifacts"),
    ("AWS::S3::Bucket", "platform-storagelogs"),
}


# Minutes each, on clusters that serve; the others here need no cluster.
LONG = pytest.mark.skipif("EMR_DR_LIFE_CYCLE" not in os.environ, reason="takes minutes: make proof")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly with another release."""
    from emr_dr.settings import Settings
    from stacks.active_passive import ActivePassive
    from stacks.platform import Platform

    folder = tmp_path_factory.mktemp("changed")
    app = new_app(folder)
    standard = Settings()
    settings = standard.model_copy(update={"cluster": standard.cluster.model_copy(update={"release_label": NEW})})
    ActivePassive(app, STACK, settings=settings, platform=Platform(app, "Platform", settings=settings))
    app.synth()
    return folder


LEFTOVERS = "Custom::EmrLeftovers"


def changed_platform(assembly: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of *assembly* in *folder* whose platform has another template."""
    shutil.copytree(assembly, folder)
    file = folder / "Platform.template.json"
    template = json.loads(file.read_text("utf-8"))
    change(template)
    file.write_text(json.dumps(template), "utf-8")
    return folder


def without_clean_up(template: dict[str, Any]) -> None:
    """As a version of the app was that had none."""
    resources = template["Resources"]
    gone = {name for name in resources if name.startswith("EmrLeftovers")}
    for name in gone:
        del resources[name]
    for body in resources.values():
        if "DependsOn" in body:
            body["DependsOn"] = [each for each in body["DependsOn"] if each not in gone]


def with_what_cannot_be_made(template: dict[str, Any]) -> None:
    """Something that fails when the clean-up and all of its rules are there."""
    resources = template["Resources"]
    (clean_up,) = (body for body in resources.values() if body["Type"] == LEFTOVERS)
    resources["Broken"] = {
        "Type": "Custom::Broken",
        "Properties": {**clean_up["Properties"], "Groups": []},
        "DependsOn": list(resources),
    }


def network_rules(made: Account) -> set[tuple[Any, ...]]:
    """Every rule that names a group."""
    ec2: Any = made.aws.client("ec2")
    return {
        (
            each["GroupId"],
            each["IsEgress"],
            each["IpProtocol"],
            each["FromPort"],
            each["ReferencedGroupInfo"]["GroupId"],
        )
        for page in ec2.get_paginator("describe_security_group_rules").paginate()
        for each in page["SecurityGroupRules"]
        if "ReferencedGroupInfo" in each
    }


def emr_adds_a_rule(made: Account) -> None:
    """One that no template has, as at the launch of a cluster."""
    ec2: Any = made.aws.client("ec2")
    primary, core = (_group(ec2, f"EMR-managed: {nodes}") for nodes in ("primary nodes", "core and task nodes"))
    pair = [{"GroupId": core}]
    permission = {"IpProtocol": "tcp", "FromPort": 7337, "ToPort": 7337, "UserIdGroupPairs": pair}
    ec2.authorize_security_group_ingress(GroupId=primary, IpPermissions=[permission])


def _group(ec2: Any, description: str) -> str:
    found = ec2.describe_security_groups()["SecurityGroups"]
    return str(next(group["GroupId"] for group in found if group["Description"] == description))


def clean_up_events(made: Account) -> list[str]:
    """What became of the clean-up, in order."""
    events = made.aws.stacks.find("Platform").events
    return [each.resource_status for each in events if each.resource_type == LEFTOVERS]


def no_capacity(made: Account) -> None:
    for zone in ZONES:
        made.aws.clusters.fail_capacity(zone)


def capacity(made: Account) -> None:
    for zone in ZONES:
        made.aws.clusters.restore_capacity(zone)


def test_everything_goes_but_what_is_kept_on_purpose(tmp_path: Path, assembly: Path) -> None:
    """EMR has added rules that no template knows, and left its interface; a person's group refers to EMR's."""
    with account(tmp_path / "aws") as made:
        network = made.aws.clusters.network
        network.more_ports, network.leaves_interfaces = (7337,), True
        assert made.deploy(assembly) == ""
        assert [each.kind for each in made.requests(LEFTOVERS)] == ["Create"]
        assert made.delete() == ("DELETE_COMPLETE", {})

        ec2: Any = made.aws.client("ec2")
        (left,) = ec2.describe_network_interfaces()["NetworkInterfaces"][-1:]
        primary = _group(ec2, "EMR-managed: primary nodes")
        theirs = ec2.create_security_group(GroupName="theirs", Description="a person's", VpcId=left["VpcId"])["GroupId"]
        ssh = {
            "IpProtocol": "tcp",
            "FromPort": 22,
            "ToPort": 22,
            "UserIdGroupPairs": [{"GroupId": primary}],
        }
        ec2.authorize_security_group_ingress(GroupId=theirs, IpPermissions=[ssh])
        status, failed = made.delete("Platform")
        assert status == "DELETE_FAILED"
        (reason,) = failed.values()
        assert f"the rule tcp 22-22 into {theirs} from {primary}" in reason
        assert "remove these rules, then delete the stack again" in reason

        ec2.delete_security_group(GroupId=theirs)
        assert made.delete("Platform") == ("DELETE_COMPLETE", {})
        assert made.left(UPLOADS | RECORD | PLATFORM_KEEPS) == []
        asked = made.requests(LEFTOVERS)
        assert [each.kind for each in asked] == ["Create", "Delete", "Delete"]
        assert len({each.physical_id for each in asked[1:]}) == 1
        assert not [entry for entry in made.aws.journal if entry.get("kind") == "call refused"]


def test_where_the_clean_up_goes_and_the_platform_stays_no_rule_is_touched(tmp_path: Path, assembly: Path) -> None:
    """B13: an older version of the app is deployed; the update that brings the clean-up fails and is taken back."""
    older = changed_platform(assembly, tmp_path / "older", without_clean_up)
    broken = changed_platform(assembly, tmp_path / "broken", with_what_cannot_be_made)
    with account(tmp_path / "aws") as made:
        assert made.deploy(assembly, "Platform") == ""
        emr_adds_a_rule(made)
        rules = network_rules(made)
        assert len(rules) == 18

        assert made.deploy(older, "Platform") == ""
        assert network_rules(made) == rules
        assert "Custom::Broken Broken failed" in made.deploy(broken, "Platform")
        assert made.status("Platform") == "UPDATE_ROLLBACK_COMPLETE"
        assert network_rules(made) == rules
        assert [(each.kind, each.status) for each in made.requests(LEFTOVERS)] == [
            ("Create", "CREATE_IN_PROGRESS"),
            ("Delete", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
            ("Create", "UPDATE_IN_PROGRESS"),
            ("Delete", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
        ]
        assert clean_up_events(made)[-1] == "DELETE_COMPLETE", "its answer was a success"

        made.forget_requests()
        assert made.deploy(assembly, "Platform") == ""
        assert made.delete("Platform") == ("DELETE_COMPLETE", {})
        assert [(each.kind, each.status) for each in made.requests(LEFTOVERS)] == [
            ("Create", "UPDATE_IN_PROGRESS"),
            ("Delete", "DELETE_IN_PROGRESS"),
        ]
        assert made.left(UPLOADS | PLATFORM_KEEPS) == []
        assert not [entry for entry in made.aws.journal if entry.get("kind") == "call refused"]


def test_a_platform_that_could_not_be_made_goes_with_its_clean_up(tmp_path: Path, assembly: Path) -> None:
    broken = changed_platform(assembly, tmp_path / "broken", with_what_cannot_be_made)
    with account(tmp_path / "aws") as made:
        assert "Custom::Broken Broken failed" in made.deploy(broken, "Platform")
        assert made.status("Platform") == "ROLLBACK_COMPLETE"
        assert [(each.kind, each.status) for each in made.requests(LEFTOVERS)] == [
            ("Create", "CREATE_IN_PROGRESS"),
            ("Delete", "ROLLBACK_IN_PROGRESS"),
        ]
        # Nothing ran, so that nobody has to look for buckets, logs and a key of each attempt. A key goes days later.
        assert made.left(UPLOADS | {("AWS::CloudFormation::Stack", "Platform"), ("AWS::KMS::Key", "")}) == []
        kms = made.aws.client("kms")
        keys = [kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"]]
        assert [each["KeyState"] for each in keys] == ["PendingDeletion"]
        assert network_rules(made) == set()
        assert not [entry for entry in made.aws.journal if entry.get("kind") == "call refused"]


@pytest.fixture(scope="module")
def no_way_out(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The platform with endpoints in place of a way out, and with Airflow."""
    from emr_dr.settings import Settings
    from stacks.platform import Platform

    folder = tmp_path_factory.mktemp("no-way-out")
    app = new_app(folder)
    Platform(
        app, "Platform", settings=Settings.parse({"mwaa": {"mode": "create"}, "network": {"nat_gateways": "none"}})
    )
    app.synth()
    return folder


def test_a_platform_with_endpoints_and_airflow_goes_at_the_first_attempt(tmp_path: Path, no_way_out: Path) -> None:
    """Rules of the endpoints' group name clusters' groups: they are gone before anybody is asked to remove them."""
    with account(tmp_path / "aws") as made:
        assert made.deploy(no_way_out, "Platform") == ""
        emr_adds_a_rule(made)
        begun = made.aws.clock.now()
        assert made.delete("Platform") == ("DELETE_COMPLETE", {})
        assert made.aws.clock.now() - begun < 600, "nothing was waited for"
        assert not [entry for entry in made.aws.journal if entry.get("kind") == "call refused"]


@LONG
def test_a_first_deploy_that_could_start_no_cluster_leaves_nothing_and_can_be_repeated(
    tmp_path: Path, assembly: Path
) -> None:
    with account(tmp_path / "aws") as made:
        no_capacity(made)
        assert "no availability zone is left to launch in" in made.deploy(assembly)
        assert made.status() == "ROLLBACK_COMPLETE"
        assert made.running() == []
        create, delete = made.requests()
        assert (create.kind, delete.kind) == ("Create", "Delete")
        # The answer to the Create that failed named it: the Delete is for that one.
        assert delete.physical_id == PHYSICAL_ID
        assert delete.properties == create.properties

        assert made.delete() == ("DELETE_COMPLETE", {})
        assert not [each for each in made.left(UPLOADS) if "ActivePassive" in each or "active-passive" in each]

        capacity(made)
        assert made.deploy(assembly) == ""
        assert made.serving()["generation"] == 1


@LONG
def test_an_update_goes_forward_and_back_and_is_cancelled(tmp_path: Path, assembly: Path, changed: Path) -> None:
    with account(tmp_path / "aws") as made:
        assert made.deploy(assembly) == ""
        assert [each.kind for each in made.requests()] == ["Create"]
        first = made.serving()["cluster_id"]

        made.forget_requests()
        assert made.deploy(assembly) == ""
        assert made.requests() == [], "the same again asks for nothing"

        no_capacity(made)
        assert "no availability zone is left to launch in" in made.deploy(changed)
        assert made.status() == "UPDATE_ROLLBACK_COMPLETE"
        forward, back = made.requests()
        assert (forward.kind, back.kind) == ("Update", "Update")
        assert (back.properties, back.old) == (forward.old, forward.properties), "the way back has the old properties"
        assert forward.physical_id == back.physical_id == PHYSICAL_ID
        assert made.serving()["cluster_id"] == first
        assert made.running() == [OLD]
        capacity(made)

        made.forget_requests()
        thread, told = made.deploying(changed)
        until("a cluster that starts", made.launching)
        made.aws.client("cloudformation").cancel_update_stack(StackName=STACK)
        thread.join()
        assert "UPDATE_ROLLBACK_COMPLETE" in told[0]
        assert [each.kind for each in made.requests()] == ["Update", "Update"]
        until("the end of what was begun", made.at_rest)
        assert made.serving()["cluster_id"] == first

        assert made.deploy(changed) == ""
        until("the end of the old one", made.at_rest)
        assert made.running() == [NEW]
        assert made.deploy(assembly) == "", "the old settings are deployed again"
        until("the end of the new one", made.at_rest)
        assert made.running() == [OLD]
        assert {each.physical_id for each in made.requests()} == {PHYSICAL_ID}

        assert made.delete() == ("DELETE_COMPLETE", {})
        assert made.running() == []


@LONG
def test_a_stack_is_deleted_while_it_is_made(tmp_path: Path, assembly: Path) -> None:
    with account(tmp_path / "aws") as made:
        thread, _ = made.deploying(assembly)
        until("a cluster that starts", made.launching)
        assert made.delete() == ("DELETE_COMPLETE", {})
        thread.join()
        assert made.running() == []
        assert [each.kind for each in made.requests()] == ["Create", "Delete"]
        assert made.delete("Platform") == ("DELETE_COMPLETE", {})
        assert made.left(UPLOADS | RECORD | PLATFORM_KEEPS) == []


@LONG
def test_a_stack_is_deleted_after_two_failovers_in_the_middle_of_a_third_operation(
    tmp_path: Path, assembly: Path
) -> None:
    """With an incarnation's stack that no record knows: the answer to the call that made it was lost."""
    with account(tmp_path / "aws") as made:
        assert made.deploy(assembly) == ""
        for generation in (2, 3):
            made.aws.clusters.kill_primary(made.serving()["cluster_id"])
            until("a failover", functools.partial(_serves, made, generation))
            until("the end of the old one", made.at_rest)
        orphan = _orphan(made)
        machine = made.deployment.config.operation_state_machine
        made.aws.client("stepfunctions").start_execution(
            stateMachineArn=machine,
            name="by-hand",
            input='{"request": {"kind": "switchover", "reason": "manual", "managed_cluster": "a"}}',
        )
        until("a cluster that starts", lambda: len(made.running()) == 3)

        assert made.delete() == ("DELETE_COMPLETE", {})
        assert made.running() == []
        assert made.aws.stacks.find(orphan).status == "DELETE_COMPLETE"
        assert made.delete("Platform") == ("DELETE_COMPLETE", {})
        assert made.left(UPLOADS | RECORD | PLATFORM_KEEPS) == []
        assert not [entry for entry in made.aws.journal if entry.get("kind") == "call refused"]


def _serves(made: Account, generation: int) -> bool:
    return any(
        item["generation"] == generation and item["state"] == "serving" for item in made.deployment.incarnations()
    )


def _orphan(made: Account) -> str:
    """Make the stack of an incarnation that no record knows; its id."""
    serving = made.serving()
    client: Any = made.aws.client("cloudformation")
    like = made.aws.stacks.find(serving["stack_id"])
    tags = {**like.tags, "emr-dr:generation": "99"}
    # The cluster is named after it, and one with another's name is not ours to end.
    parameters = {**like.parameters, "Generation": "99"}
    return str(
        client.create_stack(
            StackName="emr-dr-active-passive-a-g99",
            TemplateBody=like.template,
            RoleARN=like.role_arn,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            OnFailure="DELETE",
        )["StackId"]
    )
