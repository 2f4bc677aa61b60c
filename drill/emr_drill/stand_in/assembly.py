"""Deploy what ``cdk synth`` wrote: assets to S3, then stacks in the order of their dependencies, new or changed.

The CDK's own command line could do it, too, but takes seconds to start and cannot tell the drill what happens.
"""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from emr_drill.errors import DrillError

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

STACK, ASSETS = "aws:cloudformation:stack", "cdk:asset-manifest"
BOOTSTRAP_VERSION = "30"  # of the CDK's bootstrap stack, which the stand-in has without having it
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
LOOK_SECONDS = 0.02  # machine time
NOTHING_TO_DO = "No updates are to be performed"
COMPLETE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceEvent:
    """Something that happened to a resource of a stack, or to the stack itself.

    Attributes:
        stack: the stack's name.
        resource: logical id; the stack's name for the stack itself.
        type: ``AWS::Service::Thing``.
        status: ``CREATE_IN_PROGRESS``, ``UPDATE_COMPLETE``, ...
        reason: why, or empty.
    """

    stack: str
    resource: str
    type: str
    status: str
    reason: str


def deploy(
    stand_in: StandIn,
    assembly_dir: Path,
    stacks: Sequence[str] | None = None,
    on_event: Callable[[ResourceEvent], None] | None = None,
) -> dict[str, dict[str, str]]:
    """Deploy a cloud assembly and wait until it is complete.

    Args:
        stand_in: where to; running.
        assembly_dir: the directory with ``manifest.json``.
        stacks: artifact ids of the stacks to deploy, with what they depend on; None for all.
        on_event: gets every event of every stack, in order.

    Returns:
        Artifact id of each stack to its outputs.

    Raises:
        DrillError: a file is missing, a stack is unknown, or a stack could not be created or updated; names the first
            resource that failed and its reason.
    """
    deployment = _Deployment(stand_in, assembly_dir, on_event or (lambda event: None))
    for artifact in deployment.in_order(stacks):
        deployment.deploy(artifact)
    return deployment.outputs


def stack_name(assembly_dir: Path, stack: str) -> str:
    """What the stack with the artifact id *stack* is called."""
    artifact = _read(assembly_dir / "manifest.json")["artifacts"][stack]
    return str(artifact.get("properties", {}).get("stackName", stack))


