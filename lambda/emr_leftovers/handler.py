"""Entry point of the custom resource ``Custom::EmrLeftovers``: nothing is done before it is deleted with its stack."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from emr_leftovers.answering import answer
from emr_leftovers.leftovers import Scope

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ec2 import EC2Client

logger = Logger()

# EMR takes minutes to give its interface back after the end of the last cluster; the function may run for longer.
LIMIT_SECONDS = 600.0
NOT_MADE = "not-made"
STAYS = "the platform stays: nothing was removed"


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Carry out one request of CloudFormation, and answer it whatever comes."""
    physical_id = str(event.get("PhysicalResourceId") or NOT_MADE)
    try:
        physical_id, reason = carry_out(event)
    except Exception as error:
        logger.exception("the request could not be carried out")
        answer(event, physical_id=physical_id, reason=_in_words(error), succeeded=False)
        return
    logger.info(reason)
    answer(event, physical_id=physical_id, reason=reason, succeeded=True)


def carry_out(event: Mapping[str, Any]) -> tuple[str, str]:
    """Do what *event* asks for; the physical id of the resource, and what was done in words.

    The physical id is made at Create and stays: another one would have CloudFormation delete the old one, and so clean
    up while clusters run.

    Raises:
        ValueError: a property is missing, or the request is of no known type.
        emr_leftovers.cleaning.StillInUseError: something is in the way that is not ours to remove.
        emr_leftovers.going.StatusUnknownError: it could not be read whether the platform goes; nothing was removed.
    """
    match event["RequestType"]:
        case "Create":
            scope = Scope.from_properties(event["ResourceProperties"])
            return f"emr-leftovers/{scope.vpc}", "nothing to do before the end"
        case "Update":
            Scope.from_properties(event["ResourceProperties"])
            return str(event["PhysicalResourceId"]), "nothing to do before the end"
        case "Delete":
            physical_id = str(event["PhysicalResourceId"])
            if physical_id == NOT_MADE:  # it failed to be made: no cluster was ever launched
                return physical_id, "nothing was ever made"
            # Imported here and not above: only a deletion needs the SDK, which takes longer to import than all else.
            from emr_leftovers.cleaning import clean
            from emr_leftovers.going import platform_goes

            if not platform_goes(_cloudformation(), str(event["StackId"])):
                return physical_id, STAYS
            scope = Scope.from_properties(event["ResourceProperties"])
            return physical_id, clean(_ec2(), scope, limit_seconds=LIMIT_SECONDS)
        case other:
            raise ValueError(f"got the request type {other!r}, allowed: Create, Update or Delete")


def _in_words(error: Exception) -> str:
    """What whoever deletes reads in the events of the stack."""
    from emr_leftovers.cleaning import StillInUseError
    from emr_leftovers.going import StatusUnknownError

    if isinstance(error, ValueError | StillInUseError | StatusUnknownError):
        return str(error)  # written for that reader
    return f"what EMR left could not be removed ({type(error).__name__}: {error}): delete the stack again"


@functools.cache
def _ec2() -> EC2Client:
    import boto3

    return boto3.client("ec2", config=_limits())


@functools.cache
def _cloudformation() -> CloudFormationClient:
    import boto3

    return boto3.client("cloudformation", config=_limits())


def _limits() -> Config:
    from botocore.config import Config

    return Config(connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 5})
