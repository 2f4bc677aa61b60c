"""What `cdk synth` wrote is what gets deployed (A13)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emr_drill.errors import DrillError
from emr_drill.stand_in.assembly import ResourceEvent, deploy

from .stack_world import StackWorld, answer, stack_world

BUCKET = "cdk-assets-123456789012-us-east-1"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StackWorld]:
    (tmp_path / "work").mkdir()
    with stack_world(tmp_path / "work") as running:
        yield running


class Assembly:
    """A small cloud assembly: `Lower`, and `Upper` that needs it and has assets."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self.upper: dict[str, Any] = {
            "Parameters": {"Size": {"Type": "String"}},
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {"Queue": {"Value": {"Fn::ImportValue": "Lower:Queue"}}, "Size": {"Value": {"Ref": "Size"}}},
        }
        self.lower: dict[str, Any] = {
            "Parameters": {
                "BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk/version"}
            },
            "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "lower"}}},
            "Outputs": {"Queue": {"Value": {"Fn::GetAtt": ["Queue", "QueueName"]}, "Export": {"Name": "Lower:Queue"}}},
        }

    def write(self) -> Path:
        """The assembly's directory."""
        code = self.directory / "asset.code"
        (code / "package").mkdir(parents=True)
        (code / "package" / "module.py").write_text("pass\n")
        (self.directory / "job.py").write_text("print()\n")
        self._json("Upper.template.json", self.upper)
        self._json("Lower.template.json", self.lower)
        self._json(
            "Upper.assets.json",
            {
                "files": {
                    "a": self._asset("asset.code", "zip", "a.zip"),
                    "b": self._asset("job.py", "file", "b.py"),
                }
            },
        )
        self._json(
            "manifest.json",
            {
                "artifacts": {
                    "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
                    "Upper": self._stack("Upper", ["Lower", "Upper.assets"], {"Size": "large"}),
                    "Upper.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Upper.assets.json"}},
                    "Lower": self._stack("Lower", [], {}),
                }
            },
        )
        return self.directory

    def _json(self, name: str, content: Any) -> None:
        (self.directory / name).write_text(json.dumps(content))

    @staticmethod
    def _asset(path: str, packaging: str, key: str) -> dict[str, Any]:
        bucket = "cdk-assets-${AWS::AccountId}-${AWS::Region}"
        return {
            "source": {"path": path, "packaging": packaging},
            "destinations": {"current": {"bucketName": bucket, "objectKey": key}},
        }

    @staticmethod
    def _stack(name: str, dependencies: list[str], parameters: dict[str, str]) -> dict[str, Any]:
        return {
            "type": "aws:cloudformation:stack",
            "dependencies": dependencies,
            "properties": {
                "templateFile": f"{name}.template.json",
                "bootstrapStackVersionSsmParameter": "/cdk/version",
                "parameters": parameters,
                "tags": {"emr-dr:deployment": "d"},
            },
        }


@pytest.fixture
def assembly(tmp_path: Path) -> Assembly:
    return Assembly(tmp_path / "cdk.out")


def test_stacks_are_made_in_the_order_of_their_needs(world: StackWorld, assembly: Assembly) -> None:
    outputs = deploy(world.stand_in, assembly.write())

    assert outputs == {"Lower": {"Queue": "lower"}, "Upper": {"Queue": "lower", "Size": "large"}}


def test_only_what_is_asked_for_is_deployed(world: StackWorld, assembly: Assembly) -> None:
    assert set(deploy(world.stand_in, assembly.write(), stacks=["Lower"])) == {"Lower"}


def test_needed_stacks_come_along(world: StackWorld, assembly: Assembly) -> None:
    assert set(deploy(world.stand_in, assembly.write(), stacks=["Upper"])) == {"Lower", "Upper"}


