"""Which services of AWS are called from within the VPC, by whom, and so which endpoints it needs.  Pure.

Whoever calls from outside of it (monitor, controller, CloudFormation) is not here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dr_core.network import BREAKS_SCALING as BREAKS_SCALING  # re-exported: the settings refuse it

GATEWAY = ("s3", "dynamodb")
"""Gateway endpoints, which cost nothing and are always there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Why a service is called from within the VPC.

    Attributes:
        who: who calls it.
        why: what for.
        only_with: the part of the settings without which nobody calls; empty for always.
    """

    who: str
    why: str
    only_with: str = ""


CATALOGUE, AIRFLOW, SESSIONS = "catalogue", "airflow", "sessions"

_AIRFLOW = "Airflow (MWAA user guide, endpoints for private routing)"
_SESSIONS = "machines of clusters"
CALLERS: dict[str, tuple[Caller, ...]] = {
    "s3": (Caller(who="clusters, Airflow", why="logs, scripts, artifacts and data; EMR's packages"),),
    "dynamodb": (Caller(who="probers", why="they read the record and write evidence"),),
    "kms": (
        # github.com/awsdocs/amazon-emr-management-guide issue 15: the machines themselves call KMS.
        Caller(who="machines of clusters", why="the key of their encrypted local disks; no cluster starts without"),
        Caller(who="Airflow", why="its queue and its secrets are encrypted", only_with=AIRFLOW),
    ),
    "glue": (Caller(who="Spark", why="tables of the Glue catalogue", only_with=CATALOGUE),),
    "airflow.api": (Caller(who=_AIRFLOW, why="MWAA's own interface", only_with=AIRFLOW),),
    "airflow.env": (Caller(who=_AIRFLOW, why="MWAA's own interface", only_with=AIRFLOW),),
    "airflow.ops": (Caller(who=_AIRFLOW, why="MWAA's own interface", only_with=AIRFLOW),),
    "ecr.api": (Caller(who=_AIRFLOW, why="its container images", only_with=AIRFLOW),),
    "ecr.dkr": (Caller(who=_AIRFLOW, why="its container images", only_with=AIRFLOW),),
    "logs": (Caller(who=_AIRFLOW, why="its logs", only_with=AIRFLOW),),
    "monitoring": (Caller(who=_AIRFLOW, why="its metrics", only_with=AIRFLOW),),
    "secretsmanager": (Caller(who="Airflow", why="its connections to the front doors", only_with=AIRFLOW),),
    "sqs": (Caller(who=_AIRFLOW, why="the queue of its tasks", only_with=AIRFLOW),),
    # Systems Manager user guide, "Create VPC endpoints": ec2messages is not needed any more by newer agents.
    "ssm": (Caller(who=_SESSIONS, why="the agent tells that it is there", only_with=SESSIONS),),
    "ssmmessages": (Caller(who=_SESSIONS, why="what is typed and answered in a session", only_with=SESSIONS),),
}

INTERFACE = tuple(sorted(set(CALLERS) - set(GATEWAY)))
"""Every service that may get an interface endpoint."""


def needed(parts: Collection[str], *, has_way_out: bool) -> tuple[str, ...]:
    """The interface endpoints without which something that is called cannot be reached.

    Args:
        parts: parts of the settings that are in use: :data:`CATALOGUE`, :data:`AIRFLOW`, :data:`SESSIONS`.
        has_way_out: whether the private subnets have a route out of the VPC; nothing is needed then.
    """
    if has_way_out:
        return ()
    return tuple(
        service
        for service in INTERFACE
        if any(not caller.only_with or caller.only_with in parts for caller in CALLERS[service])
    )


def to_make(parts: Collection[str], *, has_way_out: bool, wanted: Collection[str]) -> tuple[str, ...]:
    """The interface endpoints to make in a VPC of our own: those that are needed or *wanted*."""
    return tuple(sorted({*needed(parts, has_way_out=has_way_out), *wanted}))
