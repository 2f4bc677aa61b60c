"""What an environment that is there already is granted, and what it is told to add."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from emr_dr.airflow_existing import ExistingAirflow
from emr_dr.mwaa_settings import Mwaa
from emr_dr.settings import Settings
from stacks.active_passive import ActivePassive
from stacks.platform import Platform

from ..synthesis import findings, new_app, only, resources, templates

Templates = dict[str, dict[str, Any]]
EXISTING = {
    "mode": "existing",
    "environment_name": "theirs",
    "execution_role_arn": "arn:aws:iam::111122223333:role/theirs",
}


def output(templates: Templates, name: str) -> str:
    """The text of an output, references by their own text."""
    value = templates["Platform"]["Outputs"][f"Airflow{name}"]["Value"]
    if isinstance(value, str):
        return value
    if "Fn::Sub" in value:
        return str(value["Fn::Sub"])
    return "".join(part if isinstance(part, str) else "REFERENCE" for part in value["Fn::Join"][1])


def test_nothing_of_it_is_made_and_nothing_of_its_role_is_changed(with_existing_airflow: Templates) -> None:
    template = with_existing_airflow["Platform"]

    assert resources(template, "AWS::MWAA::Environment") == {}
    assert "AirflowFiles" not in " ".join(resources(template, "AWS::Lambda::Function"))
    assert "theirs" not in json.dumps(list(resources(template, "AWS::IAM::Policy").values()))
    assert "theirs" not in json.dumps(list(resources(template, "AWS::IAM::Role").values()))


def test_the_key_lets_the_role_read_the_connections_and_nothing_else(with_existing_airflow: Templates) -> None:
    """B8."""
    key = only(with_existing_airflow["Platform"], "AWS::KMS::Key")
    (found,) = (each for each in key["KeyPolicy"]["Statement"] if each.get("Sid") == "AirflowReadsConnections")

    assert found["Principal"] == {"AWS": "arn:aws:iam::111122223333:role/theirs"}
    assert found["Action"] == "kms:Decrypt"
    assert "secretsmanager." in json.dumps(found["Condition"]["StringEquals"])
    secrets = json.dumps(found["Condition"]["StringLike"]["kms:EncryptionContext:SecretARN"])
    assert "livy_default-??????" in secrets and "livy_active_active-??????" in secrets


def test_its_group_may_use_livy_and_no_other_is_admitted(
    with_existing_airflow: Templates, active_passive: dict[str, Any]
) -> None:
    """A5."""

    def admitted(template: dict[str, Any]) -> list[tuple[str, int]]:
        return [
            (rule["SourceSecurityGroupId"], rule["FromPort"])
            for name, each in resources(template, "AWS::EC2::SecurityGroup").items()
            if name.startswith("FrontDoorNetworkGroup")
            for rule in each.get("SecurityGroupIngress", [])
        ]

    assert admitted(with_existing_airflow["ActivePassive"]) == [
        *admitted(active_passive),
        ("sg-0123456789abcdef0", 8998),
    ]


def test_statements_for_its_role_are_put_out(with_existing_airflow: Templates) -> None:
    """A role that a boundary limits needs them; no statement helps one of another account (A6)."""
    statements = json.loads(output(with_existing_airflow, "RoleStatements"))
    description = with_existing_airflow["Platform"]["Outputs"]["AirflowRoleStatements"]["Description"]

    assert [each["Sid"] for each in statements] == ["Connections", "ConnectionsKey"]
    assert "*" not in [each["Resource"] for each in statements]
    assert "which has to be of this account" in description


def test_options_of_its_configuration_are_put_out(with_existing_airflow: Templates) -> None:
    options = json.loads(output(with_existing_airflow, "ConfigurationOptions"))

    assert options.keys() == {"secrets.backend", "secrets.backend_kwargs", "emr_dr.artifact_bucket"}
    assert json.loads(options["secrets.backend_kwargs"])["connections_lookup_pattern"].startswith("^(")


def test_lines_of_its_requirements_and_their_wheels_are_put_out(with_existing_airflow: Templates) -> None:
    """B8: without --no-index, too, pip asks no index for them."""
    lines = json.loads(output(with_existing_airflow, "Requirements")).splitlines()
    description = with_existing_airflow["Platform"]["Outputs"]["AirflowRequirements"]["Description"]

    assert lines == [
        "--no-index",
        "/usr/local/airflow/plugins/apache_airflow_providers_apache_livy-4.4.2-py3-none-any.whl",
        "/usr/local/airflow/plugins/emr_dr_airflow-0.1.0-py3-none-any.whl",
    ]
    assert description.endswith("; --no-index only if it installs from plugins.zip alone")
    assert output(with_existing_airflow, "Plugins").endswith(".zip")


def test_a_group_that_the_settings_do_not_name_is_to_be_admitted_by_them(wheels: Path, tmp_path: Path) -> None:
    app = new_app(tmp_path)
    settings = Settings.parse({"mwaa": EXISTING})
    platform = Platform(app, "Platform", settings=settings)
    ActivePassive(app, "ActivePassive", settings=settings, platform=platform)

    made = templates(app)

    assert platform.airflow_group is None
    assert output(made, "GroupRule") == (
        "outbound TCP 8998 to the front doors; and name its group or range in front_door.livy_clients"
    )


def test_the_policy_checks_find_nothing(wheels: Path, tmp_path: Path) -> None:
    """B8."""
    app = new_app(tmp_path)
    settings = Settings.parse({"mwaa": EXISTING})
    platform = Platform(app, "Platform", settings=settings)
    ActivePassive(app, "ActivePassive", settings=settings, platform=platform)

    assert findings(app) == []


def test_without_a_role_nothing_is_granted(wheels: Path, tmp_path: Path) -> None:
    stack = Stack(new_app(tmp_path), "Stack")

    with pytest.raises(ValueError, match=r"mwaa\.execution_role_arn is null"):
        ExistingAirflow(
            stack,
            "Airflow",
            settings=Mwaa(mode="existing"),
            connections=["livy_default"],
            livy_port=8998,
            key=kms.Key(stack, "Key"),
            artifact_bucket=s3.Bucket(stack, "Bucket"),
        )
