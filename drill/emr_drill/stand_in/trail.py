"""CloudTrail's event history, in which nothing is found.

The CDK's command line looks there for the reason of a failed deploy.  On AWS events arrive minutes later
(https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html), so that it finds none right
after a failure; here none ever arrives.  moto 5.2.5 has no such call, and the command line would repeat it for a while.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from moto.cloudtrail.responses import CloudTrailResponse

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

CALL = "lookup_events"


def install(stand_in: StandIn) -> None:
    """Have the call answered, for the life of the process."""

    def lookup_events(self: CloudTrailResponse) -> str:
        return json.dumps({"Events": []})

    setattr(CloudTrailResponse, CALL, lookup_events)
