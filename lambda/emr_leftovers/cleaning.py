"""Removes what EMR left, looks again until nothing is left, and says what is in the way if something stays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import IpPermissionTypeDef, SecurityGroupTypeDef

logger = Logger()

PAUSE_SECONDS = 10.0
# Somebody removed it in the meantime.
_GONE = ("InvalidPermission.NotFound", "InvalidNetworkInterfaceID.NotFound", "InvalidGroup.NotFound")
# It is not detached yet, or attached again: the next look shows which.  Or it lacks the tag that EMR needs for its own
# and that our right asks for: it is in the way, and not ours to remove.
_STAYS = ("InvalidNetworkInterface.InUse", "InvalidParameterValue", "DependencyViolation", "UnauthorizedOperation")


class StillInUseError(Exception):
    """Something that is not ours to remove keeps the groups or subnets from going; the message names all of it."""


def clean(ec2: EC2Client, scope: Scope, *, limit_seconds: float) -> str:
    """Remove the rules between the groups of *scope*, and the interfaces that EMR left; what was done, in words.

    Args:
        ec2: client.
        scope: what the platform made for clusters.
        limit_seconds: how long is waited for interfaces in use, and for rules of other groups: those of the same
            template may be on their way out.

    Raises:
        StillInUseError: something stays that somebody else has to remove.
    """
    until = time.monotonic() + limit_seconds
    revoked, removed = 0, 0
    while True:
        rules = list(rules_of(_groups(ec2, scope)))
        others, between = foreign(rules, scope), revocable(rules, scope)
        for rule in between:
            _revoke(ec2, rule)
        left = in_the_way(_interfaces(ec2, scope), scope)
        removed += sum(_remove(ec2, interface) for interface in removable(left, scope))
        revoked += len(between)
        if not others and not between and not left:
            return f"{revoked} rules and {removed} interfaces that EMR left were removed"
        if time.monotonic() >= until:
            raise StillInUseError(_sentence(others, left, between))
        logger.info("looking again", extra={"left": [str(each) for each in [*others, *between, *left]]})
        time.sleep(PAUSE_SECONDS)


def _sentence(others: Sequence[Rule], left: Sequence[Interface], between: Sequence[Rule]) -> str:
    """What stays, and who has to act."""
    remedies = [
        *(["remove these rules"] if others else []),
        *(["end the cluster or whatever else uses these interfaces, or remove them"] if left else []),
    ]
    if remedies:
        told = f"Nothing of these was touched: {'; '.join(remedies)}"
    else:
        told = "They were revoked and came back: end the cluster for which EMR adds them"
    things = [*others, *left] or between
    return (
        f"security groups and subnets of clusters cannot be deleted because of {'; '.join(map(str, things))}. "
        f"{told}, then delete the stack again"
    )


def _groups(ec2: EC2Client, scope: Scope) -> list[SecurityGroupTypeDef]:
    pages = ec2.get_paginator("describe_security_groups").paginate(Filters=[{"Name": "vpc-id", "Values": [scope.vpc]}])
    return [group for page in pages for group in page["SecurityGroups"]]


def _interfaces(ec2: EC2Client, scope: Scope) -> list[Interface]:
    pages = ec2.get_paginator("describe_network_interfaces").paginate(
        Filters=[{"Name": "vpc-id", "Values": [scope.vpc]}]
    )
    return [interface_of(each) for page in pages for each in page["NetworkInterfaces"]]


def _revoke(ec2: EC2Client, rule: Rule) -> None:
    """By what the rule says and not by its id: the right then concerns the group, which it names."""
    permission: IpPermissionTypeDef = {"IpProtocol": rule.protocol, "UserIdGroupPairs": [{"GroupId": rule.peer}]}
    if rule.ports is not None:
        permission |= {"FromPort": rule.ports[0], "ToPort": rule.ports[1]}
    try:
        if rule.outbound:
            ec2.revoke_security_group_egress(GroupId=rule.group, IpPermissions=[permission])
        else:
            ec2.revoke_security_group_ingress(GroupId=rule.group, IpPermissions=[permission])
    except ClientError as error:
        if _code(error) not in _GONE:
            raise
    logger.info(f"revoked {rule}")


def _remove(ec2: EC2Client, interface: Interface) -> bool:
    """Whether it is gone."""
    try:
        ec2.delete_network_interface(NetworkInterfaceId=interface.id)
    except ClientError as error:
        if _code(error) in _STAYS:
            logger.info(f"{interface} stays: {error}")
            return False
        if _code(error) not in _GONE:
            raise
    logger.info(f"removed {interface}")
    return True


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
