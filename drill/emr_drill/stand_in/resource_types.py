"""Which resource types of a template are made, by whom, and which are only accepted.

A type is made by moto's own model (:data:`MADE_BY_MOTO`: looked at, one by one), by a class of this package, by a
:class:`Recipe` that calls the service's API in moto, or it is *inert* (:data:`INERT`): accepted, and nothing comes of
it.  The drill prints the inert ones, so that a green run is not read as coverage of them.  Any other type is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import moto.cloudformation.parsing as parsing
from moto.core.common_models import CloudFormationModel

from emr_drill.stand_in import buckets, cluster_resource, custom_resources
from emr_drill.stand_in.patching import original, replace

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

Properties = dict[str, Any]

MADE_BY_MOTO = frozenset(
    {
        "AWS::CloudWatch::Dashboard",
        "AWS::DynamoDB::Table",
        "AWS::EC2::EIP",
        "AWS::EC2::FlowLog",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::Subnet",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ECR::Repository",
        "AWS::EMR::SecurityConfiguration",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "AWS::Events::Rule",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::KMS::Alias",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::SSM::Parameter",
        "AWS::StepFunctions::StateMachine",
    }
)
# AWS::S3::BucketPolicy: moto enforces policies but ignores the condition aws:SecureTransport: it would refuse all.
# AWS::CloudWatch::CompositeAlarm: moto has no such alarm.
INERT = frozenset({"AWS::CDK::Metadata", "AWS::CloudWatch::CompositeAlarm", "AWS::S3::BucketPolicy"})
# What is asked for is checked, but nothing runs behind it.
CHECKED_ONLY = frozenset({"AWS::MWAA::Environment"})


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that exists.

    Attributes:
        id: physical id, what ``Ref`` gives.
        attributes: what ``Fn::GetAtt`` gives.
    """

    id: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to make resources of a type that moto has no (right) model of.

    Attributes:
        type: ``AWS::Service::Thing``.
        create: makes one from its resolved properties and a name that is free.
        delete: removes one by its physical id; None where nothing remains of it.
        name_property: the property that names it, if it has one.
    """

    type: str
    create: Callable[[StandIn, Properties, str], Made]
    delete: Callable[[StandIn, str], None] | None = None
    name_property: str = ""


class RecipeResource(CloudFormationModel):
    """Base of the models that are made from recipes."""

    recipe: Recipe

    def __init__(self, made: Made) -> None:
        self.physical_resource_id = made.id
        self._attributes = made.attributes

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> RecipeResource:
        return cls(cls.recipe.create(_installed[-1], dict(cloudformation_json["Properties"]), resource_name))

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        """A value of ``Fn::GetAtt``."""
        return self._attributes[attribute_name]

    def delete(self, account_id: str, region_name: str) -> None:
        """Remove it."""
        if self.recipe.delete is not None:
            self.recipe.delete(_installed[-1], self.physical_resource_id)


def _inert(name: str) -> Recipe:
    return Recipe(type=name, create=lambda stand_in, properties, name: Made(name, {}))


def _model(recipe: Recipe) -> type[RecipeResource]:
    name = recipe.type.replace("::", "")
    return type(name, (RecipeResource,), {"recipe": recipe, "__module__": __name__})


def known(types: Iterable[str]) -> set[str]:
    """Those of *types* that the stand-in accepts."""
    return {name for name in types if name in _models or name.startswith("Custom::")}


def inert(types: Iterable[str]) -> set[str]:
    """Those of *types* that it accepts, or checks, and does nothing for."""
    return set(types) & (INERT | CHECKED_ONLY)


# moto makes resources by their class, so there is one stand-in at a time.
_installed: list[StandIn] = []
_models: dict[str, type] = {}


def installed() -> StandIn:
    """The stand-in that resources are made in."""
    return _installed[-1]


def install(stand_in: StandIn) -> None:
    """Have moto make resources of *stand_in* by :data:`MADE_BY_MOTO` and the classes of this package."""
    from emr_drill.stand_in.airflow_environments import RECIPE as AIRFLOW_ENVIRONMENT
    from emr_drill.stand_in.resource_recipes import RECIPES

    _installed[:] = [stand_in]
    cluster_resource.install(stand_in)
    buckets.install(stand_in)
    of_moto = original(parsing, "get_model_map")()
    names = original(parsing, "get_name_type_map")()
    recipes = [*RECIPES, AIRFLOW_ENVIRONMENT, *map(_inert, sorted(INERT))]
    _models.clear()
    _models.update({name: of_moto[name] for name in MADE_BY_MOTO})
    _models.update({recipe.type: _model(recipe) for recipe in recipes})
    _models[cluster_resource.TYPE] = cluster_resource.ClusterResource
    _models[buckets.TYPE] = buckets.Bucket
    _models[custom_resources.TYPE] = custom_resources.CustomResource
    name_properties = {name: names[name] for name in MADE_BY_MOTO}
    name_properties.update({recipe.type: recipe.name_property for recipe in recipes})
    name_properties[cluster_resource.TYPE] = "Name"
    name_properties[buckets.TYPE] = names[buckets.TYPE]
    replace(parsing, "get_model_map", lambda: _models)
    replace(parsing, "resource_name_property_from_type", name_properties.get)
