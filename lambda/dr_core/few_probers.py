"""What is asked of vantage points when fewer probers are left than have to agree.

With two AZs one prober is left when an AZ is lost.  What serves is judged by it and by the load balancer's health
checks; what is new has none of those for ResourceManager and NameNode, so that nothing could ever be proved.  The
canary takes the missing place: a job that ended well went through Livy, the ResourceManager and the NameNode, whoever
looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dr_core.attendance import probers_heard
from dr_core.config import Policy
from dr_core.evidence import Evidence


def policy_beside_canary(evidence: Sequence[Evidence], *, now: float, policy: Policy) -> Policy:
    """The policy by which *evidence* on a new incarnation is judged whose canary job has succeeded.

    It asks for one vantage point less where fewer probers are heard than have to agree, and for a prober in any case.

    Args:
        evidence: what observers saw of it.
        now: seconds since 1970, taken after *evidence* was read.
        policy: the deployment's.
    """
    heard = len(probers_heard(evidence, now=now, policy=policy))
    if not 0 < heard < policy.vantage_points:
        return policy
    return replace(policy, vantage_points=policy.vantage_points - 1)
