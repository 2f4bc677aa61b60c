"""What the roles of the synthesized templates may do, and who may take them.

Two readings of the same templates: as a person reads them (:func:`permissions`, references as ``<Name>``), and as IAM
evaluates them (:func:`role_statements`, references as ARNs of a made-up account).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emr_drill.authorization.documents import Statement, parse_policy

Template = Mapping[str, Any]
Templates = Mapping[str, Template]

ACCOUNT, REGION = "111122223333", "us-east-1"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": "",
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{{stack}}/0",
}
# What the CDK appends to a construct's path to make a logical id.
_HASH = re.compile("[0-9A-F]{8}$")


# Numbers and letters of what there is several times; one entry of the allow-list is about all of them.
_SEVERAL = (
    (re.compile(r"emr-dr-active-(active|passive)"), "{deployment}"),
    (re.compile(r"(?<=stack/\{deployment\}-)[ab](?=-g)"), "X"),
    (re.compile(r"(?<=-prober-)\d"), "N"),
    (re.compile(r"(?<=/)[0-9a-f]{64}(?=\.)"), "HASH"),
    (re.compile(r"(?<=ProbersProber)\d"), "N"),
    (re.compile(r"(?<=FrontDoorSlots)(Group|IdRule|HeaderRule)\d"), r"\1N"),
    (re.compile(r"(?<=FrontDoor)(NameNode|ResourceManager)[AB]"), r"\1X"),
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Permission:
    """One action of one statement on one resource.

    Attributes:
        action: as the policy has it, or the name of a managed policy.
        resource: with references as ``<Name>``.
        when: its conditions, one text each, sorted.
        denied: whether it is a denial.
    """

    action: str
    resource: str
    when: tuple[str, ...] = ()
    denied: bool = False


def plain_name(logical_id: str) -> str:
    """A logical id without what the CDK appended."""
    return _HASH.sub("", logical_id)


class Resolver:
    """Puts texts in the place of CloudFormation's functions, across the stacks of one assembly."""

    def __init__(
        self,
        templates: Templates,
        *,
        pseudo: Mapping[str, str],
        reference: Callable[[str, str, str], str],
    ) -> None:
        """Prepare to resolve.

        Args:
            templates: by stack name.
            pseudo: what stands for pseudo parameters.
            reference: text for a reference: stack, logical id, and the attribute, ``Ref`` for none.
        """
        self._templates = templates
        self._pseudo = pseudo
        self._reference = reference
        self._exports = {
            export["Export"]["Name"]: (stack, export["Value"])
            for stack, template in templates.items()
            for export in template.get("Outputs", {}).values()
            if isinstance(export.get("Export", {}).get("Name"), str)
        }

    def __call__(self, value: Any, *, stack: str) -> Any:
        """*value* of the template of *stack* without any function."""
        match value:
            case {"Ref": str(name)}:
                if name in self._pseudo:
                    return self._pseudo[name].replace("{stack}", stack)
                return self._reference(stack, name, "Ref")
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._reference(stack, name, attribute)
            case {"Fn::ImportValue": str(name)}:
                exporter, exported = self._exports[name]
                return self(exported, stack=exporter)
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(str(self(part, stack=stack)) for part in parts)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^}]+)\}", lambda found: str(self({"Ref": found[1]}, stack=stack)), text)
            case {"Fn::Select": _} | {"Fn::Split": _}:
                raise TypeError(f"not resolved here: {value!r}")
            case Mapping():
                return {key: self(item, stack=stack) for key, item in value.items()}
            case list():
                return [self(item, stack=stack) for item in value]
        return value


def for_people(templates: Templates) -> Resolver:
    """References as ``<Name>``, of a bucket, topic or queue ``<Name>`` too: whoever reads knows what is meant."""
    return Resolver(
        templates,
        pseudo={**{name: f"<{name.removeprefix('AWS::')}>" for name in PSEUDO}, "AWS::Partition": "aws"},
        reference=lambda stack, name, attribute: f"<{plain_name(name)}>",
    )


def for_iam(templates: Templates) -> Resolver:
    """References as ARNs and names of a made-up account."""
    return Resolver(
        templates,
        pseudo=PSEUDO,
        reference=lambda stack, name, attribute: _made_up(templates[stack], stack, name, attribute),
    )


def roles(templates: Templates) -> dict[str, tuple[str, str]]:
    """Every role: ``<stack>/<plain name>`` to stack and logical id."""
    return {
        f"{stack}/{plain_name(logical_id)}": (stack, logical_id)
        for stack, template in templates.items()
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
    }


def role_arn(templates: Templates, role: str) -> str:
    """The made-up ARN of a role of :func:`roles`."""
    stack, logical_id = roles(templates)[role]
    return str(for_iam(templates)({"Fn::GetAtt": [logical_id, "Arn"]}, stack=stack))


def documents(templates: Templates, role: str, resolve: Resolver) -> list[Any]:
    """The policies of a role: inline ones, and those that any stack attaches to it."""
    stack, logical_id = roles(templates)[role]
    name = resolve({"Ref": logical_id}, stack=stack)
    properties = templates[stack]["Resources"][logical_id]["Properties"]
    found = [resolve(policy["PolicyDocument"], stack=stack) for policy in properties.get("Policies", [])]
    for other, template in templates.items():
        for resource in template["Resources"].values():
            if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"):
                body = resource["Properties"]
                attached = body.get("Roles", [body["RoleName"]] if "RoleName" in body else [])
                if name in [resolve(each, stack=other) for each in attached] and _is(other, attached, stack):
                    found.append(resolve(body["PolicyDocument"], stack=other))
    return found


