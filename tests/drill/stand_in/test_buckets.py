"""A bucket of a template has what the template says of versions and of the public."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .stack_world import StackWorld, stack_world

BLOCKED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), "true")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    with stack_world(Path(tmp_path_factory.mktemp("world"))) as running:
        yield running


def bucket(world: StackWorld, name: str, **properties: object) -> str:
    """Name of a bucket of a new stack."""
    stack = world.create(
        name,
        {
            "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}},
            "Outputs": {"Name": {"Value": {"Ref": "Bucket"}}, "Arn": {"Value": {"Fn::GetAtt": ["Bucket", "Arn"]}}},
        },
    )
    assert world.settled(stack) == "CREATE_COMPLETE", world.events(stack)
    outputs = {each["OutputKey"]: each["OutputValue"] for each in world.stack(stack)["Outputs"]}
    assert outputs["Arn"] == f"arn:aws:s3:::{outputs['Name']}"
    return str(outputs["Name"])


def test_versions_and_the_block_of_public_access_are_those_of_the_template(world: StackWorld) -> None:
    name = bucket(
        world,
        "private",
        VersioningConfiguration={"Status": "Enabled"},
        PublicAccessBlockConfiguration=BLOCKED,
    )

    s3 = world.client("s3")
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    assert s3.put_object(Bucket=name, Key="k", Body=b"")["VersionId"]


def test_a_template_that_says_nothing_gets_neither(world: StackWorld) -> None:
    assert "Status" not in world.client("s3").get_bucket_versioning(Bucket=bucket(world, "plain"))


def test_a_bucket_goes_with_its_stack(world: StackWorld) -> None:
    name = bucket(world, "brief", VersioningConfiguration={"Status": "Enabled"})

    world.client("cloudformation").delete_stack(StackName="brief")

    world.until(lambda: name not in {each["Name"] for each in world.client("s3").list_buckets()["Buckets"]})
