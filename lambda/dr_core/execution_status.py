"""What it means that Step Functions does not know an execution."""

from __future__ import annotations

# For how long after its start Step Functions may not know an execution yet: DescribeExecution is eventually consistent,
# without a published bound.
YOUNG_SECONDS = 60


def is_forgotten(*, since: float | None, now: float) -> bool:
    """Whether an execution that Step Functions does not know has ended.

    It forgets one 90 days after its end; one that was started a moment ago it may not know yet, and that one runs.

    Args:
        since: when somebody last knew of it, such as when it took its lease, seconds since 1970; ``None`` if that is
            not known, as of old records.
        now: seconds since 1970.
    """
    return since is None or now - since >= YOUNG_SECONDS