def managed_policies(templates: Templates, role: str) -> list[str]:
    """Names of the policies of AWS that a role has."""
    stack, logical_id = roles(templates)[role]
    properties = templates[stack]["Resources"][logical_id]["Properties"]
    found = [for_people(templates)(each, stack=stack) for each in properties.get("ManagedPolicyArns", [])]
    return [str(each).partition(":policy/")[2] for each in found]


def trusted(templates: Templates, role: str) -> list[Permission]:
    """Who may take a role, and when."""
    stack, logical_id = roles(templates)[role]
    document = for_people(templates)(
        templates[stack]["Resources"][logical_id]["Properties"]["AssumeRolePolicyDocument"], stack=stack
    )
    return sorted(
        Permission(action=f"{kind} {name}", resource="", when=_when(statement))
        for statement in document["Statement"]
        for kind, names in statement["Principal"].items()
        for name in ([names] if isinstance(names, str) else names)
    )


def permissions(templates: Templates, role: str) -> list[Permission]:
    """Everything that a role may do, an entry for each action and resource; of what there is several times once."""
    found = {
        Permission(
            action=action,
            resource=generic(resource),
            when=tuple(generic(each) for each in _when(statement)),
            denied=statement["Effect"] == "Deny",
        )
        for document in documents(templates, role, for_people(templates))
        for statement in document["Statement"]
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }
    return sorted(found | {Permission(action=name, resource="managed") for name in managed_policies(templates, role)})


def generic(text: str) -> str:
    """*text* without what tells one of several things of a kind from the others."""
    for pattern, replacement in _SEVERAL:
        text = pattern.sub(replacement, text)
    return text


def role_statements(templates: Templates, role: str) -> list[Statement]:
    """The statements of a role's own policies, as IAM evaluates them."""
    return [
        statement for document in documents(templates, role, for_iam(templates)) for statement in parse_policy(document)
    ]


def resource_statements(templates: Templates, stack: str, logical_id: str, *path: str) -> list[Statement]:
    """The statements of a policy that stands in a resource's properties at *path*."""
    found: Any = templates[stack]["Resources"][logical_id]["Properties"]
    for key in path:
        found = found[key]
    return list(parse_policy(for_iam(templates)(found, stack=stack)))


def named(templates: Templates, stack: str, name: str) -> str:
    """The logical id of the one resource with that plain name."""
    (found,) = [each for each in templates[stack]["Resources"] if plain_name(each) == name]
    return str(found)


def _is(other: str, attached: Sequence[Any], stack: str) -> bool:
    """Plain names of roles repeat between stacks: one of another stack is imported."""
    return other == stack or any("Fn::ImportValue" in str(each) for each in attached)


def _when(statement: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        sorted(
            f"{operator} {key} = {' or '.join(_list(values))}"
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _list(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _made_up(template: Template, stack: str, name: str, attribute: str) -> str:
    """An ARN or name that a resource could have."""
    resource = template["Resources"][name]
    properties, kind = resource.get("Properties", {}), resource["Type"]
    here = f"{REGION}:{ACCOUNT}"
    own = f"{stack}-{name}"
    by_kind: dict[str, tuple[str, str]] = {  # what Ref gives, and the ARN
        "AWS::IAM::Role": (own, f"arn:aws:iam::{ACCOUNT}:role/{own}"),
        "AWS::DynamoDB::Table": (own, f"arn:aws:dynamodb:{here}:table/{own}"),
        "AWS::S3::Bucket": (own.lower(), f"arn:aws:s3:::{own.lower()}"),
        "AWS::KMS::Key": (own, f"arn:aws:kms:{here}:key/{own}"),
        "AWS::SNS::Topic": _twice(f"arn:aws:sns:{here}:{own}"),
        "AWS::SQS::Queue": (f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{own}", f"arn:aws:sqs:{here}:{own}"),
        "AWS::Lambda::Function": (own, f"arn:aws:lambda:{here}:function:{properties.get('FunctionName', own)}"),
        "AWS::Logs::LogGroup": (own, f"arn:aws:logs:{here}:log-group:{properties.get('LogGroupName', own)}:*"),
        "AWS::ElasticLoadBalancingV2::TargetGroup": _twice(
            f"arn:aws:elasticloadbalancing:{here}:targetgroup/{stack}-{name}/0"
        ),
        "AWS::ElasticLoadBalancingV2::ListenerRule": _twice(
            f"arn:aws:elasticloadbalancing:{here}:listener-rule/app/{stack}/0/0/{name}"
        ),
        "AWS::ElasticLoadBalancingV2::Listener": _twice(
            f"arn:aws:elasticloadbalancing:{here}:listener/app/{stack}/0/{name}"
        ),
        "AWS::StepFunctions::StateMachine": _twice(f"arn:aws:states:{here}:stateMachine:{own}"),
    }
    reference, arn = by_kind.get(kind, (own, f"arn:aws:made-up:{here}:{own}"))
    return reference if attribute in ("Ref", "QueueName", "TableName") else arn


def _twice(text: str) -> tuple[str, str]:
    """Of a resource whose Ref is its ARN."""
    return text, text
