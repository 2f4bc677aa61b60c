"""Which rule of the front door takes a request (A1, A4, A10)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from dr_core import routing
from emr_drill.front_door.rules import (
    Condition,
    Request,
    RuleError,
    expression,
    first_match,
    parse_conditions,
    wildcards,
)


@dataclass(frozen=True)
class Rule:
    name: str
    conditions: tuple[Condition, ...]


def front_door() -> list[Rule]:
    """Livy's listener with one incarnation of prefix 1002 in slot 1, and slot 2 free."""
    return [
        Rule("health", parse_conditions(routing.health_conditions())),
        Rule("id 1002", parse_conditions(routing.id_conditions(1002))),
        Rule("id free", parse_conditions(routing.unused_id_conditions(2))),
        Rule("header 1002", parse_conditions(routing.header_conditions(1002))),
        Rule("header free", parse_conditions(routing.unused_header_conditions(2))),
        *(Rule("gone", parse_conditions(conditions)) for conditions in routing.gone_rules()),
        Rule("default", ()),
    ]


@pytest.mark.parametrize(
    ("method", "target", "headers", "taken_by"),
    [
        ("GET", "/_front-door/health", (), "health"),
        ("GET", "/batches/1002000000", (), "id 1002"),
        ("GET", "/batches/1002000000/log?from=0&size=100", (), "id 1002"),
        ("DELETE", "/sessions/1002999999", (), "id 1002"),
        ("GET", "/ui/batch/1002000007", (), "id 1002"),
        ("GET", "http://front-door:8998/batches/1002000000", (), "id 1002"),
        ("GET", "/batches/1003000000", (), "gone"),
        ("GET", "/batches/7", (), "gone"),
        ("GET", "/batches/10020000000", (), "gone"),
        ("GET", "/batches/01002000000", (), "gone"),
        ("GET", "//batches/1002000000", (), "gone"),
        ("GET", "/batches/%31002000000", (), "gone"),
        ("GET", "/batches/1002000000;a=b", (), "gone"),
        ("GET", "/batches", (), "default"),
        ("POST", "/batches", (), "default"),
        ("GET", "/batches/nightly-load", (), "default"),
        ("GET", "/batches?at=/batches/1002000000", (), "default"),
        ("GET", "/batches/nightly-load", (("X-Emr-Id-Prefix", "1002"),), "header 1002"),
        ("GET", "/batches/nightly-load", (("x-emr-id-prefix", "1002"),), "header 1002"),
        ("GET", "/batches/nightly-load", (("X-Emr-Id-Prefix", "1003"),), "default"),
        ("POST", "/batches", (("X-Emr-Id-Prefix", "1002"),), "default"),
        ("GET", "/_front-door/unused/2", (), "id free"),
    ],
)
def test_request_is_taken_by_its_owner(
    method: str, target: str, headers: tuple[tuple[str, str], ...], taken_by: str
) -> None:
    """Affinity by id and by header, 410 for every other number, everything else is balanced."""
    rule = first_match(front_door(), Request(method=method, target=target, headers=headers))
    assert rule is not None
    assert rule.name == taken_by


def test_rules_are_taken_in_the_given_order() -> None:
    """The first rule that matches decides."""
    rules = [Rule("first", ()), Rule("second", ())]
    assert first_match(rules, Request(method="GET", target="/")) is rules[0]


def test_no_rule_matches() -> None:
    """Without a default rule there may be none."""
    rules = [Rule("health", parse_conditions(routing.health_conditions()))]
    assert first_match(rules, Request(method="GET", target="/other")) is None


@pytest.mark.parametrize(
    "text",
    [
        "^/(?=batches)",
        "^/(?!batches)",
        "(?<=a)b",
        "(?<!a)b",
        "(a)\\1",
        "(?P<x>a)(?P=x)",
        "(?>a)",
        "a++",
        "a*+",
        "a?+",
        "a{2,3}+",
        "\\p{L}",
        "[\\p{L}]",
        "(",
        "a" * 129,
        "",
    ],
)
def test_expression_that_load_balancers_do_not_take_is_refused(text: str) -> None:
    """What the guide lists as unsupported, what is broken, and what is too long."""
    with pytest.raises(RuleError):
        expression(text)


@pytest.mark.parametrize("text", ["^a+?$", "a??", "[+*?]+", "\\++", "(?:a|b)+", "(?i)a", "[]+]+", "a{2}", "[(?=]x"])
def test_expression_that_load_balancers_take_is_compiled(text: str) -> None:
    """Lazy quantifiers, classes and plain groups look like what is refused, and are not."""
    assert expression(text).pattern == text


def test_expression_matches_anywhere_unless_anchored() -> None:
    """``^...$`` has to be written out."""
    assert expression("batches").search("/v1/batches/7")
    assert not expression("^/batches$").search("/v1/batches/7")


def test_path_expression_minds_case() -> None:
    """Paths are case-sensitive."""
    conditions = parse_conditions([{"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/batches$"]}}])
    assert not conditions[0].met_by(Request(method="GET", target="/Batches"))


def test_header_expression_does_not_mind_case() -> None:
    """Header values are not."""
    conditions = parse_conditions(
        [{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "RegexValues": ["^abc$"]}}]
    )
    assert conditions[0].met_by(Request(method="GET", target="/", headers=(("x-a", "ABC"),)))


def test_wildcards_match_the_whole_value() -> None:
    """``*`` is any characters, ``?`` one, and a dot is a dot."""
    pattern = wildcards("/a?/*.txt", ignore_case=False)
    assert pattern.search("/ab/c/d.txt")
    assert not pattern.search("/ab/c/dxtxt")
    assert not pattern.search("/a/c.txt")


def test_host_condition() -> None:
    """The host header is a header like any other, case-insensitive."""
    conditions = parse_conditions([{"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.com"]}}])
    assert conditions[0].met_by(Request(method="GET", target="/", headers=(("Host", "A.Example.com"),)))


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        (
            [{"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/{n}" for n in range(6)]}}],
            "'5' condition values",
        ),
        ([{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*/*/*/*/*/*"]}}], "'5' condition wildcards"),
        ([{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"], "RegexValues": ["/a"]}}], "both"),
        ([{"Field": "path-pattern", "PathPatternConfig": {}}], "must be specified"),
        ([{"Field": "path-pattern", "Values": ["/a"]}, {"Field": "path-pattern", "Values": ["/b"]}], "only have one"),
        ([{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}], "not evaluated here"),
        ([{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["get"]}}], "A-Z"),
        ([{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x" * 41, "Values": ["1"]}}], "40"),
        ([{"Field": "path-pattern", "Values": ["/" + "a" * 128]}], "too long"),
    ],
)
def test_rule_beyond_the_quotas_is_refused(conditions: list[dict[str, object]], words: str) -> None:
    """Quotas and shapes are checked as AWS does."""
    with pytest.raises(RuleError, match=re.escape(words)):
        parse_conditions(conditions)
