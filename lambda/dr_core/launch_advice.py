"""What a person should do about a launch that was given up, by what AWS said of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

# The first pattern that fits counts: a quota's message speaks of capacity too.
_ADVICE: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"vcpu (capacity|limit)|VcpuLimitExceeded|limit of .* vcpu", re.IGNORECASE),
        "The account's EC2 quota of vCPUs for the Region is used up, which another availability zone does not change: "
        "ask for more in Service Quotas, or end what is not needed.",
    ),
    (
        re.compile(r"LimitExceeded|quota|InstanceLimit|MaxSpot", re.IGNORECASE),
        "A quota of the account is used up: ask for more in Service Quotas, or end what is not needed.",
    ),
    (
        re.compile(r"insufficient.?(instance.?)?capacity|INSTANCE_FLEET_TIMEOUT|no capacity", re.IGNORECASE),
        "EC2 has no instance of the wanted types there now: allow other instance types, or reserve capacity.",
    ),
    (
        re.compile(r"not authorized|AccessDenied|access denied|insufficient EC2 permissions", re.IGNORECASE),
        "A permission is missing: the sentence above says which one and to whom; allow it, or lift the policy that "
        "denies it.",
    ),
    (
        re.compile(r"BOOTSTRAP_FAILURE|bootstrap action", re.IGNORECASE),
        "A bootstrap action failed: its output is in the log bucket, below the cluster's id.",
    ),
    (
        re.compile(r"STEP_FAILURE|step .*fail", re.IGNORECASE),
        "A step failed: its output is in the log bucket, below the cluster's id.",
    ),
    (
        re.compile(r"USER_REQUEST", re.IGNORECASE),
        "Somebody ended the cluster: CloudTrail says who called TerminateJobFlows or DeleteStack.",
    ),
    (
        re.compile(r"deadline", re.IGNORECASE),
        "It hung: often a lack of capacity that EMR goes on waiting for, or a route or an endpoint that its subnet "
        "does not have. Raise launch_limit_seconds only if launches are that slow on good days.",
    ),
)
_OTHERWISE = "Look at the events of its stack in CloudFormation and at its cluster in EMR."


def advice(reason: str) -> str:
    """What to do about a launch that was given up because of *reason*, in one sentence or two."""
    return next((text for pattern, text in _ADVICE if pattern.search(reason)), _OTHERWISE)


def advice_on_all(reasons: Iterable[str]) -> str:
    """What to do about several launches, each advice once."""
    return " ".join(dict.fromkeys(advice(reason) for reason in reasons)) or _OTHERWISE
