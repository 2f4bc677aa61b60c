"""A14: what people read about a launch that was given up."""

from __future__ import annotations

import pytest

from dr_core.launch_advice import advice, advice_on_all


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            "EMR calls the cluster TERMINATED_WITH_ERRORS: VALIDATION_ERROR You have requested more vCPU capacity than "
            "your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to.",
            "quota of vCPUs for the Region",
        ),
        ("its stack is ROLLBACK_IN_PROGRESS: VcpuLimitExceeded", "quota of vCPUs for the Region"),
        ("the request exceeds the limit of 64 vCPUs", "quota of vCPUs for the Region"),
        ("INTERNAL_ERROR EC2 has InstanceLimitExceeded", "A quota of the account is used up"),
        ("MaxSpotInstanceCountExceeded", "A quota of the account is used up"),
        ("its stack is CREATE_FAILED: LimitExceededException", "A quota of the account is used up"),
        ("exceeded your quota for On-Demand instances", "A quota of the account is used up"),
        (
            "VALIDATION_ERROR We currently do not have sufficient m5.xlarge capacity: InsufficientInstanceCapacity",
            "EC2 has no instance of the wanted types",
        ),
        ("INSUFFICIENT_CAPACITY", "EC2 has no instance of the wanted types"),
        ("Insufficient capacity", "EC2 has no instance of the wanted types"),
        ("INSTANCE_FLEET_TIMEOUT Provisioning timed out", "EC2 has no instance of the wanted types"),
        ("no capacity", "EC2 has no instance of the wanted types"),
        (
            "its stack is DELETE_COMPLETE: User: arn:aws:sts::123456789012:assumed-role/x is not authorized to "
            "perform: elasticmapreduce:RunJobFlow",
            "A permission is missing",
        ),
        ("AccessDenied", "A permission is missing"),
        ("S3 said Access Denied", "A permission is missing"),
        ("Service role EMR has insufficient EC2 permissions", "A permission is missing"),
        ("BOOTSTRAP_FAILURE On the primary instance", "A bootstrap action failed"),
        ("Bootstrap action 1 returned a non-zero return code", "A bootstrap action failed"),
        ("STEP_FAILURE Shut down as step failed", "A step failed"),
        ("the step seed-livy has failed", "A step failed"),
        ("USER_REQUEST Terminated by user request", "Somebody ended the cluster"),
        ("it was not ready at its deadline: BOOTSTRAPPING", "It hung"),
        ("INTERNAL_ERROR", "Look at the events of its stack"),
        ("", "Look at the events of its stack"),
    ],
)
def test_each_cause_has_its_advice(reason: str, words: str) -> None:
    assert words in advice(reason)


def test_each_advice_is_given_once() -> None:
    """Three zones without capacity are one thing to do."""
    told = advice_on_all(["INSUFFICIENT_CAPACITY", "it was not ready at its deadline", "INSUFFICIENT_CAPACITY"])
    assert told == f"{advice('INSUFFICIENT_CAPACITY')} {advice('deadline')}"


def test_without_a_reason_there_is_something_to_do_too() -> None:
    assert advice_on_all([]) == advice("")
