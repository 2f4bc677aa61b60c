"""What the application load balancer's rules match, in the shape that CreateRule and ModifyRule take.

Paths are matched by regular expressions of at most 128 characters, without look-around or back-references, one value
to a rule and at most five wildcards in it: a rule may hold five values, wildcards and match evaluations
(Elastic Load Balancing, "Quotas for your Application Load Balancers" and "Listener rules").
"""

from __future__ import annotations

import json
from typing import Any

Conditions = list[dict[str, Any]]

# Answered by the load balancer itself: health of the network load balancer's targets, and the probers' control.
HEALTH_PATH = "/_front-door/health"
HEALTH_BODY = json.dumps({"front_door": "ok"})

# By this header a client asks the owner of a name: ids name their owner, names do not.
PREFIX_HEADER = "X-Emr-Id-Prefix"

HEALTH_PRIORITY = 1
GONE_PRIORITY = 900

# As many as a Livy that numbers from 0 will ever need, and fewer than an id of a range has.
UNSEEDED_DIGITS = 8

GONE_STATUS = "410"
GONE_BODY = json.dumps(
    {
        "msg": "No cluster behind this address owns this id: it was retired, or the id was never issued. "
        "A job that had not ended is lost and may be submitted again."
    }
)

_COLLECTIONS = "(batch|batches|session|sessions)"
# An id that no rule before this one took.  Livy reads a segment of digits as an id after its web server has undone
# percent-encoding and dropped parameters, so each of these spellings has to end here too:
_GONE_PATHS = (
    # digits, plain or percent-encoded, also after doubled slashes, also with parameters or an encoded slash behind
    f"^/+(ui/+)?{_COLLECTIONS}/+([0-9]|%3[0-9])+((;|/|%2[fF]).*)?$",
    # a first segment with an encoded character or parameters: no path of Livy's has one
    "^/+(ui/+)?[^/]*[%;].*$",
    # a segment of dots, plain or encoded, which a web server may resolve
    "^(.*/)?([.]|%2[eE])+([;/].*)?$",
)


def id_rule_priority(slot: int) -> int:
    """Priority of the rule that routes by id to *slot*."""
    return 100 + slot


def header_rule_priority(slot: int) -> int:
    """Priority of the rule that routes by header to *slot*."""
    return 200 + slot


def health_conditions() -> Conditions:
    """The fixed answer of the front door itself."""
    return [{"Field": "path-pattern", "PathPatternConfig": {"Values": [HEALTH_PATH]}}]


def id_conditions(prefix: int) -> Conditions:
    """Every path that names a batch or session with an id of *prefix*."""
    return _paths(f"^/(ui/)?{_COLLECTIONS}/{prefix}[0-9]{{6}}(/.*)?$")


def unseeded_id_conditions() -> Conditions:
    """Every path that names an id of up to 8 digits: those of a Livy that numbers from 0 instead of in its range.

    Ids of ranges have ten digits, so that no such id is of a seeded incarnation.  One value with four wildcards, within
    the quotas above.
    """
    return _paths(f"^/(ui/)?{_COLLECTIONS}/[0-9]{{1,{UNSEEDED_DIGITS}}}(/.*)?$")


def header_conditions(prefix: int) -> Conditions:
    """A look-up that names *prefix* in the header; only reading, as the header is the client's word."""
    return _header(str(prefix))


def unused_id_conditions(slot: int) -> Conditions:
    """What the id rule of a free slot matches: a path of nobody."""
    return _paths(f"^/_front-door/unused/{slot}$")


def unused_header_conditions(slot: int) -> Conditions:
    """What the header rule of a free slot matches: a prefix of nobody."""
    return _header(f"unused-{slot}")


def gone_rules() -> tuple[Conditions, ...]:
    """The conditions of the rules that answer 410, one rule each, with priorities from :data:`GONE_PRIORITY` on.

    They come after the rules of the slots, and fail closed: every spelling of an id that no live incarnation owns.
    """
    return tuple(_paths(path) for path in _GONE_PATHS)


def _paths(expression: str) -> Conditions:
    return [{"Field": "path-pattern", "PathPatternConfig": {"RegexValues": [expression]}}]


def _header(value: str) -> Conditions:
    return [
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": PREFIX_HEADER, "Values": [value]}},
        {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}},
    ]
