"""What the SDK of the Lambda runtime knows."""

from __future__ import annotations

from collections.abc import Collection

import botocore
import botocore.session


class OldSdkError(Exception):
    """The SDK of the runtime is too old for what the controller has to do."""


def check_sdk() -> None:
    """Make sure that the SDK can change the rules of the front door, whose paths are regular expressions.

    The runtime brings its own SDK, older than the one that this project was tested with.  An SDK that does not know a
    parameter refuses the call, and the first launch would find that out at its end only.

    Raises:
        OldSdkError: it cannot; says what to do.
    """
    model = botocore.session.get_session().get_service_model("elbv2")
    known: Collection[str] = getattr(model.shape_for("PathPatternConditionConfig"), "members", ())
    if "RegexValues" not in known:
        raise OldSdkError(
            f"the AWS SDK of the Lambda runtime (botocore {botocore.__version__}) does not know RegexValues in "
            "path-pattern conditions of Elastic Load Balancing, without which batch ids cannot be routed: use a "
            "runtime with a newer SDK, or give the controller's functions a layer with a newer boto3, then deploy again"
        )
