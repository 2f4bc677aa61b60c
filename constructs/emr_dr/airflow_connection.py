"""The connection of Airflow to a front door, as a secret that Airflow's backend reads."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from emr_dr import airflow_options
from emr_dr.policy_checks import acknowledge


class AirflowConnection(Construct):
    """A secret in the form that Airflow takes as a connection.

    Nothing in it is secret: a host name, a port and a time limit, as the stack's output has them.  It is a secret
    because Airflow asks for connections there, at the moment of use: another address needs no change of the
    environment.

    Attributes:
        connection: id of the connection.
        secret: the secret.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        connection: str,
        host: str,
        port: int,
        scheme: str,
        timeout_seconds: int,
        key: kms.IKey,
        reader_arn: str | None = None,
        private_authority: bool = False,
    ) -> None:
        """Define the secret.

        Args:
            connection: id of the connection, such as ``livy_default``.
            host: of the front door.
            scheme: ``http`` or ``https``; Airflow calls it the schema.
            timeout_seconds: how long a task waits for an answer of Livy; without a limit it waits for ever.
            key: encrypts it.
            reader_arn: a role that the secret itself lets read it; by default only the reader's own policy does.
            private_authority: whether the certificate is of the authority that comes with the plugins; else Airflow
                trusts the public ones.
        """
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.connection = connection
        self.secret = secretsmanager.CfnSecret(
            self,
            "Resource",
            name=airflow_options.secret_name(connection),
            description=f"Airflow's connection {connection}: the front door of {stack.stack_name}",
            kms_key_id=key.key_arn,
            secret_string=stack.to_json_string(
                {
                    "conn_type": "livy",
                    "host": host,
                    "port": port,
                    "schema": scheme,
                    "extra": {
                        "timeout": timeout_seconds,
                        **({"verify": airflow_options.AUTHORITY_FILE} if private_authority else {}),
                    },
                }
            ),
        )
        acknowledge(
            self.secret,
            {
                "AwsSolutions-SMG4": (
                    "it holds an address, a port and a time limit: there is nothing in it that another value would "
                    "make safer"
                )
            },
        )
        if reader_arn is not None:
            secretsmanager.CfnResourcePolicy(
                self,
                "Reader",
                secret_id=self.secret.ref,
                block_public_policy=True,
                resource_policy={
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "AirflowReads",
                            "Effect": "Allow",
                            "Principal": {"AWS": reader_arn},
                            "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                            "Resource": "*",
                        }
                    ],
                },
            )
