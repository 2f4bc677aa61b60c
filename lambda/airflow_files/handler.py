"""Entry point of the custom resource ``Custom::AirflowFile``: one file in the bucket that Airflow reads.

Its attribute ``VersionId`` pins the environment to exactly this object.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from airflow_files.answering import answer
from airflow_files.files import File, Files

logger = Logger()


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Carry out one request of CloudFormation, and answer it whatever comes."""
    physical_id = str(event.get("PhysicalResourceId") or "not-made")
    try:
        physical_id, data = carry_out(event, _files())
    except Exception as error:
        logger.exception("the request could not be carried out")
        answer(event, physical_id=physical_id, reason=_in_words(event, error), succeeded=False)
        return
    answer(event, physical_id=physical_id, reason="done", succeeded=True, data=data)


def carry_out(event: Mapping[str, Any], files: Files) -> tuple[str, dict[str, str]]:
    """Do what *event* asks for; the physical id of the resource, and its attributes.

    Raises:
        ValueError: a property is missing, or the request is of no known type.
    """
    match event["RequestType"]:
        case "Create" | "Update":
            file = File.from_properties(event["ResourceProperties"])
            return file.physical_id, {"VersionId": files.put(file), "Key": file.key}
        case "Delete":
            # By the name that it was made under: CloudFormation deletes what it replaced, and what it failed to make.
            bucket, _, key = str(event["PhysicalResourceId"]).partition("/")
            if key:
                files.remove(bucket, key)
            return event["PhysicalResourceId"], {}
        case other:
            raise ValueError(f"got the request type {other!r}, allowed: Create, Update or Delete")


def _in_words(event: Mapping[str, Any], error: Exception) -> str:
    """What whoever deploys reads in the events of the stack."""
    key = event.get("ResourceProperties", {}).get("Key", "a file")
    return f"{key} could not be put into the bucket of Airflow ({type(error).__name__}: {error}): deploy again"


@functools.cache
def _files() -> Files:
    """Made once for each process: a later start of the function finds it ready."""
    # Imported here and not above: the SDK takes longer to import than everything else together.
    import boto3
    from botocore.config import Config

    limits = Config(connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3})
    return Files(boto3.client("s3", config=limits))