class _Deployment:
    def __init__(self, stand_in: StandIn, directory: Path, on_event: Callable[[ResourceEvent], None]) -> None:
        self._stand_in = stand_in
        self._directory = directory
        self._on_event = on_event
        self._artifacts: Mapping[str, Any] = _read(directory / "manifest.json").get("artifacts", {})
        self.outputs: dict[str, dict[str, str]] = {}

    def in_order(self, stacks: Sequence[str] | None) -> list[str]:
        """Ids of the artifacts to deploy, each after those it depends on."""
        every = [name for name, artifact in self._artifacts.items() if artifact["type"] == STACK]
        wanted = every if stacks is None else list(stacks)
        if unknown := sorted(set(wanted) - set(every)):
            raise DrillError(
                f"{self._directory} has no stack {', '.join(unknown)}; it has: {', '.join(sorted(every))}. "
                "Run `cdk synth` again"
            )
        ordered: dict[str, None] = {}

        def visit(name: str) -> None:
            artifact = self._artifacts.get(name)
            if artifact is None or name in ordered:
                return
            for dependency in artifact.get("dependencies", []):
                visit(dependency)
            ordered[name] = None

        for name in wanted:
            visit(name)
        return [name for name in ordered if self._artifacts[name]["type"] in (STACK, ASSETS)]

    def deploy(self, name: str) -> None:
        """Deploy one artifact."""
        properties: Mapping[str, Any] = self._artifacts[name].get("properties", {})
        if self._artifacts[name]["type"] == ASSETS:
            for asset in _read(self._directory / properties["file"]).get("files", {}).values():
                self._upload(asset)
        else:
            self._bring_up_to_date(name, properties)

    def _upload(self, asset: Mapping[str, Any]) -> None:
        source = self._directory / asset["source"]["path"]
        content = _zipped(source) if asset["source"].get("packaging") == "zip" else _bytes(source)
        client = self._stand_in.client("s3")
        for destination in asset["destinations"].values():
            bucket, key = self._filled(destination["bucketName"]), self._filled(destination["objectKey"])
            with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
                client.create_bucket(Bucket=bucket, **self._location())
            client.put_object(Bucket=bucket, Key=key, Body=content)

    def _location(self) -> dict[str, Any]:
        if self._stand_in.region == "us-east-1":  # which S3 does not take for a constraint
            return {}
        return {"CreateBucketConfiguration": {"LocationConstraint": self._stand_in.region}}

    def _filled(self, text: str) -> str:
        for name, value in {
            "AWS::AccountId": self._stand_in.account,
            "AWS::Region": self._stand_in.region,
            "AWS::Partition": "aws",
        }.items():
            text = text.replace("${" + name + "}", value)
        return text

    def _bring_up_to_date(self, name: str, properties: Mapping[str, Any]) -> None:
        stack = str(properties.get("stackName", name))
        if parameter := properties.get("bootstrapStackVersionSsmParameter"):
            self._stand_in.client("ssm").put_parameter(
                Name=parameter, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True
            )
        parameters = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in properties.get("parameters", {}).items()
        ]
        request = {
            "StackName": stack,
            "TemplateBody": _bytes(self._directory / properties["templateFile"]).decode(),
            "Parameters": parameters,
            "Tags": [{"Key": key, "Value": value} for key, value in properties.get("tags", {}).items()],
            "Capabilities": CAPABILITIES,
        }
        client: Any = self._stand_in.client("cloudformation")
        known = next((one for one in list(self._stand_in.stacks.backend.stacks.values()) if one.name == stack), None)
        told = 0 if known is None else len(known.events)
        try:
            answer = client.create_stack(**request) if known is None else client.update_stack(**request)
        except ClientError as error:
            if known is None or NOTHING_TO_DO not in str(error):
                raise DrillError(f"the stand-in refuses stack {stack}: {error}") from error
            answer = {"StackId": known.stack_id}
        else:
            self._wait(answer["StackId"], told)
        found = self._stand_in.stacks.find(answer["StackId"])
        self.outputs[name] = {item["OutputKey"]: str(item["OutputValue"]) for item in found.outputs or []}

    def _wait(self, stack_id: str, told: int) -> None:
        """Until nothing is in progress; *told* events of the stack are old."""
        stack = self._stand_in.stacks.find(stack_id)
        failure: ResourceEvent | None = None
        events = self._events(stack_id, told)
        while True:
            settled = not stack.status.endswith("_IN_PROGRESS")
            for event in events():
                self._on_event(event)
                if failure is None and event.status in ("CREATE_FAILED", "UPDATE_FAILED"):
                    failure = event
            if settled:
                break
            if stack.run.wait(LOOK_SECONDS) and stack.status.endswith("_IN_PROGRESS"):
                raise DrillError(f"the stand-in was stopped while stack {stack.name} was {stack.status}")
        if stack.status in COMPLETE:
            return
        if failure is None:
            raise DrillError(f"stack {stack.name} ended as {stack.status}: {stack.stack_status_reason}")
        raise DrillError(
            f"stack {stack.name} ended as {stack.status}: {failure.type} {failure.resource} failed: {failure.reason}"
        )

    def _events(self, stack_id: str, told: int) -> Callable[[], Iterator[ResourceEvent]]:
        stack = self._stand_in.stacks.find(stack_id)

        def more() -> Iterator[ResourceEvent]:
            nonlocal told
            while told < len(stack.events):
                event = stack.events[told]
                told += 1
                yield ResourceEvent(
                    stack=stack.name,
                    resource=event.logical_resource_id,
                    type=event.resource_type,
                    status=event.resource_status,
                    reason=event.resource_status_reason or "",
                )

        return more


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DrillError(
            f"cannot read {path} of the cloud assembly ({error.strerror}); run `cdk synth` again"
        ) from error


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(_bytes(path)))


def _zipped(directory: Path) -> bytes:
    if directory.is_file():  # a zip file already
        return directory.read_bytes()

    def write() -> bytes:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(directory.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(directory))
        return content.getvalue()

    # Not in the main thread, where interruptions come: one that comes while a file is written has the archive fail to
    # close, and what is told is that.
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(write).result()
