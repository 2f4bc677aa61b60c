"""A request of CloudFormation for ``Custom::EmrManagedCluster``: what it asks for, and whom to tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dr_core.record import Answer
from dr_core.scaling import Scaling
from dr_core.specs import Spec
from failover.deployment import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRequest:
    """A request of CloudFormation.

    Attributes:
        kind: ``Create``, ``Update`` or ``Delete``.
        name: name of the managed cluster.
        spec: JSON of what it shall be, the same text for the same spec; empty for a ``Delete``.
        answer: whom to tell.
    """

    kind: str
    name: str
    spec: str
    answer: Answer


def answer_of(event: Mapping[str, Any], *, deployment: str, name: str) -> Answer:
    """Where the answer to *event* goes; the physical id is ``<deployment>/<name>``, and never changes."""
    properties = event.get("ResourceProperties", {})
    owner = deployment or properties.get("Deployment", "unknown")
    return Answer(
        response_url=event["ResponseURL"],
        stack_id=event["StackId"],
        request_id=event["RequestId"],
        logical_resource_id=event["LogicalResourceId"],
        physical_resource_id=f"{owner}/{name or properties.get('Name', 'unknown')}",
    )


def parse(deployment: Deployment, event: Mapping[str, Any]) -> ResourceRequest:
    """The request in *event*.

    A ``Delete`` needs to say no more than whose it is: what else stands there may be what was refused, or what a later
    version of the product would refuse, and what runs has to end all the same.

    Raises:
        ValueError: a property is missing or wrong; names it.
    """
    properties = event["ResourceProperties"]
    names = [each.name for each in deployment.config.managed_clusters]
    name = properties.get("Name")
    if name not in names:
        raise ValueError(
            f"property Name must be one of {', '.join(names)}, got {name!r}: deploy the stack that the app synthesized"
        )
    if properties.get("Deployment") != deployment.config.deployment:
        raise ValueError(
            f"property Deployment must be {deployment.config.deployment}, got {properties.get('Deployment')!r}: "
            "deploy the stack that the app synthesized"
        )
    return ResourceRequest(
        kind=event["RequestType"],
        name=name,
        spec="" if event["RequestType"] == "Delete" else _spec(properties).to_json(),
        answer=answer_of(event, deployment=deployment.config.deployment, name=name),
    )


def _spec(properties: Mapping[str, Any]) -> Spec:
    """What the properties say; every one of them arrives as text.

    Raises:
        ValueError: one is missing or wrong; names what is.
    """
    try:
        scaling, tags = properties.get("Scaling"), properties.get("Tags")
        return Spec(
            template_url=properties["TemplateUrl"],
            parameters=_texts(properties["Parameters"]),
            scaling=None if scaling is None else Scaling.from_dict(json.loads(scaling)),
            tags={} if tags is None else _texts(tags),
        )
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            "properties TemplateUrl, Parameters, Scaling and Tags (the last three JSON objects) have to say what to "
            f"launch, got {error!r}: deploy the stack that the app synthesized"
        ) from error


def _texts(text: str) -> dict[str, str]:
    return {key: str(value) for key, value in json.loads(text).items()}
