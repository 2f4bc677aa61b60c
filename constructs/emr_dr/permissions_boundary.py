"""The permissions boundary that a security team puts on every role."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from constructs import Construct

from emr_dr.settings import Settings


def limit_roles(scope: Construct, settings: Settings) -> None:
    """Put the boundary of the settings, if they name one, on every role below *scope*, those that the CDK makes too."""
    arn = settings.security.permissions_boundary
    if arn is not None:
        iam.PermissionsBoundary.of(scope).apply(
            iam.ManagedPolicy.from_managed_policy_arn(scope, "PermissionsBoundary", arn)
        )
