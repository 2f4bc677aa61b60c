"""The incarnation template: synthesized by an app of its own, published by the strategy stack, used by the controller.

An app of its own makes a stray reference from the template to a stack of the outer app an error at synth.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from aws_cdk import App, Aws, DefaultStackSynthesizer, Environment, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from emr_dr.assets import CANARY_SCRIPT, RESTART_SCRIPT, SEED_SCRIPT
from emr_dr.incarnation_instances import in_words
from emr_dr.incarnation_template import STATIC_PARAMETERS, IncarnationCluster
from emr_dr.permissions_boundary import limit_roles
from emr_dr.policy_checks import acknowledge, add_policy_checks, wildcard_resource
from emr_dr.settings import Settings
from stacks.platform import Platform

STACK_NAME = "Incarnation"
FOLDER = "incarnation"
"""The folder of the inner app's assembly, below the outer one's."""


class Incarnation(Stack):
    """One EMR cluster; created and deleted by the controller, never updated."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        """Define the template.

        Args:
            scope: the inner app.
            construct_id: id, and so the template's file name.
            settings: the settings.
        """
        super().__init__(
            scope,
            construct_id,
            env=Environment(region=settings.region),
            description="emr-dr: one incarnation of a managed cluster",
            # Nothing but the cluster: the controller creates the stack, no bootstrap is asked for.
            analytics_reporting=False,
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        limit_roles(self, settings)
        IncarnationCluster(self, STACK_NAME, settings=settings)


def synthesize_incarnation(outer: App, *, settings: Settings) -> Path:
    """Write the template below the outer app's folder, checked like every stack.

    Args:
        outer: the app whose strategy publishes the template; gives folder and feature flags.
        settings: the settings.

    Returns:
        Path: the template.
    """
    inner = App(
        outdir=str(Path(outer.outdir) / FOLDER),
        context=dict(outer.node.get_all_context()),
        analytics_reporting=False,
        auto_synth=False,
    )
    Incarnation(inner, STACK_NAME, settings=settings)
    add_policy_checks(inner)
    return Path(inner.synth().get_stack_by_name(STACK_NAME).template_full_path)


class PublishedIncarnation(Construct):
    """The template and its scripts as assets of a strategy stack, and the right of clusters to read the scripts.

    Attributes:
        template_url: https address of the template, for CreateStack.
        template_bucket: name of the bucket that it lies in.
        seed_script_uri, canary_script_uri, restart_script_uri: ``s3://`` addresses of the scripts.
        parameters: the template's static parameters.
        summary: what a person calls a cluster that is launched so; differs for every change that launches another one.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, platform: Platform) -> None:
        """Synthesize and publish.

        Args:
            scope: the strategy stack, or a construct in it.
            construct_id: id below it.
            settings: the settings.
            platform: where clusters run.
        """
        super().__init__(scope, construct_id)
        app = self.node.root
        if not isinstance(app, App):
            raise TypeError(f"{self.node.path} must stand in an App, its root is a {type(app).__name__}")
        template = s3_assets.Asset(self, "Template", path=str(synthesize_incarnation(app, settings=settings)))
        seed, canary, restart = (
            s3_assets.Asset(self, name, path=str(path))
            for name, path in (("Seed", SEED_SCRIPT), ("Canary", CANARY_SCRIPT), ("Restart", RESTART_SCRIPT))
        )
        self.template_url: str = template.http_url
        self.template_bucket: str = template.s3_bucket_name
        # Scripts too: their addresses are parameters, and other parameters are another incarnation.
        launched_from = hashlib.sha256("".join(each.asset_hash for each in (template, seed, canary)).encode())
        cluster = settings.cluster
        self.summary: str = (
            f"{cluster.release_label}, {in_words(cluster)}, template and scripts {launched_from.hexdigest()[:12]}"
        )
        self.seed_script_uri: str = seed.s3_object_url
        self.canary_script_uri: str = canary.s3_object_url
        self.restart_script_uri: str = restart.s3_object_url
        self.parameters: dict[str, str] = {
            "ServiceRole": platform.service_role.role_arn,
            "InstanceProfile": platform.instance_profile_name,
            "PrimarySecurityGroup": platform.primary_group.security_group_id,
            "CoreSecurityGroup": platform.core_group.security_group_id,
            "ServiceAccessSecurityGroup": platform.service_access_group.security_group_id,
            "AdditionalPrimarySecurityGroup": platform.additional_primary_group.security_group_id,
            "SecurityConfiguration": platform.security_configuration_name,
            "LogUri": platform.log_uri,
            "LogKey": platform.key.key_arn,
            "SeedScriptUri": self.seed_script_uri,
            "CanaryScriptUri": self.canary_script_uri,
        }
        if missing := STATIC_PARAMETERS.keys() ^ self.parameters.keys():
            raise ValueError(f"static parameters of the incarnation template differ: {sorted(missing)}")
        self._allow_reading(seed, platform.instance_role)

    def _allow_reading(self, script: s3_assets.Asset, instance_role: iam.IRole) -> None:
        policy = iam.Policy(self, "ReadScripts", roles=[instance_role])
        policy.add_statements(
            iam.PolicyStatement(
                actions=["s3:GetObject"],
                # Scripts of an earlier deploy too: a failover in the middle of a deploy launches from the template,
                # and so with the scripts, that were published before.
                resources=[f"arn:{Aws.PARTITION}:s3:::{script.s3_bucket_name}/*.sh"],
            )
        )
        acknowledge(
            policy,
            {
                wildcard_resource(
                    f"arn:<AWS::Partition>:s3:::{_plain(self, script.s3_bucket_name)}/*.sh"
                ): "read-only, published shell scripts alone; their names are hashes of their content"
            },
        )


def _plain(scope: Construct, text: str) -> str:
    """*text* as the policy checks write it: ``<AWS::Region>`` where the template has ``${AWS::Region}``."""
    resolved = Stack.of(scope).resolve(text)
    value = resolved["Fn::Sub"] if isinstance(resolved, dict) else resolved
    return str(value).replace("${", "<").replace("}", ">")
