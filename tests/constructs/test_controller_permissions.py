"""What the functions may do, against what they do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ..synthesis import REPOSITORY, statements

ROLES = {
    "failover": (
        "ControllerFailoverRole",
        "ControllerManagedClusterRole",
        "ControllerExecutionEndedRole",
        "ControllerControlRole",
        "ReconcilerReconcileRole",
    ),
    "monitor": ("MonitorRole",),
    "prober": ("ProbersProber1Role",),
}
# A call of an SDK client or resource, as our functions write it; `table` and such are how they name one.
CALL = re.compile(
    r"\b(?:client|client_once|emr|load_balancing|step_functions|dynamodb|_table|table|_record|_evidence)"
    r"\.([a-z]+(?:_[a-z]+)+)\("
)
PAGES = re.compile(r"get_paginator\(\"([a-z_]+)\"\)")
# What is not an action of its own: helpers, and a transaction, which needs the right to each of its parts.
NO_ACTIONS = {"get_paginator", "transact_write_items"}
# What is allowed only where a setting asks for it: tests/constructs/test_bake_alarms.py.
BY_SETTING = {"DescribeAlarms"}
OTHER_NAMES = {"Query": "Query", "Invoke": "InvokeFunction"}


def actions(found: Iterable[dict[str, Any]]) -> set[str]:
    """Every action that statements allow, without its service."""
    allowed: set[str] = set()
    for statement in found:
        if statement["Effect"] == "Allow":
            named = statement["Action"]
            allowed |= {each.partition(":")[2] for each in ([named] if isinstance(named, str) else named)}
    return allowed


def calls(package: str) -> set[str]:
    """Every call that the code of a function makes, by its action's name."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in Path(REPOSITORY / "lambda" / package).rglob("*.py"))
    names = {*CALL.findall(text), *PAGES.findall(text)} - NO_ACTIONS
    return {"".join(part.capitalize() for part in name.split("_")) for name in names}


@pytest.mark.parametrize("package", sorted(ROLES))
def test_function_may_make_every_call_that_its_code_makes(active_passive: dict[str, Any], package: str) -> None:
    granted = actions(each for role in ROLES[package] for each in statements(active_passive, role=role))

    assert calls(package)
    assert calls(package) - BY_SETTING <= granted


def statement(template: dict[str, Any], action: str, *, role: str = "ControllerFailoverRole") -> dict[str, Any]:
    """The one statement of a role that allows *action*."""
    found = [
        each
        for each in statements(template, role=role)
        if action == each["Action"] or (isinstance(each["Action"], list) and action in each["Action"])
    ]
    assert len(found) == 1, f"{action}: {found}"
    return found[0]


def test_stacks_are_made_of_published_templates_with_the_incarnation_role_only(active_passive: dict[str, Any]) -> None:
    found = statement(active_passive, "cloudformation:CreateStack")

    assert str(found["Resource"]).endswith(":stack/emr-dr-active-passive-a-g*/*']]}")
    assert found["Condition"]["StringEquals"]["cloudformation:RoleArn"]["Fn::GetAtt"][0].startswith(
        "ControllerIncarnationRole"
    )
    url = str(found["Condition"]["StringLike"]["cloudformation:TemplateUrl"])
    assert "cdk-hnb659fds-assets-" in url
    assert url.endswith("/*.json']]}")


def test_stacks_of_others_are_not_touched(active_passive: dict[str, Any]) -> None:
    found = statement(active_passive, "cloudformation:DeleteStack")

    assert str(found["Resource"]).endswith(":stack/emr-dr-active-passive-a-g*/*']]}")


