"""Listener rules of an application load balancer: what they may say, and which one takes a request.

Pure.  Conditions have the shape of the ELBv2 API (``Field``, ``PathPatternConfig`` ...).  Sources: the API reference's
RuleCondition, and "Condition types for listener rules" of the guide for application load balancers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

# "Quotas for your Application Load Balancers": condition values, wildcards and match evaluations of one rule.
CONDITION_VALUES, CONDITION_WILDCARDS = 5, 5
VALUE_LENGTH, HEADER_NAME_LENGTH, METHOD_LENGTH = 128, 40, 40

_CONFIGS = {
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "path-pattern": "PathPatternConfig",
}
_ONCE = {"host-header", "http-request-method", "path-pattern"}
# What may follow "(?": a group without a number, flags, a named group.
_GROUPS = re.compile(r"\(\?(?:[ims]*:|[ims]+\)|P<\w+>)")
_COUNT = re.compile(r"\{\d+(?:,\d*)?\}")


class RuleError(ValueError):
    """A rule that AWS would refuse, or that the drill cannot evaluate; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The part of a request that rules look at.

    Attributes:
        method: as sent.
        target: request target as sent: path and query, nothing decoded.
        headers: names and values as sent.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        """The raw path without the query."""
        path = self.target.partition("?")[0]
        if path.startswith("/"):
            return path
        return "/" + path.partition("://")[2].partition("/")[2]  # absolute form: http://host/path

    def values(self, name: str) -> list[str]:
        """Values of every header called *name*."""
        return [value for header, value in self.headers if header.lower() == name.lower()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition: satisfied if one pattern is found in one of the values that the field has in the request."""

    field: str
    patterns: tuple[re.Pattern[str], ...]
    header: str = ""

    def met_by(self, request: Request) -> bool:
        """Whether *request* satisfies the condition."""
        if self.field == "path-pattern":
            values = [request.path]
        elif self.field == "http-request-method":
            values = [request.method]
        else:
            values = request.values(self.header)
        return any(pattern.search(value) for value in values for pattern in self.patterns)


class HasConditions(Protocol):
    """A rule, as far as choosing one goes."""

    @property
    def conditions(self) -> tuple[Condition, ...]: ...


R = TypeVar("R", bound=HasConditions)


def first_match(rules: Iterable[R], request: Request) -> R | None:
    """The first of *rules*, given in order of priority, all of whose conditions *request* satisfies."""
    return next((rule for rule in rules if all(condition.met_by(request) for condition in rule.conditions)), None)


def expression(text: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """The regular expression *text* of a ``RegexValues`` list; it matches anywhere unless it says ``^...$``.

    Raises:
        RuleError: too long, broken, or it uses what load balancers do not support: look-ahead, look-behind,
            back-references, atomic groups, possessive quantifiers, Unicode classes ("Listener rules" of the guide).
    """
    if not text:
        raise RuleError("A condition value must be specified")
    if len(text) > VALUE_LENGTH:
        raise RuleError(f"The regular expression '{text}' is too long; the limit is '{VALUE_LENGTH}'")
    if unsupported := _unsupported(text):
        raise RuleError(f"The regular expression '{text}' is not supported: it uses {unsupported}")
    try:
        return re.compile(text, re.ASCII | (re.IGNORECASE if ignore_case else 0))
    except re.error as error:
        raise RuleError(f"The regular expression '{text}' is not valid: {error}") from error


def _unsupported(text: str) -> str:
    """What *text* uses that load balancers lack; empty if nothing."""
    index, in_class, after_quantifier = 0, False, False
    while index < len(text):
        character, rest = text[index], text[index:]
        quantifier, step = False, 1
        if character == "\\":
            following = text[index + 1 : index + 2]
            if following in ("p", "P"):
                return "a Unicode class"
            if not in_class and following and following in "k123456789":
                return "a back-reference"
            step = 2
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
            step = 3 if rest.startswith("[^]") else 2 if rest.startswith("[]") else 1
        elif character == "(" and rest.startswith("(?") and not _GROUPS.match(rest):
            return "look-ahead, look-behind, a back-reference or an atomic group"
        elif character == "+" and after_quantifier:
            return "a possessive quantifier"
        elif character in "*+?":
            quantifier = not after_quantifier
        elif count := _COUNT.match(rest):
            quantifier, step = True, count.end()
        after_quantifier = quantifier
        index += step
    return ""


def wildcards(text: str, *, ignore_case: bool) -> re.Pattern[str]:
    """The pattern *text* of a ``Values`` list: ``*`` any characters, ``?`` exactly one, everything else itself."""
    if not text:
        raise RuleError("A condition value must be specified")
    if len(text) > VALUE_LENGTH:
        raise RuleError(f"The value '{text}' is too long; the limit is '{VALUE_LENGTH}'")
    parts = ({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in text)
    return re.compile(rf"\A{''.join(parts)}\Z", re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def parse_conditions(conditions: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """*conditions*, in the API's shape, ready for :func:`first_match`.

    Raises:
        RuleError: AWS would refuse them: shape, lengths, more than 5 values or wildcards, a field twice; or the field
            is one that the drill's load balancers do not evaluate (``query-string``, ``source-ip``).
    """
    values = [value for condition in conditions for kind in _texts(condition) for value in kind]
    if len(values) > CONDITION_VALUES:
        raise RuleError(f"A rule can only have '{CONDITION_VALUES}' condition values, got {len(values)}")
    # Whether those of a regular expression count is not documented; they do here, to be on the safe side.
    wild = sum(text.count("*") + text.count("?") for text in values)
    if wild > CONDITION_WILDCARDS:
        raise RuleError(f"A rule can only have '{CONDITION_WILDCARDS}' condition wildcards, got {wild}")
    fields = [str(condition.get("Field")) for condition in conditions]
    for name in _ONCE:
        if fields.count(name) > 1:
            raise RuleError(f"A rule can only have one '{name}' condition")
    return tuple(_parse(condition) for condition in conditions)


def _texts(condition: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """``Values`` and ``RegexValues`` of a condition, wherever they stand."""
    config = condition.get(_CONFIGS.get(str(condition.get("Field")), "")) or {}
    return (
        [*condition.get("Values", []), *config.get("Values", [])],
        [*condition.get("RegexValues", []), *config.get("RegexValues", [])],
    )


def _parse(condition: Mapping[str, Any]) -> Condition:
    field = str(condition.get("Field"))
    if field not in _CONFIGS:
        raise RuleError(f"Condition field '{field}' is not evaluated here; allowed: {', '.join(sorted(_CONFIGS))}")
    plain, regular = _texts(condition)
    if plain and regular:
        raise RuleError(f"You cannot specify both Values and RegexValues for a '{field}' condition")
    if not plain and not regular:
        raise RuleError("A condition value must be specified")
    if field == "http-request-method":
        return Condition(field=field, patterns=tuple(_method(text) for text in plain))
    header = "host"
    if field == "http-header":
        header = str(condition[_CONFIGS[field]].get("HttpHeaderName", ""))
        if not 0 < len(header) <= HEADER_NAME_LENGTH:
            raise RuleError(
                f"The 'HttpHeaderName' value must have 1 to {HEADER_NAME_LENGTH} characters, got '{header}'"
            )
    ignore_case = field != "path-pattern"
    patterns = [wildcards(text, ignore_case=ignore_case) for text in plain]
    patterns += [expression(text, ignore_case=ignore_case) for text in regular]
    return Condition(field=field, patterns=tuple(patterns), header="" if field == "path-pattern" else header)


def _method(text: str) -> re.Pattern[str]:
    if not re.fullmatch(r"[A-Z_-]+", text) or len(text) > METHOD_LENGTH:
        raise RuleError(f"The 'http-request-method' value '{text}' is invalid; allowed: A-Z, hyphen and underscore")
    return re.compile(rf"\A{re.escape(text)}\Z")
