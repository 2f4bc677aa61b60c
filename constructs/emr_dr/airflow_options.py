"""What Airflow is told: names of connections, options of its configuration, and the lines of its requirements."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

CONNECTIONS_PREFIX = "airflow/connections"
"""Where connections lie among the secrets: the backend's own default."""

DEFAULT_CONNECTION = "livy_default"

BACKEND = "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend"

ARTIFACT_BUCKET_OPTION = "emr_dr.artifact_bucket"
"""Option that tells DAGs the bucket of what jobs are made of: ``AIRFLOW__EMR_DR__ARTIFACT_BUCKET`` in a task."""

PLUGINS_FOLDER = "/usr/local/airflow/plugins"
"""Where MWAA unpacks ``plugins.zip``, on every machine and before it installs requirements."""

AUTHORITY_FILE = f"{PLUGINS_FOLDER}/emr-dr-authority.pem"
"""Where machines of Airflow find the authority that a front door's certificate is of; comes with ``plugins.zip``."""

# CloudFormation's schema of AWS::MWAA::Environment (definitions ConfigKey and ConfigValue).
LONGEST_VALUE = 256
_KEY = re.compile(r"[a-z]+([a-z._]*[a-z]+)?")
_LONGEST_KEY = 64


def connection_id(strategy: str, *, default: str) -> str:
    """The id of a strategy's connection.

    Args:
        strategy: its name, such as ``active-active``.
        default: name of the strategy whose connection is :data:`DEFAULT_CONNECTION`.
    """
    return DEFAULT_CONNECTION if strategy == default else f"livy_{strategy.replace('-', '_')}"


def secret_name(connection: str) -> str:
    """The name of the secret of a connection, as Airflow's backend asks for it."""
    return f"{CONNECTIONS_PREFIX}/{connection}"


def backend_arguments(connections: Sequence[str]) -> str:
    """Arguments of the secrets backend, as JSON: it is asked for *connections* and for nothing else.

    Without the pattern every connection of every task would be looked for among the secrets, and the role may not read
    others; the two other prefixes are null, so that variables and options are not looked for there.
    """
    return json.dumps(
        {
            "connections_prefix": CONNECTIONS_PREFIX,
            "connections_lookup_pattern": f"^({'|'.join(sorted(connections))})$",
            "variables_prefix": None,
            "config_prefix": None,
        }
    )


def configuration_options(connections: Sequence[str]) -> dict[str, str]:
    """The options of Airflow's configuration that do not depend on what a stack makes.

    Raises:
        ValueError: a key or a value that MWAA does not take.
    """
    return checked({"secrets.backend": BACKEND, "secrets.backend_kwargs": backend_arguments(connections)})


def checked(options: dict[str, str]) -> dict[str, str]:
    """*options*, if MWAA takes them; values that are known at deploy time alone cannot be too long.

    Raises:
        ValueError: a key or a value that MWAA does not take.
    """
    for key, value in options.items():
        if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key):
            raise ValueError(
                f"option of Airflow's configuration: got the name {key!r}, allowed: at most {_LONGEST_KEY} lower-case "
                "letters, dots and underscores, a letter first and last; remedy: another name"
            )
        if len(value) > LONGEST_VALUE:
            raise ValueError(
                f"option {key} of Airflow's configuration: got {len(value)} characters, allowed: {LONGEST_VALUE}; "
                "remedy: fewer or shorter names of connections"
            )
    return options


def requirements(packages: Sequence[str]) -> str:
    """The text of ``requirements.txt``: everything comes from ``plugins.zip``, nothing from the internet.

    Whoever has other requirements, which come from an index, leaves the first line out; the others mean the same then.

    A private web server has no way out, wherever its workers have one; and a worker that MWAA starts in an outage does
    not need one.  No line names constraints: MWAA then takes the file of its image
    (github.com/aws/amazon-mwaa-docker-images, ``mwaa/utils/user_requirements.py``), and a private web server could read
    no other.
    """
    return "\n".join(["--no-index", *packages, ""])


def packages(wheels: Sequence[str]) -> list[str]:
    """The requirements that are installed: each wheel by its file, below :data:`PLUGINS_FOLDER`.

    A name, as in ``emr-dr-airflow==0.1.0``, would be looked for in an index as well unless pip is told not to, and
    there it may be anybody's.

    Args:
        wheels: names of the files in ``plugins.zip``.
    """
    return [f"{PLUGINS_FOLDER}/{wheel}" for wheel in wheels]
