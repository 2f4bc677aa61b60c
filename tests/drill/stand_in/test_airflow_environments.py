"""An MWAA environment in a template is checked, and refused for what MWAA would refuse it for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emr_drill.stand_in.airflow_environments import TYPE

from .stack_world import StackWorld, stack_world

BUCKET = "airflow"
REQUIREMENTS = "requirements/one.txt"
TRUSTED = {"Service": ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    with stack_world(Path(tmp_path_factory.mktemp("world"))) as running:
        yield running


@pytest.fixture(scope="module")
def properties(world: StackWorld) -> dict[str, Any]:
    """What an environment needs, all of it there."""
    s3, ec2, iam = world.client("s3"), world.client("ec2"), world.client("iam")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(blocks, True))
    s3.put_object(Bucket=BUCKET, Key="dags/d.py", Body=b"")
    version = s3.put_object(Bucket=BUCKET, Key=REQUIREMENTS, Body=b"")["VersionId"]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(("us-east-1a", "us-east-1b", "us-east-1a"))
    ]
    group = ec2.create_security_group(GroupName="airflow", Description="airflow", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
    )
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=vpc)["GroupId"]
    roles = {
        name: iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(
                {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
            ),
        )["Role"]["Arn"]
        for name, principal in (("airflow", TRUSTED), ("stranger", {"Service": "ec2.amazonaws.com"}))
    }
    world.other = {"subnets": [subnets[0], subnets[2]], "group": other, "role": roles["stranger"]}  # type: ignore[attr-defined]
    return {
        "Name": "mine",
        "AirflowVersion": "3.0.6",
        "ExecutionRoleArn": roles["airflow"],
        "SourceBucketArn": f"arn:aws:s3:::{BUCKET}",
        "DagS3Path": "dags",
        "RequirementsS3Path": REQUIREMENTS,
        "RequirementsS3ObjectVersion": version,
        "MaxWorkers": "5",
        "WorkerReplacementStrategy": "GRACEFUL",
        "AirflowConfigurationOptions": {"secrets.backend": "x"},
        "NetworkConfiguration": {"SubnetIds": subnets[:2], "SecurityGroupIds": [other, group]},
    }


def made(world: StackWorld, name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """The stack with one environment, when nothing is in progress any more."""
    outputs = {
        "Arn": {"Value": {"Fn::GetAtt": ["Airflow", "Arn"]}},
        "Url": {"Value": {"Fn::GetAtt": ["Airflow", "WebserverUrl"]}},
    }
    template = {"Resources": {"Airflow": {"Type": TYPE, "Properties": properties}}, "Outputs": outputs}
    stack = world.create(name, template)
    world.settled(stack)
    return world.stack(stack) | {"Events": str(world.events(stack))}


def test_an_environment_that_has_everything_is_made(world: StackWorld, properties: dict[str, Any]) -> None:
    stack = made(world, "good", properties)

    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["Events"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert outputs["Arn"].endswith(":environment/mine")
    assert outputs["Url"].startswith("mine.airflow.")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Workers": 3}, "no property Workers"),
        ({"DagS3Path": None}, "DagS3Path"),
        ({"Schedulers": 9}, "Schedulers: got 9"),
        ({"WebserverAccessMode": "OPEN"}, "WebserverAccessMode: got 'OPEN', allowed: PRIVATE_ONLY"),
        ({"AirflowVersion": "3.0.6-RC"}, "AirflowVersion: got '3.0.6-RC', which does not match"),
        ({"AirflowConfigurationOptions": {"secrets.backend_kwargs": "x" * 257}}, "257 characters, allowed: 256"),
        ({"AirflowConfigurationOptions": {"Secrets": "x"}}, "got 'Secrets', which does not match"),
        ({"SourceBucketArn": "arn:aws:s3:::nobodys"}, "bucket nobodys"),
        ({"RequirementsS3ObjectVersion": None}, "RequirementsS3ObjectVersion is missing"),
        ({"RequirementsS3ObjectVersion": "another"}, f"{REQUIREMENTS} in version another"),
        ({"DagS3Path": "nothing"}, "nothing lies below nothing"),
    ],
)
def test_what_mwaa_would_refuse_fails_at_once(
    world: StackWorld, properties: dict[str, Any], change: dict[str, Any], reason: str
) -> None:
    changed = {key: value for key, value in {**properties, **change}.items() if value is not None}

    stack = made(world, f"bad-{abs(hash(reason))}", changed)

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in stack["Events"].replace("\\'", "'")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("subnets", "the subnets are not in different AZs"),
        ("group", "no security group lets its own members in"),
        ("role", "the execution role does not trust airflow-env.amazonaws.com, airflow.amazonaws.com"),
    ],
)
def test_a_network_or_a_role_that_does_not_do_fails_at_once(
    world: StackWorld, properties: dict[str, Any], what: str, reason: str
) -> None:
    other: dict[str, Any] = world.other  # type: ignore[attr-defined]
    network = properties["NetworkConfiguration"]
    changes: dict[str, dict[str, Any]] = {
        "subnets": {"NetworkConfiguration": {**network, "SubnetIds": other["subnets"]}},
        "group": {"NetworkConfiguration": {**network, "SecurityGroupIds": [other["group"]]}},
        "role": {"ExecutionRoleArn": other["role"]},
    }

    stack = made(world, f"bad-{what}", {**properties, **changes[what]})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in stack["Events"]
