"""The answer to a request of CloudFormation."""

from __future__ import annotations

import http
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

logger = Logger()

# CloudFormation takes no answer above 4,096 bytes.
_REASON_LENGTH = 2000
_ATTEMPTS = 4
_LIMIT_SECONDS = 10


def answer(event: Mapping[str, Any], *, physical_id: str, reason: str, succeeded: bool) -> None:
    """Put SUCCESS or FAILED to the URL of *event*.

    The URL is presigned: the content type has to be empty, and repeating the same answer does no harm.  S3 answers 403
    when it has expired; nobody waits for the answer any more then.

    Raises:
        urllib.error.URLError: the URL could not be reached, after several attempts.
    """
    body = json.dumps(
        {
            "Status": "SUCCESS" if succeeded else "FAILED",
            "Reason": reason[:_REASON_LENGTH],
            "PhysicalResourceId": physical_id,
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        }
    ).encode()
    for attempt in range(1, _ATTEMPTS + 1):
        request = urllib.request.Request(event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""})
        try:
            with urllib.request.urlopen(request, timeout=_LIMIT_SECONDS):
                return
        except urllib.error.URLError as error:
            if isinstance(error, urllib.error.HTTPError) and error.code == http.HTTPStatus.FORBIDDEN:
                logger.warning("the URL for the answer has expired")
                return
            if attempt == _ATTEMPTS:
                raise
            time.sleep(attempt)