def test_directories_are_zipped(world: StackWorld, assembly: Assembly) -> None:
    deploy(world.stand_in, assembly.write())

    content = world.client("s3").get_object(Bucket=BUCKET, Key="a.zip")["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["package/module.py"]


def test_files_are_uploaded_as_they_are(world: StackWorld, assembly: Assembly) -> None:
    deploy(world.stand_in, assembly.write())

    assert world.client("s3").get_object(Bucket=BUCKET, Key="b.py")["Body"].read() == b"print()\n"


def test_tags_of_the_assembly_are_the_stacks(world: StackWorld, assembly: Assembly) -> None:
    deploy(world.stand_in, assembly.write(), stacks=["Lower"])

    assert world.stack("Lower")["Tags"] == [{"Key": "emr-dr:deployment", "Value": "d"}]


def test_events_are_told_in_order(world: StackWorld, assembly: Assembly) -> None:
    told: list[ResourceEvent] = []

    deploy(world.stand_in, assembly.write(), stacks=["Lower"], on_event=told.append)

    assert [(event.resource, event.status) for event in told][-2:] == [
        ("Queue", "CREATE_COMPLETE"),
        ("Lower", "CREATE_COMPLETE"),
    ]


def test_first_failure_is_named_with_its_reason(world: StackWorld, assembly: Assembly) -> None:
    function = world.function(
        "controller", lambda event: answer(event, Status="FAILED", Reason="no AZ has capacity", PhysicalResourceId="x")
    )
    assembly.lower["Resources"]["ManagedClusterA"] = {
        "Type": "Custom::EmrManagedCluster",
        "Properties": {"ServiceToken": function},
    }

    with pytest.raises(DrillError, match=r"Custom::EmrManagedCluster ManagedClusterA failed: .*no AZ has capacity"):
        deploy(world.stand_in, assembly.write())


def test_refused_template_is_an_error_of_the_drill(world: StackWorld, assembly: Assembly) -> None:
    assembly.lower["Resources"]["Graph"] = {"Type": "AWS::Neptune::DBCluster"}

    with pytest.raises(DrillError, match="Unrecognized resource types"):
        deploy(world.stand_in, assembly.write())


def test_unknown_stack_is_named_with_those_that_exist(world: StackWorld, assembly: Assembly) -> None:
    with pytest.raises(DrillError, match="has no stack ActiveActive; it has: Lower, Upper"):
        deploy(world.stand_in, assembly.write(), stacks=["ActiveActive"])


def test_missing_assembly_says_what_to_run(world: StackWorld, tmp_path: Path) -> None:
    with pytest.raises(DrillError, match="run `cdk synth` again"):
        deploy(world.stand_in, tmp_path / "nowhere")


def test_what_is_deployed_already_is_left_alone(world: StackWorld, assembly: Assembly) -> None:
    directory = assembly.write()
    first = deploy(world.stand_in, directory)
    events: list[ResourceEvent] = []

    assert deploy(world.stand_in, directory, on_event=events.append) == first
    assert events == []


def test_a_changed_assembly_updates_the_stacks_that_differ(
    world: StackWorld, assembly: Assembly, tmp_path: Path
) -> None:
    """B13."""
    deploy(world.stand_in, assembly.write())
    changed = Assembly(tmp_path / "changed")
    changed.upper["Resources"]["Second"] = {"Type": "AWS::SNS::Topic"}
    events: list[ResourceEvent] = []

    deploy(world.stand_in, changed.write(), on_event=events.append)

    assert [event.status for event in events if event.resource == event.stack] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]
    assert {event.resource for event in events} == {"Upper", "Second"}


def test_an_update_that_fails_names_the_resource_and_its_reason(
    world: StackWorld, assembly: Assembly, tmp_path: Path
) -> None:
    deploy(world.stand_in, assembly.write())
    changed = Assembly(tmp_path / "changed")
    changed.lower["Resources"]["Queue"]["Properties"]["DelaySeconds"] = 5

    with pytest.raises(DrillError, match="stack Lower ended as UPDATE_ROLLBACK_COMPLETE: AWS::SQS::Queue Queue failed"):
        deploy(world.stand_in, changed.write())
