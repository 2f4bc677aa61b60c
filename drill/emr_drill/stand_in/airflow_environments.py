"""``AWS::MWAA::Environment``: what a template asks for is checked as CreateEnvironment would, and no Airflow runs.

moto 5.2.5 has no MWAA.  A request is held to botocore's model of CreateEnvironment, with its patterns and bounds, to
the bounds of CloudFormation's schema, and to what MWAA asks of bucket, files, network and role (its user guide).  MWAA
finds most of that out after half an hour, and an environment that failed cannot be changed; here the resource fails at
once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from emr_drill.stand_in.resource_types import Made, Properties, Recipe

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

TYPE = "AWS::MWAA::Environment"

# Of the resource and not of the call: it says how an update replaces workers.
_OF_UPDATES = ("WorkerReplacementStrategy",)
# CloudFormation's schema is narrower than the API's model here.
_LONGEST_OPTION = 256
_SERVICES = {"airflow.amazonaws.com", "airflow-env.amazonaws.com"}
_FILES = ("Requirements", "Plugins", "StartupScript")


class Refused(Exception):
    """MWAA would refuse the environment, or fail to make it; the message says why."""


def _environment(stand_in: StandIn, properties: Properties, name: str) -> Made:
    request = {key: value for key, value in {"Name": name, **properties}.items() if key not in _OF_UPDATES}
    model = botocore.session.get_session().get_service_model("mwaa")
    shape = model.operation_model("CreateEnvironment").input_shape
    request = _numbers(shape, request)
    found = [*_of_model(shape, request), *_of_options(request)]
    if not found:
        found = [
            *_of_bucket(stand_in, request),
            *_of_network(stand_in, request["NetworkConfiguration"]),
            *_of_role(stand_in, request["ExecutionRoleArn"]),
        ]
    if found:
        raise Refused(f"{TYPE} {name}: {'; '.join(found)}")
    at = f"{stand_in.region}:{stand_in.account}"
    service = f"com.amazonaws.vpce.{stand_in.region}.vpce-svc"
    return Made(
        name,
        {
            "Arn": f"arn:aws:airflow:{at}:environment/{name}",
            "CeleryExecutorQueue": f"arn:aws:sqs:{at}:airflow-celery-{name}",
            "WebserverUrl": f"{name}.airflow.{stand_in.region}.on.aws",
            "DatabaseVpcEndpointService": f"{service}-database",
            "WebserverVpcEndpointService": f"{service}-webserver",
        },
    )


def _numbers(shape: Any, value: Any) -> Any:
    """Templates carry text where the API wants numbers and truth values."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        members = shape.members
        return {key: _numbers(members[key], item) if key in members else item for key, item in value.items()}
    if shape.type_name == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    return int(value) if shape.type_name == "integer" and isinstance(value, str) and value.isdigit() else value


def _of_model(shape: Any, request: Mapping[str, Any]) -> Iterator[str]:
    """What botocore's model says: types, required members, bounds and patterns."""
    if unknown := sorted(request.keys() - shape.members.keys()):
        yield f"no property {', '.join(unknown)}"
    report = ParamValidator().validate(dict(request), shape)
    if report.has_errors():
        yield str(report.generate_report())
        return
    yield from _patterns(shape, request, "")


def _patterns(shape: Any, value: Any, where: str) -> Iterator[str]:
    """Patterns, enumerations and lengths, which botocore's own validation leaves to the service."""
    match shape.type_name:
        case "structure":
            for key, item in value.items():
                if key in shape.members:
                    yield from _patterns(shape.members[key], item, f"{where}.{key}")
        case "list":
            if not shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", len(value)):
                yield f"{where[1:]}: {len(value)} items"
            for item in value:
                yield from _patterns(shape.member, item, where)
        case "map":
            for key, item in value.items():
                yield from _patterns(shape.key, key, f"{where}.{key}")
                yield from _patterns(shape.value, item, f"{where}.{key}")
        case "string":
            pattern, enum = shape.metadata.get("pattern"), shape.metadata.get("enum")
            # Python has no \p classes; only tags use them.
            if pattern and "\\p" not in pattern and not re.fullmatch(pattern, value):
                yield f"{where[1:]}: got {value!r}, which does not match {pattern}"
            if enum and value not in enum:
                yield f"{where[1:]}: got {value!r}, allowed: {', '.join(enum)}"
            if len(value) > shape.metadata.get("max", len(value)):
                yield f"{where[1:]}: {len(value)} characters, allowed: {shape.metadata['max']}"
        case "integer":
            if value > shape.metadata.get("max", value):
                yield f"{where[1:]}: got {value}, allowed: at most {shape.metadata['max']}"
        case _:
            return


def _of_options(request: Mapping[str, Any]) -> Iterator[str]:
    for key, value in request.get("AirflowConfigurationOptions", {}).items():
        if len(value) > _LONGEST_OPTION:
            yield f"AirflowConfigurationOptions.{key}: {len(value)} characters, allowed: {_LONGEST_OPTION}"


def _of_bucket(stand_in: StandIn, request: Mapping[str, Any]) -> Iterator[str]:
    """A versioned bucket that blocks all public access, and in it the very versions that are asked for."""
    s3, bucket = stand_in.client("s3"), request["SourceBucketArn"].rpartition(":")[2]
    try:
        if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
            yield f"bucket {bucket} is not versioned"
        blocks = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        if not all(blocks.values()):
            yield f"bucket {bucket} does not block all public access"
    except ClientError as error:
        yield f"bucket {bucket}: {error}"
        return
    for kind in _FILES:
        path, version = request.get(f"{kind}S3Path"), request.get(f"{kind}S3ObjectVersion")
        if path is None:
            continue
        if not version:
            yield f"{kind}S3ObjectVersion is missing, though {kind}S3Path is there"
            continue
        try:
            s3.head_object(Bucket=bucket, Key=path, VersionId=version)
        except ClientError as error:
            yield f"{path} in version {version}: {error}"
    if not s3.list_objects_v2(Bucket=bucket, Prefix=f"{request['DagS3Path'].rstrip('/')}/")["KeyCount"]:
        yield f"nothing lies below {request['DagS3Path']}"


def _of_network(stand_in: StandIn, network: Mapping[str, Any]) -> Iterator[str]:
    """Two subnets in different AZs, and a group whose members may speak to each other."""
    ec2 = stand_in.client("ec2")
    subnets = ec2.describe_subnets(SubnetIds=network["SubnetIds"])["Subnets"]
    if len({subnet["AvailabilityZone"] for subnet in subnets}) != len(network["SubnetIds"]):
        yield "the subnets are not in different AZs"
    groups = ec2.describe_security_groups(GroupIds=network["SecurityGroupIds"])["SecurityGroups"]
    if not any(
        pair["GroupId"] == group["GroupId"]
        for group in groups
        for rule in group["IpPermissions"]
        for pair in rule.get("UserIdGroupPairs", [])
    ):
        yield "no security group lets its own members in"


def _of_role(stand_in: StandIn, arn: str) -> Iterator[str]:
    role = stand_in.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
    trusted: set[str] = set()
    for statement in role["AssumeRolePolicyDocument"]["Statement"]:
        services = statement["Principal"].get("Service", [])
        trusted |= {services} if isinstance(services, str) else set(services)
    if missing := sorted(_SERVICES - trusted):
        yield f"the execution role does not trust {', '.join(missing)}"


RECIPE = Recipe(type=TYPE, create=_environment, name_property="Name")
