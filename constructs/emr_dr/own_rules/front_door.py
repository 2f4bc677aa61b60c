"""The load balancers: quotas that show only at deploy time, and what Livy's connections need."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from emr_dr.listener_rules import RuleQuotaError, check_quotas
from emr_dr.own_rules.model import Properties, Resource, Rule, attributes, resources

LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
LISTENER_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"

# Elastic Load Balancing, "Quotas for your Application Load Balancers": defaults of an account.
MOST_RULES, MOST_LISTENERS, MOST_GROUPS, MOST_GROUPS_OF_AN_ACTION = 100, 50, 100, 5
# Jetty, Livy's web server, closes what was idle for 30 s.
LIVY_IDLE_SECONDS = 30
# "Listener rules": expressions know none of these.
_UNSUPPORTED = re.compile(r"\(\?[=!<>]|\\[1-9]|\(\?P[=<]|[*+?}]\+|\\p\{")


def _expressions(properties: Properties) -> Iterator[str]:
    for condition in properties.get("Conditions", []):
        for name, body in condition.items():
            if name != "Field" and isinstance(body, Mapping):
                yield from body.get("RegexValues", ())


def _rule(resource: Resource) -> Iterable[str]:
    try:
        check_quotas(resource.properties.get("Conditions", []), rule=resource.logical_id)
    except RuleQuotaError as error:
        yield str(error)
    for expression in _expressions(resource.properties):
        if found := _UNSUPPORTED.search(expression):
            yield f"the expression {expression} has {found[0]!r}, which Elastic Load Balancing does not know"
        elif not (expression.startswith("^") and expression.endswith("$")):
            yield f"the expression {expression} is not held at both ends by ^ and $"
        else:
            try:
                re.compile(expression)
            except re.error as error:
                yield f"the expression {expression} is none: {error}"


def _actions(resource: Resource) -> Iterable[str]:
    for action in resource.properties.get("Actions", resource.properties.get("DefaultActions", [])):
        groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
        if len(groups) > MOST_GROUPS_OF_AN_ACTION:
            yield f"an action forwards to {len(groups)} groups, at most {MOST_GROUPS_OF_AN_ACTION} are allowed"


def _size(resource: Resource) -> Iterable[str]:
    """Listeners, rules and groups of a load balancer; those of the template count for the one that they name."""
    listeners = [
        each
        for each in resources(resource.template)
        if each.kind == LISTENER and _names(each.properties.get("LoadBalancerArn"), resource.logical_id)
    ]
    rules = [
        each
        for each in resources(resource.template)
        if each.kind == LISTENER_RULE
        and any(_names(each.properties.get("ListenerArn"), one.logical_id) for one in listeners)
    ]
    groups = {str(found) for each in (*listeners, *rules) for found in _groups(each.properties)}
    for what, number, most in (
        ("listeners", len(listeners), MOST_LISTENERS),
        ("rules", len(rules), MOST_RULES),
        ("target groups", len(groups), MOST_GROUPS),
    ):
        if number > most:
            yield f"it has {number} {what}, at most {most} are allowed without a raised quota"
    taken = Counter((str(each.properties.get("ListenerArn")), each.properties.get("Priority")) for each in rules)
    for (_, priority), number in taken.items():
        if number > 1:
            yield f"{number} rules of one listener have the priority {priority}"


def _names(value: Any, logical_id: str) -> bool:
    return bool(value == {"Ref": logical_id})


def _groups(properties: Properties) -> Iterator[Any]:
    for action in properties.get("Actions", properties.get("DefaultActions", [])):
        if "TargetGroupArn" in action:
            yield action["TargetGroupArn"]
        for group in action.get("ForwardConfig", {}).get("TargetGroups", []):
            yield group["TargetGroupArn"]


def _application(resource: Resource) -> Iterable[str]:
    if resource.properties.get("Type", "application") != "application":
        return
    found = attributes(resource.properties, "LoadBalancerAttributes")
    idle = int(found.get("idle_timeout.timeout_seconds", 60))
    if idle >= LIVY_IDLE_SECONDS:
        yield f"it keeps idle connections for {idle} s, Livy for {LIVY_IDLE_SECONDS} s"
    if found.get("access_logs.s3.enabled") != "true":
        yield "it writes no access logs"
    if found.get("routing.http.drop_invalid_header_fields.enabled") != "true":
        yield "it passes invalid header fields on"


def _untagged(resource: Resource) -> Iterable[str]:
    if "Tags" in resource.properties:
        yield "it has tags"


RULES = (
    Rule(
        name="listener-rule",
        asks="A listener rule is within the quotas, and its expressions are held at both ends and known to the service",
        remedy="split the rule, or write the expression another way",
        kinds=frozenset({LISTENER_RULE}),
        look=_rule,
    ),
    Rule(
        name="listener-actions",
        asks=f"An action forwards to {MOST_GROUPS_OF_AN_ACTION} target groups at most",
        remedy="forward to fewer groups",
        kinds=frozenset({LISTENER, LISTENER_RULE}),
        look=_actions,
    ),
    Rule(
        name="load-balancer-size",
        asks="A load balancer has no more listeners, rules and groups than an account gets, and no priority twice",
        remedy="take slots or listeners away, or have the quota raised and acknowledge this",
        kinds=frozenset({LOAD_BALANCER}),
        look=_size,
    ),
    Rule(
        name="load-balancer-connections",
        asks="The application load balancer lets idle connections go before Livy does, logs, and drops bad headers",
        remedy="set idle_timeout.timeout_seconds below 30, access_logs.s3.enabled, "
        "routing.http.drop_invalid_header_fields.enabled",
        kinds=frozenset({LOAD_BALANCER}),
        look=_application,
    ),
    Rule(
        name="rules-without-tags",
        asks="Listener rules have no tags: a changed tag updates the rule, and may set live conditions back",
        remedy="delete the property Tags of the rule (emr_dr.listener_rules)",
        kinds=frozenset({LISTENER_RULE}),
        look=_untagged,
    ),
)
