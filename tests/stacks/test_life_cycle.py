"""What outlives what, and what stays, read from the synthesized templates (A12, B8, B9, B13).

CloudFormation deletes a resource before everything that it refers to or depends on: what a custom resource needs to
clean up with must be among the latter, or in a stack that its own stack imports from.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from emr_dr.settings import Settings
from emr_drill.stand_in.template import dependencies

STRATEGIES = ("ActiveActive", "ActivePassive")
MANAGED_CLUSTER, LEFTOVERS = "Custom::EmrManagedCluster", "Custom::EmrLeftovers"
# What holds data, and what becomes of it when its stack goes: of anything else of these types a person has to decide.
HOLDS_DATA = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
}
KEPT = {
    # A first deploy that failed leaves none of these: nothing ever ran that anybody could ask about.
    "Platform/StorageKey": "RetainExceptOnCreate",
    "Platform/StorageAccessLogs": "RetainExceptOnCreate",
    "Platform/StorageLogs": "RetainExceptOnCreate",
    "Platform/StorageArtifacts": "RetainExceptOnCreate",
    "Platform/NetworkFlowLogs": "RetainExceptOnCreate",
    "ActiveActive/TablesRecord": "RetainExceptOnCreate",
    "ActivePassive/TablesRecord": "RetainExceptOnCreate",
}
KEPT_WITH_AIRFLOW = {"Platform/AirflowFilesBucket": "Retain"}
# Deleted with their stack: what functions said (their messages went to people, the record says what was done), what
# probers saw minutes ago, and messages that could not be delivered.
GONE = {"AWS::Logs::LogGroup", "AWS::SQS::Queue"}
GONE_TABLES = ("TablesEvidence",)

# What a retirement works with, by type: all of a strategy's are deleted after its managed clusters.
NEEDED_TO_RETIRE = {
    "AWS::DynamoDB::Table",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
    "AWS::StepFunctions::StateMachine",
}
# Of these types nothing helps a retirement: who reads numbers and messages, and Airflow's connection.
NEEDED_BY_PEOPLE = {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard"}

Template = Mapping[str, Any]


@pytest.fixture(scope="session")
def made(assembly: Path) -> dict[str, Any]:
    return {
        name: json.loads((assembly / f"{name}.template.json").read_text("utf-8")) for name in ("Platform", *STRATEGIES)
    }


def of_type(template: Template, *types: str) -> list[str]:
    return [name for name, body in template["Resources"].items() if body["Type"] in types]


def outlives(template: Template, name: str) -> frozenset[str]:
    """Everything that is deleted after a resource."""
    needed = dependencies(template)

    @functools.cache
    def all_of(each: str) -> frozenset[str]:
        return frozenset().union(needed[each], *map(all_of, needed[each]))

    return all_of(name)


def imports(value: Any) -> Iterable[str]:
    """The names of exports of other stacks that *value* has in it."""
    if isinstance(value, Mapping):
        for key, content in value.items():
            if key == "Fn::ImportValue":
                yield str(content)
            else:
                yield from imports(content)
    elif isinstance(value, list):
        for each in value:
            yield from imports(each)


def exports(template: Template) -> dict[str, Any]:
    return {
        str(output["Export"]["Name"]): output["Value"]
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }


def missing_for_retirement(template: Template) -> set[str]:
    """What a managed cluster would be deleted after, or beside, though its retirement works with it."""
    wanted = set(of_type(template, *NEEDED_TO_RETIRE))
    return {each for cluster in of_type(template, MANAGED_CLUSTER) for each in wanted - outlives(template, cluster)}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_a_retirement_needs_goes_after_the_managed_clusters(made: dict[str, Any], strategy: str) -> None:
    """Functions with their policies, machines, tables, listeners, rules, groups, schedules and the rule for what ended
    badly: until the last incarnation is gone."""
    assert missing_for_retirement(made[strategy]) == set()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_whatever_is_added_to_a_strategy_is_sorted_into_what_a_retirement_needs(
    made: dict[str, Any], strategy: str
) -> None:
    """Another type of resource: add it to NEEDED_TO_RETIRE or NEEDED_BY_PEOPLE."""
    types = {body["Type"] for body in made[strategy]["Resources"].values()}
    of_functions = {"AWS::Lambda::EventInvokeConfig"}  # how often Lambda repeats an event: goes before or after

    assert types - NEEDED_TO_RETIRE - NEEDED_BY_PEOPLE - of_functions == {MANAGED_CLUSTER}


@pytest.mark.parametrize("stack", ["Platform", *STRATEGIES])
def test_another_name_gives_custom_resources_other_functions(made: dict[str, Any], stack: str) -> None:
    """CloudFormation refuses that in an update, as the description of the setting says (docs/life-cycle.md)."""
    found = made[stack]["Resources"]
    custom = of_type(made[stack], MANAGED_CLUSTER, LEFTOVERS)

    assert custom
    for each in custom:
        assert ":function:emr-dr-" in "".join(texts(found[each]["Properties"]["ServiceToken"]))
    assert "cannot be changed after the first deploy" in str(Settings.model_fields["name"].description)


def texts(value: Any) -> Iterable[str]:
    """The pieces of text of what the CDK joined."""
    return (each for each in value["Fn::Join"][1] if isinstance(each, str))


def test_a_dependency_that_is_lost_is_found(made: dict[str, Any]) -> None:
    broken = copy.deepcopy(made["ActivePassive"])
    (cluster,) = of_type(broken, MANAGED_CLUSTER)
    body = broken["Resources"][cluster]
    body["DependsOn"] = [each for each in body["DependsOn"] if not each.startswith("ControllerFailoverRoleDefault")]
    function = next(each for each in of_type(broken, "AWS::Lambda::Function") if "ControllerFailover" in each)
    broken["Resources"][function]["DependsOn"] = []

    assert any(each.startswith("ControllerFailoverRoleDefaultPolicy") for each in missing_for_retirement(broken))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_managed_cluster_goes_after_the_other(made: dict[str, Any], strategy: str) -> None:
    clusters = of_type(made[strategy], MANAGED_CLUSTER)
    after = {name: outlives(made[strategy], name) for name in clusters}

    assert all(one in after[other] or other in after[one] for one in clusters for other in clusters if one != other)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_platform_cannot_go_before_the_strategy(made: dict[str, Any], strategy: str) -> None:
    """CloudFormation refuses to delete an export that is in use: network, key, roles, groups and topic outlive it.

    Routes and gateway endpoints, over which probers reach clusters and tables, go with that network.
    """
    platform = made["Platform"]
    exported = exports(platform)
    used = {name for name in imports(made[strategy]["Resources"])}
    assert used <= exported.keys()
    needed = {name for key in used for name in _named(exported[key])}
    types = {platform["Resources"][name]["Type"] for name in needed}
    assert {
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::VPC",
        "AWS::EMR::SecurityConfiguration",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::SNS::Topic",
    } <= types
    assert of_type(platform, "AWS::EC2::VPCEndpoint") and of_type(platform, "AWS::EC2::Route")


def _named(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        if "Ref" in value:
            yield value["Ref"]
        if "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"][0]


def missing_for_clean_up(template: Template) -> set[str]:
    """What the clean-up of the platform would be deleted after, or beside, though it works with it or on it."""
    (clean_up,) = of_type(template, LEFTOVERS)
    properties = template["Resources"][clean_up]["Properties"]
    own = {name for name in template["Resources"] if name.startswith("EmrLeftoversFunction")}
    on = {name for each in [*properties["Groups"], *properties["Subnets"], properties["Vpc"]] for name in _named(each)}
    return (own | on) - outlives(template, clean_up)


RULES = ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress")


@pytest.fixture(params=["standard", "airflow", "airflow and no way out"])
def platform(request: pytest.FixtureRequest) -> Template:
    """The platform with different settings."""
    fixture = {
        "standard": "made",
        "airflow": "with_airflow",
        "airflow and no way out": "with_airflow_and_no_way_out",
    }[request.param]
    found: Template = request.getfixturevalue(fixture)["Platform"]
    return found


def groups_of_clusters(template: Template) -> set[str]:
    (clean_up,) = of_type(template, LEFTOVERS)
    return {name for each in template["Resources"][clean_up]["Properties"]["Groups"] for name in _named(each)}


def rules_about(template: Template, groups: Collection[str]) -> list[str]:
    """Every rule that has one of *groups* in it, whosever rule it is, and every other group that has one of its own."""
    found = [
        name
        for name in of_type(template, *RULES)
        for body in [template["Resources"][name]["Properties"]]
        for keys in [("GroupId", "SourceSecurityGroupId", "DestinationSecurityGroupId")]
        if {group for key in keys for group in _named(body.get(key))} & set(groups)
    ]
    inside = [
        name
        for name in of_type(template, "AWS::EC2::SecurityGroup")
        for body in [template["Resources"][name]["Properties"]]
        for rule in [*body.get("SecurityGroupIngress", []), *body.get("SecurityGroupEgress", [])]
        if {group for value in rule.values() for group in _named(value)} & set(groups)
    ]
    return [*found, *inside]


def beside_or_after_the_clean_up(template: Template) -> list[str]:
    """The rules about groups of clusters that are not deleted before the clean-up."""
    (clean_up,) = of_type(template, LEFTOVERS)
    rules = rules_about(template, groups_of_clusters(template))
    return [name for name in rules if clean_up not in outlives(template, name)]


def test_the_clean_up_goes_before_groups_subnets_and_what_it_works_with(platform: Template) -> None:
    assert missing_for_clean_up(platform) == set()


def test_the_clean_up_goes_after_every_rule_of_the_template(platform: Template) -> None:
    """What it finds then is what EMR added, and CloudFormation finds every rule that it wants to delete."""
    assert beside_or_after_the_clean_up(platform) == []


def test_rules_of_endpoints_are_among_them(
    made: dict[str, Any], with_airflow_and_no_way_out: dict[str, dict[str, Any]]
) -> None:
    """Two of the group of the endpoints: it admits primaries and all other nodes."""
    standard, closed = made["Platform"], with_airflow_and_no_way_out["Platform"]

    assert len(rules_about(standard, groups_of_clusters(standard))) == 17
    assert len(rules_about(closed, groups_of_clusters(closed))) == 19


def test_a_rule_whose_order_is_lost_is_found(with_airflow_and_no_way_out: dict[str, dict[str, Any]]) -> None:
    broken = copy.deepcopy(with_airflow_and_no_way_out["Platform"])
    rule = next(each for each in of_type(broken, *RULES) if each.startswith("EndpointsGroupfrom"))
    del broken["Resources"][rule]["DependsOn"]

    assert beside_or_after_the_clean_up(broken) == [rule]


def test_airflow_can_call_for_as_long_as_it_is_there_and_holds_up_no_rule_of_clusters(
    with_airflow_and_no_way_out: dict[str, dict[str, Any]],
) -> None:
    """Its environment takes half an hour to go: it needs the endpoints and the rule that admits it, no others."""
    template = with_airflow_and_no_way_out["Platform"]
    (environment,) = of_type(template, "AWS::MWAA::Environment")
    after = outlives(template, environment)
    own = next(each for each in of_type(template, "AWS::EC2::SecurityGroup") if each.startswith("AirflowGroup"))
    admits = [
        name
        for name in of_type(template, *RULES)
        if own in _named(template["Resources"][name]["Properties"].get("SourceSecurityGroupId"))
        and not name.startswith("AirflowGroup")
    ]

    assert len(admits) == 1
    assert set(admits) <= after
    assert set(of_type(template, "AWS::EC2::VPCEndpoint")) - after == {
        name for name in of_type(template, "AWS::EC2::VPCEndpoint") if name.startswith("Network")
    }
    assert set(rules_about(template, groups_of_clusters(template))) & after == set()


def test_the_clean_up_is_about_every_group_that_clusters_carry(made: dict[str, Any]) -> None:
    template = made["Platform"]
    tagged = {
        name
        for name in of_type(template, "AWS::EC2::SecurityGroup")
        if {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}
        in template["Resources"][name]["Properties"].get("Tags", [])
    }

    assert groups_of_clusters(template) == tagged


def kept(templates: Mapping[str, Template]) -> dict[str, str]:
    """``stack/construct`` of everything that stays when its stack goes, and its deletion policy."""
    return {
        f"{stack}/{name[:-8]}": str(body["DeletionPolicy"])
        for stack, template in templates.items()
        for name, body in template["Resources"].items()
        if body.get("DeletionPolicy", "Delete") != "Delete"
    }


def test_what_stays_is_what_people_ask_for_afterwards_and_nothing_else(made: dict[str, Any]) -> None:
    assert kept(made) == KEPT


def test_files_of_airflow_stay_too(with_airflow: dict[str, dict[str, Any]]) -> None:
    assert kept(with_airflow) == KEPT | KEPT_WITH_AIRFLOW


def test_what_holds_data_says_what_becomes_of_it(made: dict[str, Any], with_airflow: dict[str, dict[str, Any]]) -> None:
    for templates in (made, with_airflow):
        for stack, template in templates.items():
            for name in of_type(template, *HOLDS_DATA):
                body = template["Resources"][name]
                stays = f"{stack}/{name[:-8]}" in KEPT | KEPT_WITH_AIRFLOW
                goes = body["Type"] in GONE or name.startswith(GONE_TABLES) or body["Type"].endswith("::Secret")
                assert stays or goes, f"{stack}/{name} is neither kept nor known to go"


def test_what_is_kept_is_not_lost_by_a_replacement_either(made: dict[str, Any]) -> None:
    for stack, template in made.items():
        for name, body in template["Resources"].items():
            if body.get("DeletionPolicy", "Delete") != "Delete":
                assert body["UpdateReplacePolicy"] == "Retain", f"{stack}/{name}"
