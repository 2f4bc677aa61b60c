"""A1, A4: which paths the front door takes to whom.  The expressions are tried with Python's engine, which agrees with
the load balancer's on the few features that they use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest

from dr_core import routing
from dr_core.id_ranges import FIRST_PREFIX, PREFIXES

# What the load balancer's expressions do not know: look-around, back-references, atomic groups, possessive
# quantifiers, classes by property.
_UNSUPPORTED = re.compile(r"\(\?|\\[0-9kgpP]|[*+?}]\+")


def expressions(conditions: Iterable[dict[str, Any]]) -> list[str]:
    return [text for each in conditions for text in each.get("PathPatternConfig", {}).get("RegexValues", [])]


def matches(conditions: Iterable[dict[str, Any]], path: str) -> bool:
    return any(re.search(text, path) for text in expressions(conditions))


def is_gone(path: str) -> bool:
    return any(matches(conditions, path) for conditions in routing.gone_rules())


OF_PREFIX_1002 = [
    "/batches/1002000000",
    "/batches/1002999999",
    "/batches/1002000007/state",
    "/batches/1002000007/log",
    "/sessions/1002000001",
    "/sessions/1002000001/statements/0",
    "/ui/batch/1002000001",
    "/ui/batch/1002000001/log",
    "/ui/session/1002000001",
]
OF_NOBODY = [
    "/batches/7",
    "/batches/1003000000",
    "/batches/10020000000",
    "/batches/100200000",
    "/sessions/1003000000/statements",
    "/ui/batch/1003000000",
    # other spellings of an id that a server behind might understand
    "/batches/0102000026",
    "/batches/%31002000000",
    "/batches/100%32000000/state",
    "//batches/1002000000",
    "/batches//1002000000",
    "/ui//batch/1002000000",
    "/batches/1002000000;x=1",
    "/batches/1002000000;x=1/state",
    "/batches;x=1/1002000000",
    "/batches/1002000000%2Fstate",
    "/batches/1002000000%2fstate",
    "/batches%2F1002000000",
    "/%62atches/1002000000",
    "/ui/%62atch/1002000000",
    "/ui;x/batch/1002000000",
    "/;x/batches/1002000000",
    "/./batches/1002000000",
    "/x/../batches/1002000000",
    "/x/%2e%2E/batches/1002000000",
    "/x/..;y/batches/1002000000",
    "/batches/..",
]
OF_ANYBODY = [
    "/batches",
    "/batches/",
    "/sessions",
    "/version",
    "/",
    "/ui",
    "/ui/",
    "/static/js/all-sessions.js",
    "/batches/my-job",
    "/batches/job-7",
    "/batches/7-job",
    "/batches/my%20job",
    "/batches/dag__2026-11-21T03%3A10%3A25%2B00%3A00",
    "/batches/my%20job/state",
    "/batches/a.b..c",
]


@pytest.mark.parametrize("path", OF_PREFIX_1002)
def test_an_id_goes_to_the_incarnation_whose_prefix_it_has(path: str) -> None:
    assert matches(routing.id_conditions(1002), path)
    assert not matches(routing.id_conditions(1003), path)


@pytest.mark.parametrize("path", [*OF_NOBODY, *OF_ANYBODY])
def test_everything_else_does_not_go_by_id(path: str) -> None:
    assert not matches(routing.id_conditions(1002), path)


@pytest.mark.parametrize("path", [*OF_PREFIX_1002, *OF_NOBODY])
def test_an_id_that_no_slot_took_is_gone(path: str) -> None:
    """Fail closed: not a request with an id reaches a server that did not issue it."""
    assert is_gone(path)


@pytest.mark.parametrize("path", OF_ANYBODY)
def test_submissions_and_names_are_never_gone(path: str) -> None:
    assert not is_gone(path)


@pytest.mark.parametrize("path", [routing.HEALTH_PATH, "/_front-door/unused/3"])
def test_the_front_doors_own_paths_are_never_gone(path: str) -> None:
    assert not is_gone(path)


OF_AN_UNSEEDED_ONE = [
    "/batches/0",
    "/batches/7/state",
    "/sessions/12345678/statements/0",
    "/ui/batch/99999999/log",
    "/ui/session/3",
]


@pytest.mark.parametrize("path", OF_AN_UNSEEDED_ONE)
def test_small_ids_go_to_the_incarnation_that_numbers_from_0(path: str) -> None:
    """A13: it may serve, as long as no other one does so."""
    assert matches(routing.unseeded_id_conditions(), path)
    assert is_gone(path)


@pytest.mark.parametrize(
    "path",
    [
        *OF_PREFIX_1002,
        *OF_ANYBODY,
        *(path for path in OF_NOBODY if path != "/batches/7"),
        "/batches/123456789",
        "/batches/1000000000",
        "/batches/2146999999",
    ],
)
def test_no_other_path_goes_to_the_incarnation_that_numbers_from_0(path: str) -> None:
    """A13: least of all an id of a range."""
    assert not matches(routing.unseeded_id_conditions(), path)


def test_the_rules_of_live_prefixes_are_disjoint() -> None:
    """No id may lead to two owners."""
    for prefix in range(FIRST_PREFIX, FIRST_PREFIX + PREFIXES):
        owners = [
            each
            for each in (prefix - 1, prefix, prefix + 1)
            if matches(routing.id_conditions(each), f"/batches/{prefix}000000")
        ]
        assert owners == [prefix]


def test_a_look_up_by_header_reads_only() -> None:
    assert routing.header_conditions(1002) == [
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Emr-Id-Prefix", "Values": ["1002"]}},
        {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}},
    ]


def test_id_rule_has_the_shape_of_the_api() -> None:
    assert routing.id_conditions(1002) == [
        {
            "Field": "path-pattern",
            "PathPatternConfig": {
                "RegexValues": ["^/(ui/)?(batch|batches|session|sessions)/1002[0-9]{6}(/.*)?$"],
            },
        }
    ]


def test_the_rules_of_a_free_slot_match_only_a_path_and_a_prefix_of_nobody() -> None:
    assert expressions(routing.unused_id_conditions(3)) == ["^/_front-door/unused/3$"]
    assert routing.unused_header_conditions(3) == [
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Emr-Id-Prefix", "Values": ["unused-3"]}},
        {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}},
    ]


def test_the_health_rule_takes_exactly_its_path() -> None:
    assert routing.health_conditions() == [
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/_front-door/health"]}}
    ]


def test_ids_are_routed_before_headers_and_headers_before_they_are_gone() -> None:
    slots = range(1, 100)
    by_id = [routing.id_rule_priority(slot) for slot in slots]
    by_header = [routing.header_rule_priority(slot) for slot in slots]

    assert (by_id[0], by_header[0]) == (101, 201)
    assert routing.HEALTH_PRIORITY == 1
    assert routing.GONE_PRIORITY == 900
    assert max(by_id) < min(by_header) and max(by_header) < routing.GONE_PRIORITY


RULES = [
    routing.health_conditions(),
    routing.id_conditions(2146),
    routing.unseeded_id_conditions(),
    routing.header_conditions(2146),
    routing.unused_id_conditions(99),
    routing.unused_header_conditions(99),
    *routing.gone_rules(),
]


@pytest.mark.parametrize("conditions", RULES)
def test_every_rule_is_within_the_load_balancers_quotas(conditions: list[dict[str, Any]]) -> None:
    """Five values, wildcards and match evaluations a rule, 128 characters a value; synth does not check them."""
    values = [
        value
        for condition in conditions
        for part in condition.values()
        if isinstance(part, dict)
        for listed in part.values()
        if isinstance(listed, list)
        for value in listed
    ]

    assert 1 <= len(values) <= 5
    assert sum(value.count("*") + value.count("?") for value in values) <= 5
    assert all(len(value) <= 128 for value in values)


@pytest.mark.parametrize("conditions", RULES)
def test_expressions_use_only_what_the_load_balancer_knows(conditions: list[dict[str, Any]]) -> None:
    for expression in expressions(conditions):
        assert expression.startswith("^") and expression.endswith("$")
        assert not _UNSUPPORTED.search(expression)


def test_a_gone_id_is_told_as_livy_tells_errors() -> None:
    body = json.loads(routing.GONE_BODY)

    assert routing.GONE_STATUS == "410"
    assert list(body) == ["msg"]
    assert body["msg"] == (
        "No cluster behind this address owns this id: it was retired, or the id was never issued. "
        "A job that had not ended is lost and may be submitted again."
    )
    assert len(routing.GONE_BODY) <= 1024


def test_the_front_door_answers_for_itself() -> None:
    assert json.loads(routing.HEALTH_BODY) == {"front_door": "ok"}
