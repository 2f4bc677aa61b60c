"""Answers to CloudFormation's requests of the custom resource."""

from __future__ import annotations

import http
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from dr_core.record import Answer

logger = Logger()

# CloudFormation takes no answer above 4,096 bytes.
_REASON_LENGTH = 1000
_ATTEMPTS = 4
_LIMIT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class StackAnswers:
    """Puts answers to the URLs that CloudFormation gave."""

    def send(self, answer: Answer, *, succeeded: bool, reason: str, data: Mapping[str, str] | None = None) -> None:
        """Put SUCCESS or FAILED to the URL that CloudFormation gave.

        The URL is presigned: the content type has to be empty, and repeating the same answer does no harm.  S3 answers
        403 when it has expired; nobody waits for the answer any more then, and asking again would not help.

        Raises:
            urllib.error.URLError: the URL could not be reached, after several attempts.
        """
        body = json.dumps(
            {
                "Status": "SUCCESS" if succeeded else "FAILED",
                "Reason": reason[:_REASON_LENGTH],
                "PhysicalResourceId": answer.physical_resource_id,
                "StackId": answer.stack_id,
                "RequestId": answer.request_id,
                "LogicalResourceId": answer.logical_resource_id,
                "Data": dict(data or {}),
            }
        ).encode()
        for attempt in range(1, _ATTEMPTS + 1):
            request = urllib.request.Request(answer.response_url, data=body, method="PUT", headers={"Content-Type": ""})
            try:
                with urllib.request.urlopen(request, timeout=_LIMIT_SECONDS):
                    return
            except urllib.error.URLError as error:
                if isinstance(error, urllib.error.HTTPError) and error.code == http.HTTPStatus.FORBIDDEN:
                    logger.warning("the URL for the answer has expired", extra={"answer": body.decode()})
                    return
                if attempt == _ATTEMPTS:
                    raise
                time.sleep(attempt)
