"""What a strategy's stack owns of a managed cluster: a custom resource that stands for all of its incarnations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from aws_cdk import CustomResource, Stack
from constructs import Construct, IConstruct

from dr_core.network import ExpectedNetwork
from dr_core.scaling import Scaling
from emr_dr.controller import ANSWER_LIMIT, Controller

RESOURCE_TYPE = "Custom::EmrManagedCluster"

MOVES = "MovesWhenChanged"
"""The property by which ``cdk diff`` shows which managed clusters will move to new clusters."""


class ManagedCluster(Construct):
    """One managed cluster.

    Creating the resource launches the first incarnation, changing it moves to a new one (or changes the one that runs,
    where only limits or tags differ), deleting it retires all.

    Attributes:
        resource: the custom resource; it has the attributes ``ClusterId`` and ``Generation`` of the incarnation that
            CloudFormation last heard of, which a failover replaces.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: str,
        name: str,
        template_url: str,
        summary: str,
        parameters: Mapping[str, str],
        scaling: Scaling,
        tags: Mapping[str, str],
        network: ExpectedNetwork,
        controller: Controller,
        needs: Sequence[IConstruct],
    ) -> None:
        """Define the managed cluster.

        Args:
            name: ``a``, ``b``: part of the names of its stacks.
            template_url: of the incarnation template.
            summary: of what a cluster is launched as; another text for whatever launches another one, so that who
                reads a diff sees which managed clusters will move.
            parameters: of the template, those that are the same for every incarnation.
            scaling: limits of managed scaling; a change of them, or of *tags*, launches nothing.
            tags: of clusters, besides the product's own.
            network: what the VPC has to be like, which is checked before anything is launched in it.
            controller: carries out what CloudFormation asks for.
            needs: everything else that a launch or a retirement needs: made before this resource, and deleted only
                after the last incarnation is gone.
        """
        super().__init__(scope, construct_id)
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type=RESOURCE_TYPE,
            # No reference to an attribute of the function: a change set would call every managed cluster changed,
            # and perhaps replaced, whenever the function is.
            service_token=controller.managed_cluster.arn,
            service_timeout=ANSWER_LIMIT,
            properties={
                "Deployment": deployment,
                "Name": name,
                MOVES: summary,  # for who reads a diff; the function does not
                "TemplateUrl": template_url,
                "Parameters": _canonical_json(self, parameters),
                "Scaling": json.dumps(scaling.to_dict(), sort_keys=True),
                "Tags": json.dumps(dict(tags), sort_keys=True),
                "Network": Stack.of(self).to_json_string(network.to_dict()),
            },
        )
        # Functions without the policies of their roles, or machines without rules to change, could neither finish a
        # launch nor clean up.
        self.resource.node.add_dependency(controller, *needs)


def _canonical_json(scope: Construct, parameters: Mapping[str, str]) -> str:
    """The same text for the same parameters: another text would be a change, and so a new incarnation."""
    return Stack.of(scope).to_json_string({key: parameters[key] for key in sorted(parameters)})