def test_incarnation_role_is_passed_to_cloudformation_only(active_passive: dict[str, Any]) -> None:
    found = statement(active_passive, "iam:PassRole")

    assert found["Resource"]["Fn::GetAtt"][0].startswith("ControllerIncarnationRole")
    assert found["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}


@pytest.mark.parametrize("role", ["ControllerFailoverRole", "ControllerControlRole", "MonitorRole"])
def test_clusters_of_others_are_not_touched(active_passive: dict[str, Any], role: str) -> None:
    found = statement(active_passive, "elasticmapreduce:DescribeCluster", role=role)

    assert found["Condition"] == {"StringEquals": {"aws:ResourceTag/emr-dr:deployment": "emr-dr-active-passive"}}


@pytest.mark.parametrize("role", ["ControllerManagedClusterRole", "ReconcilerReconcileRole"])
def test_limits_are_set_on_clusters_of_the_deployment_only(active_passive: dict[str, Any], role: str) -> None:
    found = statement(active_passive, "elasticmapreduce:PutManagedScalingPolicy", role=role)

    assert found["Condition"] == {"StringEquals": {"aws:ResourceTag/emr-dr:deployment": "emr-dr-active-passive"}}
    assert str(found["Resource"]).endswith(":cluster/*']]}")


@pytest.mark.parametrize("role", ["ControllerManagedClusterRole", "ReconcilerReconcileRole"])
@pytest.mark.parametrize("action", ["AddTags", "RemoveTags"])
def test_no_cluster_is_claimed_or_let_go_by_a_tag(active_passive: dict[str, Any], role: str, action: str) -> None:
    """B8: only what has the deployment's tag already is tagged, and the tags that say so are out of reach."""
    found = statement(active_passive, f"elasticmapreduce:{action}", role=role)

    assert found["Condition"] == {
        "StringEquals": {"aws:ResourceTag/emr-dr:deployment": "emr-dr-active-passive"},
        "ForAllValues:StringNotLike": {"aws:TagKeys": ["emr-dr:*", "for-use-with-amazon-emr-managed-policies"]},
    }


@pytest.mark.parametrize("action", ["PutManagedScalingPolicy", "AddTags", "RemoveTags"])
@pytest.mark.parametrize("role", ["ControllerFailoverRole", "ControllerControlRole", "MonitorRole"])
def test_nobody_else_changes_limits_or_tags(active_passive: dict[str, Any], role: str, action: str) -> None:
    """Least privilege."""
    assert action not in actions(statements(active_passive, role=role))


@pytest.mark.parametrize("action", ["AddJobFlowSteps", "CancelSteps", "DescribeStep", "ListSteps"])
def test_steps_run_on_clusters_of_the_deployment_only(active_passive: dict[str, Any], action: str) -> None:
    """Code that runs as a cluster's role must not come into somebody else's."""
    found = statement(active_passive, f"elasticmapreduce:{action}")

    assert found["Condition"] == {"StringEquals": {"aws:ResourceTag/emr-dr:deployment": "emr-dr-active-passive"}}
    for role in ("ControllerManagedClusterRole", "ControllerExecutionEndedRole", "MonitorRole"):
        assert action not in actions(statements(active_passive, role=role))


def test_targets_are_registered_with_our_groups_only(active_passive: dict[str, Any]) -> None:
    """A12."""
    named = statement(active_passive, "elasticloadbalancing:RegisterTargets")["Resource"]
    names = sorted(each["Ref"] for each in named)

    assert len(names) == 8
    assert all(name.startswith("FrontDoor") and "Door" not in name.removeprefix("FrontDoor") for name in names)


REGISTERING = (
    "ControllerFailoverRole",
    "ControllerManagedClusterRole",
    "ControllerExecutionEndedRole",
    "ReconcilerReconcileRole",
)


@pytest.mark.parametrize("role", REGISTERING)
def test_whoever_registers_an_address_may_look_where_it_lies(active_passive: dict[str, Any], role: str) -> None:
    """A12: Elastic Load Balancing asks that of the caller of RegisterTargets, too (user guide, API permissions)."""
    statement(active_passive, "elasticloadbalancing:RegisterTargets", role=role)
    needed = {"DescribeInstances", "DescribeInternetGateways", "DescribeSubnets", "DescribeVpcs"}

    assert needed <= actions(statements(active_passive, role=role))


@pytest.mark.parametrize("role", ["ControllerManagedClusterRole", "ControllerExecutionEndedRole"])
def test_whoever_opens_no_slot_may_not_touch_one(active_passive: dict[str, Any], role: str) -> None:
    """A13: they put back what served, and nothing that ids lead to."""
    named = statement(active_passive, "elasticloadbalancing:RegisterTargets", role=role)["Resource"]

    assert len(named) == 3
    assert not [each for each in named if "Slot" in each["Ref"]]
    assert "ModifyRule" not in actions(statements(active_passive, role=role))


# What reaches a slot: its targets and its rules.
OF_SLOTS = re.compile(r"\.(?:open_slot|close_slot|set_conditions|register|deregister)\(|(?<!def )\bwithdraw\(")


def reached(module: str) -> set[Path]:
    """The files of the failover function's package that *module* imports, directly or not."""
    found: set[Path] = set()
    left = [module]
    while left:
        file = Path(REPOSITORY, "lambda", *left.pop().split(".")).with_suffix(".py")
        if file not in found:
            found.add(file)
            left += re.findall(r"^from (failover[.\w]*) import", file.read_text(encoding="utf-8"), re.MULTILINE)
    return found


@pytest.mark.parametrize("module", ["failover.custom_resource", "failover.execution_ended"])
def test_whoever_may_touch_no_slot_never_does(module: str) -> None:
    """A13: a call without the right to it would fail in the middle of an outage, and not before."""
    # It holds such a call in `withdraw`, which neither uses.
    known = {"removal.py"}

    assert {each.name for each in reached(module) if OF_SLOTS.search(each.read_text(encoding="utf-8"))} == known


def test_rules_of_slots_are_changed_and_no_others(active_passive: dict[str, Any]) -> None:
    named = statement(active_passive, "elasticloadbalancing:ModifyRule")["Resource"]

    assert len(named) == 10  # two of each slot
    assert all(each["Ref"].startswith("FrontDoorSlots") for each in named)


def test_who_gives_way_is_stopped_by_few(active_passive: dict[str, Any]) -> None:
    """A launch of a standby may run still when the settings want none any more: a failover has to stop it."""
    for role in ("ControllerExecutionEndedRole", "MonitorRole"):
        assert "StopExecution" not in actions(statements(active_passive, role=role))
    for role in ("ControllerFailoverRole", "ControllerManagedClusterRole"):
        found = statement(active_passive, "states:StopExecution", role=role)
        assert str(found["Resource"]).endswith(":execution:emr-dr-active-passive-operation:*']]}")


def test_monitor_starts_operations_and_changes_nothing_else_in_aws(active_passive: dict[str, Any]) -> None:
    found = statements(active_passive, role="MonitorRole")
    changing = {
        action
        for action in actions(found)
        if not action.startswith(("Describe", "Get", "Query", "BatchGet", "ConditionCheck", "CreateLog", "PutLog"))
    }

    # SendMessage is Lambda's, for events that the function could not handle.
    assert changing == {"StartExecution", "PutItem", "UpdateItem", "SendMessage"}


def test_control_changes_the_record_and_nothing_else(active_passive: dict[str, Any]) -> None:
    """Whoever may invoke it may pause and resume, and no more."""
    found = statements(active_passive, role="ControllerControlRole")

    writing = [each for each in found if "dynamodb:UpdateItem" in each["Action"]]
    assert [str(each["Resource"]["Fn::GetAtt"][0])[:12] for each in writing] == ["TablesRecord"]
    assert actions(found) == {
        "BatchGetItem",
        "CreateLogStream",
        "DescribeCluster",
        "DescribeExecution",
        "GetItem",
        "PutLogEvents",
        "Query",
        "UpdateItem",
    }


def test_control_reads_what_a_verdict_rests_on(active_passive: dict[str, Any]) -> None:
    """A12: it says whether a failover would start, by the evidence, EMR's word and the executions of operations."""
    found = statements(active_passive, role="ControllerControlRole")
    tables = {
        str(each["Resource"]["Fn::GetAtt"][0])[:14]: each["Action"] for each in found if "Query" in actions([each])
    }
    execution = statement(active_passive, "states:DescribeExecution", role="ControllerControlRole")

    assert tables["TablesEvidence"] == "dynamodb:Query"
    assert str(execution["Resource"]).endswith(":execution:emr-dr-active-passive-operation:*']]}")


def test_monitor_may_look_at_an_execution_that_has_the_name_of_its_own(active_passive: dict[str, Any]) -> None:
    """A14: whoever was refused a start has to know whose the name is."""
    found = statement(active_passive, "states:DescribeExecution", role="MonitorRole")

    assert str(found["Resource"]).endswith(":execution:emr-dr-active-passive-operation:*']]}")


def test_nothing_deletes_from_the_record(active_passive: dict[str, Any]) -> None:
    for roles in ROLES.values():
        for role in roles:
            assert "DeleteItem" not in actions(statements(active_passive, role=role))
