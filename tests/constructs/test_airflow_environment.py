"""The MWAA environment as the template has it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from emr_dr import airflow_packages
from emr_dr.airflow_environment import AirflowEnvironment
from emr_dr.settings import Settings
from stacks.platform import Platform

from ..synthesis import findings, new_app, only, resources, templates

Templates = dict[str, dict[str, Any]]
TYPE = "AWS::MWAA::Environment"


def platform(folder: Path, **more: Any) -> dict[str, Any]:
    """The template of the platform with an environment."""
    app = new_app(folder)
    Platform(app, "Platform", settings=Settings.parse({"mwaa": {"mode": "create"}, **more}))
    return templates(app)["Platform"]


@pytest.fixture
def environment(with_airflow: Templates) -> dict[str, Any]:
    return only(with_airflow["Platform"], TYPE)


def test_requirements_and_plugins_are_pinned_to_their_versions(
    with_airflow: Templates, environment: dict[str, Any]
) -> None:
    """B13: without a version MWAA would go on with what it had."""
    made = resources(with_airflow["Platform"], "Custom::AirflowFile")
    for kind in ("Requirements", "Plugins"):
        name, attribute = environment[f"{kind}S3ObjectVersion"]["Fn::GetAtt"]
        assert (made[name]["Key"], attribute) == (environment[f"{kind}S3Path"], "VersionId")


def test_another_wheel_changes_the_environment(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, Any]
) -> None:
    """B13: a change is picked up, and by nothing else than the two files."""
    other = tmp_path / "emr_dr_airflow-0.2.0-py3-none-any.whl"
    other.write_bytes(b"another wheel")
    monkeypatch.setattr(airflow_packages, "own_wheels", lambda directory: [other])

    changed = only(platform(tmp_path / "out"), TYPE)

    assert {key for key in environment if changed[key] != environment[key]} == {"RequirementsS3Path", "PluginsS3Path"}


def test_another_dag_leaves_the_environment_as_it_is(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, Any]
) -> None:
    """A deploy of a DAG takes seconds, not half an hour."""
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "new.py").write_text("pass\n")
    monkeypatch.setattr(airflow_packages, "DAGS_FOLDER", folder)

    template = platform(tmp_path / "out")

    assert only(template, TYPE) == environment
    assert "dags/new.py" in {each["Key"] for each in resources(template, "Custom::AirflowFile").values()}


def test_every_dag_of_the_folder_is_in_the_bucket(with_airflow: Templates, environment: dict[str, Any]) -> None:
    """A8."""
    keys = {each["Key"] for each in resources(with_airflow["Platform"], "Custom::AirflowFile").values()}

    assert environment["DagS3Path"] == "dags"
    assert {f"dags/{file.name}" for file in airflow_packages.dag_files()} <= keys
    assert "dags/emr_spark_pi.py" in keys


def test_it_runs_in_two_private_subnets_apart_from_clusters(
    with_airflow: Templates, environment: dict[str, Any]
) -> None:
    subnets = [each["Ref"] for each in environment["NetworkConfiguration"]["SubnetIds"]]

    zones = [
        json.dumps(with_airflow["Platform"]["Resources"][name]["Properties"]["AvailabilityZone"]) for name in subnets
    ]
    assert len(set(zones)) == len(subnets) == 2
    assert all("ServiceSubnet" in name for name in subnets)


def test_its_machines_reach_each_other_and_the_front_door(with_airflow: Templates, environment: dict[str, Any]) -> None:
    """The first group lets its members in; the second is the one that front doors admit, and has no rule of its own."""
    own, clients = (each["Fn::GetAtt"][0] for each in environment["NetworkConfiguration"]["SecurityGroupIds"])
    rules = [
        each
        for each in resources(with_airflow["Platform"], "AWS::EC2::SecurityGroupIngress").values()
        if each["GroupId"]["Fn::GetAtt"][0] == own
    ]

    assert clients.startswith("LivyClients")
    assert [(each["SourceSecurityGroupId"]["Fn::GetAtt"][0], each["IpProtocol"]) for each in rules] == [(own, "-1")]
    assert "SecurityGroupIngress" not in with_airflow["Platform"]["Resources"][own]["Properties"]


def test_the_web_server_is_private_and_what_it_is_keeps_is_encrypted(environment: dict[str, Any]) -> None:
    """B8."""
    assert environment["WebserverAccessMode"] == "PRIVATE_ONLY"
    assert environment["KmsKey"]["Fn::GetAtt"][0].startswith("StorageKey")


def test_it_is_made_after_everything_that_it_needs(with_airflow: Templates) -> None:
    """An environment whose creation failed cannot be changed."""
    (resource,) = (each for each in with_airflow["Platform"]["Resources"].values() if each["Type"] == TYPE)

    for needed in (
        "AirflowRoleDefaultPolicy",
        "AirflowFilesBucketPolicy",
        "AirflowFilesDagEmrSparkPi",
        "AirflowGroupfrom",
        "NetworkVpcServiceSubnet1DefaultRoute",
        "NetworkVpcServiceSubnet2DefaultRoute",
    ):
        assert any(name.startswith(needed) for name in resource["DependsOn"]), needed


def test_what_the_settings_say_reaches_it(wheels: Path, tmp_path: Path) -> None:
    mwaa = {
        "mode": "create",
        "airflow_version": "2.11.0",
        "environment_class": "mw1.large",
        "minimum_workers": 2,
        "maximum_workers": 8,
        "schedulers": 3,
        "web_server_clients": ["10.9.0.0/16"],
        "worker_replacement": "forced",
        "logs": {"task": "DEBUG", "worker": "none"},
    }
    template = platform(tmp_path, mwaa=mwaa, name="other")
    found = only(template, TYPE)

    assert {
        key: found[key]
        for key in ("Name", "AirflowVersion", "EnvironmentClass", "MinWorkers", "MaxWorkers", "Schedulers")
    } == {
        "Name": "other-airflow",
        "AirflowVersion": "2.11.0",
        "EnvironmentClass": "mw1.large",
        "MinWorkers": 2,
        "MaxWorkers": 8,
        "Schedulers": 3,
    }
    assert found["WorkerReplacementStrategy"] == "FORCED"
    assert found["LoggingConfiguration"]["TaskLogs"] == {"Enabled": True, "LogLevel": "DEBUG"}
    assert found["LoggingConfiguration"]["WorkerLogs"]["Enabled"] is False
    (group,) = (
        each for name, each in resources(template, "AWS::EC2::SecurityGroup").items() if name.startswith("AirflowGroup")
    )
    assert [(each["CidrIp"], each["FromPort"], each["ToPort"]) for each in group["SecurityGroupIngress"]] == [
        ("10.9.0.0/16", 443, 443)
    ]


def test_with_a_way_out_of_the_vpc_no_endpoint_is_paid_for(with_airflow: Templates) -> None:
    kinds = {
        each.get("VpcEndpointType") for each in resources(with_airflow["Platform"], "AWS::EC2::VPCEndpoint").values()
    }

    assert "Interface" not in kinds


@pytest.fixture(scope="module")
def without_way_out(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return platform(tmp_path_factory.mktemp("isolated"), network={"nat_gateways": "none"})


def test_without_a_way_out_every_service_gets_a_door(without_way_out: dict[str, Any]) -> None:
    interfaces = [
        each
        for each in resources(without_way_out, "AWS::EC2::VPCEndpoint").values()
        if each.get("VpcEndpointType") == "Interface"
    ]

    services = {json.dumps(each["ServiceName"]).rsplit("com.amazonaws.", 1)[1] for each in interfaces}
    assert len(services) == len(interfaces) == 10
    for service in ("sqs", "secretsmanager", "airflow.api", "ecr.dkr"):
        assert any(service in name for name in map(lambda each: json.dumps(each["ServiceName"]), interfaces))
    assert all(each["PrivateDnsEnabled"] and len(each["SubnetIds"]) == 3 for each in interfaces)


@pytest.mark.parametrize(
    "more",
    [
        {"alert_email": "ops@example.org"},
        {"network": {"nat_gateways": "none"}},
        {"region": "us-east-1", "network": {"availability_zones": ["us-east-1a", "us-east-1b", "us-east-1f"]}},
        {"mwaa": {"mode": "create", "web_server_access": "public"}},
        {"mwaa": {"mode": "create", "web_server_clients": ["10.9.0.0/16", "sg-0123456789abcdef0"]}},
        {"mwaa": {"mode": "create", "task_policies": ["arn:aws:iam::123456789012:policy/team/tables"]}},
    ],
)
def test_the_policy_checks_find_nothing_whatever_the_settings(wheels: Path, tmp_path: Path, more: Any) -> None:
    """B8: each acknowledged finding has its reason beside the construct."""
    app = new_app(tmp_path)
    Platform(app, "Platform", settings=Settings.parse({"mwaa": {"mode": "create"}, **copy.deepcopy(more)}))

    assert findings(app) == []


def test_outputs_say_where_the_web_interface_is_and_where_dags_go(with_airflow: Templates) -> None:
    outputs = with_airflow["Platform"]["Outputs"]

    assert {"AirflowWebServer", "AirflowBucket", "AirflowRole", "ArtifactBucket"} <= outputs.keys()


def test_dags_learn_the_bucket_of_what_jobs_are_made_of(environment: dict[str, Any]) -> None:
    """A8: the sample DAG looks for the jar there."""
    option = environment["AirflowConfigurationOptions"]["emr_dr.artifact_bucket"]

    assert option["Ref"].startswith("StorageArtifacts")


def test_its_parts_are_there_for_others_to_grant(wheels: Path, tmp_path: Path) -> None:
    app = new_app(tmp_path)
    made = Platform(app, "Platform", settings=Settings.parse({"mwaa": {"mode": "create"}})).node.find_child("Airflow")

    assert isinstance(made, AirflowEnvironment)
    assert made.name == "emr-dr-airflow"
    assert made.role.node.path == "Platform/Airflow/Role/Resource"
