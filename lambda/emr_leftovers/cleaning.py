"""Removes what EMR left, looks again until nothing is left, and says what is in the way if something stays."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from emr_leftovers.leftovers import (
    Interface,
    Rule,
    Scope,
    foreign,
    in_the_way,
    interface_of,
    removable,
    revocable,
    rules_of,
)

logger = Logger()

PAUSE_SECONDS = 10.0
# Somebody removed it in the meantime.
_GONE = ("InvalidPermission.NotFound", "InvalidNetworkInterfaceID.NotFound", "InvalidGroup.NotFound")
# It is not detached yet, or attached again: the next look shows which.
_IN_USE = ("InvalidNetworkInterface.InUse", "InvalidParameterValue", "DependencyViolation")


class StillInUseError(Exception):
    """Something that is not ours to remove keeps the groups or subnets from going; the message names all of it."""


def clean(ec2: Any, scope: Scope, *, limit_seconds: float) -> str:
    """Remove the rules between the groups of *scope*, and the interfaces that EMR left; what was done, in words.

    Args:
        ec2: client.
        scope: what the platform made for clusters.
        limit_seconds: how long an interface that is in use is waited for.

    Raises:
        StillInUseError: something stays that somebody else has to remove.
    """
    until = time.monotonic() + limit_seconds
    revoked, removed = 0, 0
    while True:
        rules = list(rules_of(_groups(ec2, scope)))
        if others := foreign(rules, scope):
            raise StillInUseError(_sentence(others, "remove these rules"))
        between = revocable(rules, scope)
        for rule in between:
            _revoke(ec2, rule)
        left = in_the_way(_interfaces(ec2, scope), scope)
        unused = removable(left, scope)
        for interface in unused:
            _remove(ec2, interface)
        revoked, removed = revoked + len(between), removed + len(unused)
        if not between and not left:
            return f"{revoked} rules and {removed} interfaces that EMR left were removed"
        if time.monotonic() >= until:
            raise StillInUseError(
                _sentence(left or between, "end the cluster or whatever else uses them, or remove them")
            )
        logger.info("looking again", extra={"left": [str(each) for each in [*between, *left]]})
        time.sleep(PAUSE_SECONDS)


def _sentence(things: Iterable[Rule | Interface], remedy: str) -> str:
    return (
        f"security groups and subnets of clusters cannot be deleted because of {'; '.join(map(str, things))}. "
        f"Nothing of these was touched: {remedy}, then delete the stack again"
    )


def _groups(ec2: Any, scope: Scope) -> list[Any]:
    pages = ec2.get_paginator("describe_security_groups").paginate(Filters=[{"Name": "vpc-id", "Values": [scope.vpc]}])
    return [group for page in pages for group in page["SecurityGroups"]]


def _interfaces(ec2: Any, scope: Scope) -> list[Interface]:
    pages = ec2.get_paginator("describe_network_interfaces").paginate(
        Filters=[{"Name": "vpc-id", "Values": [scope.vpc]}]
    )
    return [interface_of(each) for page in pages for each in page["NetworkInterfaces"]]


def _revoke(ec2: Any, rule: Rule) -> None:
    """By what the rule says and not by its id: the right then concerns the group, which it names."""
    permission: Any = {"IpProtocol": rule.protocol, "UserIdGroupPairs": [{"GroupId": rule.peer}]}
    if rule.ports is not None:
        permission |= {"FromPort": rule.ports[0], "ToPort": rule.ports[1]}
    revoke = ec2.revoke_security_group_egress if rule.outbound else ec2.revoke_security_group_ingress
    try:
        revoke(GroupId=rule.group, IpPermissions=[permission])
    except ClientError as error:
        if _code(error) not in _GONE:
            raise
    logger.info(f"revoked {rule}")


def _remove(ec2: Any, interface: Interface) -> None:
    try:
        ec2.delete_network_interface(NetworkInterfaceId=interface.id)
    except ClientError as error:
        if _code(error) not in (*_GONE, *_IN_USE):
            raise
    logger.info(f"removed {interface}")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
