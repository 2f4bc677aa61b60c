"""One stack as moto keeps it, and its resources as :class:`emr_drill.stand_in.stack_run.StackRun` makes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import moto.cloudformation.models as models
import moto.cloudformation.parsing as parsing
import moto.cloudformation.responses as responses
from moto.cloudformation.exceptions import ValidationError

from emr_drill.stand_in import intrinsics, resource_types
from emr_drill.stand_in.resource_deletions import DELETIONS
from emr_drill.stand_in.stack_resources import StackVersion

if TYPE_CHECKING:
    from emr_drill.stand_in.stack_diary import StackDiary
    from emr_drill.stand_in.stack_run import StackRun


class ResourceNotMade(KeyError):
    """Something asked for a resource before the stack made it."""


class MadeResources(parsing.ResourceMap):
    """The resources of a stack; looking one up never makes it, as moto's own map does."""

    def __getitem__(self, key: str) -> Any:
        if key in self._parsed_resources:
            return self._parsed_resources[key]
        body = self._resource_json_map.get(key)
        if body is None:
            raise KeyError(key)
        condition = body.get("Condition")
        if condition is not None and not self.lazy_condition_map[condition]:
            return None
        raise ResourceNotMade(f"resource {key} is not made yet")

    def load_parameters(self) -> None:
        """moto splits lists that are given, but not those that are defaults."""
        super().load_parameters()
        for name, body in self._template.get("Parameters", {}).items():
            value = self.resolved_parameters[name]
            if body["Type"] == "CommaDelimitedList" and isinstance(value, str):
                self.resolved_parameters[name] = self._parsed_resources[name] = value.split(",")

    def _delete_resource(self, parsed_resource: Any, resource_json: dict[str, Any]) -> None:
        deletion = DELETIONS.get(resource_json["Type"])
        if deletion is None:
            super()._delete_resource(parsed_resource, resource_json)
            return
        properties = intrinsics.resolve(resource_json.get("Properties", {}), self)
        deletion(resource_types.installed(), getattr(parsed_resource, "physical_resource_id", ""), properties)

    def validate_outputs(self) -> None:
        """moto asks its models for attributes here, and they name too few; a wrong output fails when it is made."""


PlainStack = models.Stack


class RunningStack(PlainStack):
    """A stack whose resources a :class:`StackRun` makes and deletes."""

    class Meta(PlainStack.Meta):
        """moto finds some values by the name of the class, which is another one here."""

        serialization_aliases = {  # noqa: RUF012 - moto's own form
            **PlainStack.Meta.serialization_aliases,
            "StackName": "name",
            "StackStatus": "status",
        }

    run: StackRun
    diary: StackDiary
    token: str | None = None
    stack_status_reason: str | None = None
    deletion_time: datetime | None = None
    _outputs: list[dict[str, Any]] | None = None

    @staticmethod
    def parse_template(template: str) -> dict[str, Any]:
        """JSON is read as JSON: moto tries YAML first, which takes seconds for a large template."""
        try:
            return dict(json.loads(template))
        except ValueError:
            return dict(PlainStack.parse_template(template))

    def _create_resource_map(self) -> parsing.ResourceMap:
        return self._map_of(self.template_dict, self.parameters)

    def _map_of(self, template: dict[str, Any], parameters: dict[str, str]) -> MadeResources:
        found = MadeResources(
            self.stack_id,
            self.name,
            parameters,
            self.tags,
            account_id=self.account_id,
            region_name=self.region_name,
            template=template,
            cross_stack_resources=self.cross_stack_resources,
        )
        found.load()
        return found

    @property
    def version(self) -> StackVersion:
        """What the stack is, or is becoming."""
        return StackVersion(
            template=str(self.template),
            template_dict=self.template_dict,
            parameters=self.parameters,
            resource_map=self.resource_map,
        )

    def version_of(self, template: str, parameters: dict[str, str]) -> StackVersion:
        """What the stack would be with another *template*; it has those resources that are in both."""
        parsed = self.parse_template(template)
        resource_map = self._map_of(parsed, parameters)
        for name in parsed["Resources"]:
            if name in self.template_dict["Resources"] and name in self.resource_map._parsed_resources:
                resource_map._parsed_resources[name] = self.resource_map._parsed_resources[name]
        return StackVersion(template=template, template_dict=parsed, parameters=parameters, resource_map=resource_map)

    def adopt(self, version: StackVersion) -> None:
        """Be *version* from now on."""
        self.template, self.template_dict = version.template, version.template_dict
        self.parameters, self.resource_map = version.parameters, version.resource_map
        self.description = version.template_dict.get("Description")
        self.output_map = self._create_output_map()

    def changes(self, version: StackVersion) -> bool:
        """Whether *version* has other resources, other properties of one, or other outputs.

        Metadata, DependsOn and policies alone are no change
        (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-metadata.html).
        """
        old, new = self.version, version
        wanted = old.wanted()
        if wanted != new.wanted() or old.template_dict.get("Outputs") != new.template_dict.get("Outputs"):
            return True
        return any(old.properties(name) != new.properties(name) for name in wanted)

    def create_resources(self) -> None:
        """Nothing yet: ``Stacks.create`` begins when it knows all options of the call."""

    @property
    def outputs(self) -> list[dict[str, Any]] | None:
        """Those of a complete stack; moto makes resources to work them out."""
        return self._outputs

    @property
    def exports(self) -> list[parsing.Export]:
        """None before the outputs are worked out, see :meth:`complete`."""
        return [] if self._outputs is None else self.output_map.exports

    @property
    def stack_resources(self) -> Any:
        """Those that exist or existed."""
        made = [self.resource_map._parsed_resources.get(name) for name in self.template_dict["Resources"]]
        return [resource for resource in made if resource is not None]

    def complete(self, backend: models.CloudFormationBackend) -> None:
        """Work out outputs and exports.

        Raises:
            ValidationError: another stack has an export of that name, or imports one that changed or is gone.
        """
        exports = {str(export.value): export.name for export in self.output_map.exports}
        before = {name: each for name, each in backend.exports.items() if each.exporting_stack_id == self.stack_id}
        for name in exports.values():
            if name in backend.exports and name not in before:
                raise ValidationError(message=f"Export with name {name} is already exported by another stack")
        values = {name: value for value, name in exports.items()}
        for name, export in before.items():
            if values.get(name) == str(export.value):
                continue
            if users := [each.name for each in backend.stacks.values() if each is not self and _imports(each, name)]:
                what = "updated" if name in values else "deleted"
                raise ValidationError(
                    message=f"Export {name} cannot be {what} as it is in use by {' and '.join(sorted(users))}"
                )
            del backend.exports[name]
        self._outputs = [
            {
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": exports.get(str(output.value)),
            }
            for output in [self.output_map[key] for key in self.output_map.outputs]
            if output is not None
        ]
        backend.exports.update({export.name: export for export in self.output_map.exports})


class ResourceDetail(responses.StackResourceDTO):
    """A resource in an answer, with a status of its own instead of its stack's."""

    def __init__(self, stack: Any, resource: Any) -> None:
        super().__init__(stack, resource)
        status, reason, moment = stack.diary.resources[self.logical_resource_id]
        self.resource_status = status
        self.resource_status_reason = reason
        self.timestamp = self.last_updated_timestamp = moment


def _imports(stack: models.Stack, name: str) -> bool:
    """Whether a template imports the export called *name*, by its name in so many words as the CDK writes it."""
    return {"Fn::ImportValue": name} in _parts(stack.template_dict)


def _parts(value: Any) -> list[Any]:
    below = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [value, *(part for each in below for part in _parts(each))]
