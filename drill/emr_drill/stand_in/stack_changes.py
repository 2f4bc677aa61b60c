"""What a change set says of each resource: added, changed or removed, and of each property, from what to what.

As https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html describes it.  A
value that depends on a resource which is made, or on an attribute of one that is changed, is not known before
(``Dynamic``); the *id* of one that stays is, changed or not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emr_drill.stand_in import intrinsics

if TYPE_CHECKING:
    from emr_drill.stand_in.stack_resources import StackVersion

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
CUSTOM = "AWS::CloudFormation::CustomResource"
_SUBSTITUTION = re.compile(r"\$\{([^!}][^}]*)\}")
NEVER, ALWAYS = "Never", "Always"


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """A property that is, or may be, another one.

    Attributes:
        name: of the property.
        before: its value, None if it has none.
        after: its value, None if it will have none, UNKNOWN if that is known only then.
        source: ``DirectModification``, ``ParameterReference``, ``ResourceReference`` or ``ResourceAttribute``.
        cause: the parameter, resource or attribute, empty for a direct modification.
        recreates: whether CloudFormation makes the resource anew for it.
    """

    name: str
    before: Any
    after: Any
    source: str = "DirectModification"
    cause: str = ""
    recreates: bool = False

    @property
    def dynamic(self) -> bool:
        """Whether it is known only later that it changes."""
        return self.source in ("ResourceReference", "ResourceAttribute")

    def detail(self, *, values: bool) -> dict[str, Any]:
        """As DescribeChangeSet has it, with both *values* if it is asked for them."""
        target: dict[str, Any] = {
            "Attribute": "Properties",
            "Name": self.name,
            "RequiresRecreation": ALWAYS if self.recreates else NEVER,
        }
        if values:
            target["Path"] = f"/Properties/{self.name}"
            kinds = {(True, False): "Add", (False, True): "Remove"}
            target["AttributeChangeType"] = kinds.get((self.before is None, self.after is None), "Modify")
            target |= {"BeforeValue": _text(self.before)} if self.before is not None else {}
            target |= {"AfterValue": _text(self.after)} if self.after is not None else {}
        found = {
            "Target": target,
            "Evaluation": "Dynamic" if self.dynamic else "Static",
            "ChangeSource": self.source,
        }
        return {**found, "CausingEntity": self.cause} if self.cause else found


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """A resource that is added, changed or removed.

    Attributes:
        action: ``Add``, ``Modify`` or ``Remove``.
        name: logical id.
        kind: its type.
        physical_id: of one that exists.
        policy: what becomes of one that is removed, None if it is deleted as usual.
        properties: those that change, of one that stays.
        before, after: all of its properties, as far as they are known.
    """

    action: str
    name: str
    kind: str
    physical_id: str = ""
    policy: str | None = None
    properties: tuple[PropertyChange, ...] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    @property
    def replacement(self) -> str:
        """Whether the resource is made anew: ``True``, ``False`` or ``Conditional``."""
        if any(each.recreates and not each.dynamic for each in self.properties):
            return "True"
        return "Conditional" if any(each.recreates for each in self.properties) else "False"

    def described(self, *, values: bool) -> dict[str, Any]:
        """As DescribeChangeSet has it (``ResourceChange``), with every value if it is asked for them."""
        found: dict[str, Any] = {
            "Action": self.action,
            "LogicalResourceId": self.name,
            "ResourceType": self.kind,
            "Scope": ["Properties"] if self.action == "Modify" else [],
            "Details": [each.detail(values=values) for each in self.properties],
        }
        if self.physical_id:
            found["PhysicalResourceId"] = self.physical_id
        if self.action == "Modify":
            found["Replacement"] = self.replacement
        policy = {"True": "ReplaceAndDelete"}.get(self.replacement) if self.action == "Modify" else self.policy
        if policy is not None:
            found["PolicyAction"] = policy
        if values and self.action != "Add":
            found["BeforeContext"] = json.dumps({"Properties": self.before}, sort_keys=True)
        if values and self.action != "Remove":
            found["AfterContext"] = json.dumps({"Properties": self.after}, sort_keys=True)
        return found


def changes(old: StackVersion, new: StackVersion) -> list[ResourceChange]:
    """What has to be done to *old* so that it is *new*, resources in the order of the template."""
    before, after = old.wanted(), new.wanted()
    added = [name for name in after if name not in before]
    # What refers to an attribute of something changed may change itself, and so on.
    found: dict[str, ResourceChange] = {}
    while True:
        moving = {*added, *found}
        replaced = {*added, *(name for name, each in found.items() if each.replacement != "False")}
        more: dict[str, ResourceChange] = {}
        for name in after:
            if name in before and (change := _modified(name, old, new, moving=moving, replaced=replaced)) is not None:
                more[name] = change
        if more.keys() == found.keys() and all(more[name].properties == found[name].properties for name in more):
            break
        found = more
    made = [
        ResourceChange(action="Add", name=name, kind=_kind(new, name), after=_all(new, name, unknown=set(added)))
        for name in added
    ]
    gone = [
        ResourceChange(
            action="Remove",
            name=name,
            kind=_kind(old, name),
            physical_id=_physical_id(old, name),
            policy="Retain" if old.template_dict["Resources"][name].get("DeletionPolicy") == "Retain" else "Delete",
            before=_all(old, name, unknown=set()),
        )
        for name in before
        if name not in after
    ]
    return [*made, *found.values(), *gone]


def _modified(
    name: str, old: StackVersion, new: StackVersion, *, moving: set[str], replaced: set[str]
) -> ResourceChange | None:
    was, shall = old.template_dict["Resources"][name], new.template_dict["Resources"][name]
    kind = _kind(new, name)
    create_only = _create_only(kind)
    properties: list[PropertyChange] = []
    before, after = _all(old, name, unknown=set()), _all(new, name, unknown=replaced)
    for key in {**was.get("Properties", {}), **shall.get("Properties", {})}:
        cause = _cause(shall.get("Properties", {}).get(key), moving=moving, replaced=replaced)
        if before.get(key) == after.get(key) and cause is None:
            continue
        source, entity = cause or _direct(key, was, shall)
        properties.append(
            PropertyChange(
                name=key,
                before=before.get(key),
                after=UNKNOWN if cause else after.get(key),
                source=source,
                cause=entity,
                recreates=key in create_only,
            )
        )
    if not properties:
        return None
    known = {
        key: UNKNOWN if any(each.name == key and each.dynamic for each in properties) else after[key] for key in after
    }
    return ResourceChange(
        action="Modify",
        name=name,
        kind=kind,
        physical_id=_physical_id(old, name),
        properties=tuple(properties),
        before=before,
        after=known,
    )


def _direct(key: str, was: Mapping[str, Any], shall: Mapping[str, Any]) -> tuple[str, str]:
    """Where a change comes from that no resource causes: the template, or else a parameter in it."""
    value = shall.get("Properties", {}).get(key)
    if was.get("Properties", {}).get(key) == value:
        for entity, attribute in _references(value):
            if not attribute and "::" not in entity:
                return "ParameterReference", entity
    return "DirectModification", ""


def _cause(value: Any, *, moving: set[str], replaced: set[str]) -> tuple[str, str] | None:
    """The first reference in *value* to what is not known yet."""
    for entity, attribute in _references(value):
        if attribute and entity in moving:
            return "ResourceAttribute", f"{entity}.{attribute}"
        if not attribute and entity in replaced:
            return "ResourceReference", entity
    return None


def _references(value: Any) -> Iterator[tuple[str, str]]:
    """Each name that *value* refers to, with the attribute, empty for the id."""
    if isinstance(value, Mapping):
        for key, content in value.items():
            if key == "Ref":
                yield str(content), ""
            elif key == "Fn::GetAtt":
                parts = content if isinstance(content, list) else str(content).split(".", 1)
                yield str(parts[0]), str(parts[1])
            elif key == "Fn::Sub":
                yield from _substituted(content)
            else:
                yield from _references(content)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _substituted(content: Any) -> Iterator[tuple[str, str]]:
    text, variables = (content, {}) if isinstance(content, str) else (content[0], content[1])
    for name in _SUBSTITUTION.findall(text):
        if name not in variables:
            entity, _, attribute = name.partition(".")
            yield entity, attribute
    yield from _references(variables)


def _all(version: StackVersion, name: str, *, unknown: set[str]) -> dict[str, Any]:
    """The properties of a resource; what refers to one that is *unknown* is UNKNOWN."""
    found: dict[str, Any] = {}
    for key, value in version.template_dict["Resources"][name].get("Properties", {}).items():
        if value == intrinsics.NO_VALUE:
            continue
        if any(entity in unknown for entity, _ in _references(value)):
            found[key] = UNKNOWN
            continue
        found[key] = intrinsics.resolve(value, version.resource_map)
    return {key: value for key, value in found.items() if value is not None}


def _kind(version: StackVersion, name: str) -> str:
    return str(version.template_dict["Resources"][name]["Type"])


def _physical_id(version: StackVersion, name: str) -> str:
    made = version.resource_map._parsed_resources.get(name)
    return getattr(made, "physical_resource_id", None) or ""


def _create_only(kind: str) -> set[str]:
    """The properties that CloudFormation makes a resource of type *kind* anew for, by its own schema."""
    # Takes half a second to import, which no drill without change sets shall wait for.
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

    name = CUSTOM if kind.startswith("Custom::") else kind
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema
    return {path.split("/")[2] for path in schema.get("createOnlyProperties") or []}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
