"""Whether a failover gives way to a change."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dr_core.record import Incarnation, IncarnationState
from dr_core.requests import Kind, OperationRequest, Reason
from dr_core.standby import spec_digest
from dr_core.superseding import gives_way

OLD = json.dumps({"template_url": "https://bucket/old.json", "parameters": {}})
NEW = json.dumps({"template_url": "https://bucket/new.json", "parameters": {}})
LAUNCHES = ("Claim", "Reassess", "Isolate", "Repair", "Launch")


def request(kind: Kind, reason: Reason) -> OperationRequest:
    return OperationRequest(operation="op", kind=kind, reason=reason, managed_cluster="a")


def gives(**values: Any) -> bool:
    """Whether it gives way where it does, but for *values*."""
    return gives_way(
        **{
            "holder": request(Kind.FAILOVER, Reason.UNHEALTHY),
            "entered": LAUNCHES,
            "mine": request(Kind.SWITCHOVER, Reason.UPGRADE),
            "wanted": NEW,
            "launches": OLD,
            "others_serve": True,
            "incarnations": (),
            "now": 1_000_000.0,
            **values,
        }
    )


def served(**values: Any) -> Incarnation:
    return Incarnation(
        **{
            "generation": 1,
            "managed_cluster": "a",
            "state": IncarnationState.RETIRED,
            "serving_from": 1.0,
            "spec_digest": spec_digest(NEW),
            **values,
        }
    )


def test_one_that_launches_what_shall_go_gives_way() -> None:
    """B13: its cluster would be replaced at once."""
    assert gives()


@pytest.mark.parametrize(
    "holder",
    [request(Kind.FAILOVER, Reason.MANUAL), request(Kind.SWITCHOVER, Reason.UNHEALTHY)],
    ids=["a person's", "no failover"],
)
def test_what_a_person_asks_for_does_not(holder: OperationRequest) -> None:
    assert not gives(holder=holder)


@pytest.mark.parametrize(
    "mine",
    [
        request(Kind.SWITCHOVER, Reason.MANUAL),
        request(Kind.LAUNCH, Reason.UPGRADE),
        request(Kind.FAILOVER, Reason.UNHEALTHY),
    ],
    ids=["a person's", "a launch", "a failover"],
)
def test_to_nothing_but_a_deploy(mine: OperationRequest) -> None:
    assert not gives(mine=mine)


def test_to_nobody_who_does_not_say_what_is_wanted() -> None:
    assert not gives(wanted=None)


@pytest.mark.parametrize("entered", [LAUNCHES[:-1], (*LAUNCHES, "Verify"), (*LAUNCHES, "Verify", "Route", "Fence")])
def test_only_while_it_launches(entered: tuple[str, ...]) -> None:
    """Before it may mend, and takes the sick one out of service; after it is as good as done."""
    assert not gives(entered=entered)


def test_not_if_it_launches_what_is_wanted() -> None:
    """But for what changes in place."""
    assert not gives(launches=json.dumps({**json.loads(NEW), "tags": {"team": "data"}}))


def test_what_nobody_knows_is_not_what_is_wanted() -> None:
    assert gives(launches=None)


@pytest.mark.parametrize(
    ("incarnation", "gives_it"),
    [
        (served(), True),
        (served(managed_cluster="b"), False),
        (served(serving_from=None), False),
        (served(spec_digest=spec_digest(OLD)), False),
    ],
    ids=["served here", "served elsewhere", "never served", "another one"],
)
def test_where_nobody_else_serves_only_to_what_has_served_before(incarnation: Incarnation, gives_it: bool) -> None:
    """A14: jobs wait for the failover, and not for what nobody has proved."""
    assert gives(others_serve=False, incarnations=[incarnation]) is gives_it


def test_none_gives_way_to_what_was_taken_back_where_nobody_else_serves() -> None:
    """A14: jobs wait for it, and nobody knows that spec as good any more."""
    known = served(serving_to=2.0, taken_back=True)

    assert gives(others_serve=False, incarnations=(replace(known, taken_back=False),))
    assert not gives(others_serve=False, incarnations=(known,))
    assert gives(others_serve=True, incarnations=(known,))
