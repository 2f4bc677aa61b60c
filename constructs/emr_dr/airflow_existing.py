"""An MWAA environment that is there already: what it is granted from here, and what whoever runs it has to add.

Its role and its configuration belong to somebody else, and nothing here changes them.  The secrets and their key let
the role in from their side, which is all that a role of this account needs.  A role of another account cannot read them
whatever it is granted: Airflow's backend asks for a secret by its name, which Secrets Manager looks for in the caller's
own account.  Synth refuses one where it knows the account (:func:`emr_dr.mwaa_settings.account_problems`); where it
does not, the outputs say so.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from emr_dr import airflow_options, airflow_packages
from emr_dr.airflow_role import connection_statements
from emr_dr.mwaa_settings import Mwaa


class ExistingAirflow(Construct):
    """Lets the role of the environment read the connections, and outputs what the environment still needs.

    Attributes:
        role_arn: of the execution role.
        security_group_id: of the environment, if the settings name it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Mwaa,
        connections: Sequence[str],
        livy_port: int,
        key: kms.IKey,
        artifact_bucket: s3.IBucket,
        authority: Path | None = None,
    ) -> None:
        """Define the grants and outputs.

        Args:
            settings: name, role and group of the environment.
            connections: ids of the connections that it may read.
            livy_port: of the front doors.
            key: encrypts the connections; the policy of a key of somebody else's is left as it is, and the role needs
                the statements of the output then.
            artifact_bucket: what jobs are made of; DAGs learn its name.
            authority: PEM file of what tasks trust over TLS.  The public authorities by default.

        Raises:
            ValueError: the settings name no role; :func:`emr_dr.mwaa_settings.problems` tells of it before.
        """
        super().__init__(scope, construct_id)
        if settings.execution_role_arn is None:
            raise ValueError("mwaa.execution_role_arn is null, though mwaa.mode is existing")
        self.role_arn = settings.execution_role_arn
        self.security_group_id = settings.security_group_id
        statements = connection_statements(self, connections=connections, key=key)
        decrypt = statements[1].to_statement_json()
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AirflowReadsConnections",
                principals=[iam.ArnPrincipal(self.role_arn)],
                actions=["kms:Decrypt"],
                resources=["*"],
                conditions=decrypt["Condition"],
            )
        )
        with tempfile.TemporaryDirectory() as folder:
            packages = airflow_packages.prepare(settings.livy_provider, Path(folder), authority=authority)
            plugins = s3_assets.Asset(self, "PluginsFile", path=str(packages.plugins))
        options = {
            **airflow_options.configuration_options(connections),
            airflow_options.ARTIFACT_BUCKET_OPTION: artifact_bucket.bucket_name,
        }
        of = f"of the environment {settings.environment_name}"
        for name, value, description in (
            (
                "RoleStatements",
                Stack.of(self).to_json_string([each.to_statement_json() for each in statements]),
                f"statements for the role {of}, which has to be of this account: needed if a boundary limits it, or if "
                "security.key names a key of yours",
            ),
            (
                "ConfigurationOptions",
                Stack.of(self).to_json_string(options),
                f"options of Airflow's configuration {of}: add your own connections to the lookup pattern, and leave "
                "out the two prefixes that are null if it keeps Variables or options in Secrets Manager",
            ),
            (
                "Requirements",
                json.dumps(airflow_options.requirements(packages.lines)),
                f"lines for requirements.txt {of}; --no-index only if it installs from plugins.zip alone",
            ),
            ("Plugins", plugins.s3_object_url, f"zip file whose files belong into plugins.zip {of}"),
            (
                "GroupRule",
                f"outbound TCP {livy_port} to the front doors"
                + ("" if self.security_group_id else "; and name its group or range in front_door.livy_clients"),
                f"what the security group {of} has to let through",
            ),
        ):
            CfnOutput(self, name, value=value, description=description).override_logical_id(f"Airflow{name}")
