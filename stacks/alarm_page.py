"""The page of all alarms, made from the strategies' templates: what each of them says to the person it wakes.

``python -m stacks.alarm_page`` writes it to ``docs/alarms.md``.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aws_cdk import App

from emr_dr.settings import Settings
from emr_dr.settings_file import REPOSITORY
from stacks.active_active import ActiveActive
from stacks.active_passive import ActivePassive
from stacks.platform import Platform

ALARM_PAGE = REPOSITORY / "docs" / "alarms.md"
# What the CDK appends to a construct's path to make a logical id.
_HASH = re.compile("[0-9A-F]{8}$")
_PSEUDO_PARAMETERS = {"AWS::AccountId": "ACCOUNT", "AWS::Region": "REGION", "AWS::Partition": "aws"}
_PARTS = re.compile("What happened: (.*) What was done: (.*) What to do: (.*)", re.DOTALL)
_HEAD = """# The alarms

Written by `python -m stacks.alarm_page`: what every alarm of `ActivePassive` says, in the order in which they
are defined.  A description carries the command to type; here, account and region stand as `ACCOUNT` and `REGION`, the
address of a queue as `QUEUE_URL`.  [runbook.md](runbook.md) says where to begin.

In AWS an alarm is called `ActivePassive-Alarms`, the heading below, and letters that CloudFormation chose.  When it
ends, the same text comes again with the state `OK`.  Of an alarm about what happens at a moment (`OperationFailed`,
`FenceOverdueA`, `ServingUnseededA`, ...) that means only that it did not happen again within a minute, not that
anything was mended; of one about what lasts (`Paused`, `MonitorSilent`, `Orphans`, ...) it means that this is over.

`ActiveActive` has the same ones with its own names (those that end in `A` once more for `b`, in `B`), and those at the
end of this page.
"""
_OF_STANDBY = """# Of a warm standby

These are the alarms that `ActivePassive` has only with `standby: warm`.
"""
_OF_CERTIFICATES = """# Of encryption in transit

These are the alarms that both have only with `tls.certificate_arn`.
"""
_OF_SEVERAL = """# Of several managed clusters

These are the alarms that only `ActiveActive` has.
"""


def alarm_page(
    one: Mapping[str, Any],
    several: Mapping[str, Any],
    warm: Mapping[str, Any] | None = None,
    encrypted: Mapping[str, Any] | None = None,
) -> str:
    """The page, in Markdown.

    Args:
        one: template of a strategy with one managed cluster.
        several: template of one with several.
        warm: template of one with one managed cluster and a standby.
        encrypted: template of one with one managed cluster and a certificate at its front door.

    Raises:
        ValueError: the description of an alarm does not say what happened, what was done and what to do.
    """
    alarms = _alarms(one)
    known = {name.removesuffix("A") for name in alarms}
    of_standby = {name: text for name, text in _alarms(warm or one).items() if name not in alarms}
    of_certificates = {name: text for name, text in _alarms(encrypted or one).items() if name not in alarms}
    more = {name: text for name, text in _alarms(several).items() if name not in alarms and name[:-1] not in known}
    return "\n".join(
        [
            _HEAD,
            *(_section(name, text) for name, text in alarms.items()),
            *([_OF_STANDBY] if of_standby else []),
            *(_section(name, text) for name, text in of_standby.items()),
            *([_OF_CERTIFICATES] if of_certificates else []),
            *(_section(name, text) for name, text in of_certificates.items()),
            *([_OF_SEVERAL] if more else []),
            *(_section(name, text) for name, text in more.items()),
        ]
    )


def _alarms(template: Mapping[str, Any]) -> dict[str, str]:
    """Every alarm of a template, by its name in the page, as a person reads its description."""
    names = dict(_PSEUDO_PARAMETERS)
    names.update(
        (logical_id, "QUEUE_URL")
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::SQS::Queue"
    )
    return {
        _HASH.sub("", logical_id).removeprefix("Alarms"): _text(resource["Properties"]["AlarmDescription"], names)
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def _section(name: str, text: str) -> str:
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise ValueError(f"the alarm {name} has to say what happened, what was done and what to do, got {text!r}")
    happened, done, to_do = parts.groups()
    return f"## {name}\n\n* **What happened:** {happened}\n* **What was done:** {done}\n* **What to do:** {to_do}\n"


def _text(value: Any, names: Mapping[str, str]) -> str:
    """A description as a person reads it: what it refers to by its name among *names*."""
    match value:
        case str():
            return value
        case {"Ref": str(name)} if name in names:
            return names[name]
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(_text(part, names) for part in parts)
    raise ValueError(f"a description is made of texts, account, region, partition and queues, got {value!r}")


def _templates() -> tuple[Mapping[str, Any], ...]:
    tls = {"certificate_arn": f"arn:aws:acm:us-east-1:111122223333:certificate/{UUID(int=0)}", "host_name": "a.b"}
    encrypted = Settings.parse({"region": "us-east-1", "tls": tls})
    (one, several), (warm, _), (secure, _) = _of(Settings()), _of(Settings(standby="warm")), _of(encrypted)
    return one, several, warm, secure


def _of(settings: Settings) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The templates of both strategies."""
    with tempfile.TemporaryDirectory() as folder:
        flags = json.loads((REPOSITORY / "cdk.json").read_text(encoding="utf-8"))["context"]
        app = App(outdir=folder, context=flags)
        platform = Platform(app, "Platform", settings=settings)
        ActiveActive(app, "ActiveActive", settings=settings, platform=platform)
        ActivePassive(app, "ActivePassive", settings=settings, platform=platform)
        made = app.synth()
        return made.get_stack_by_name("ActivePassive").template, made.get_stack_by_name("ActiveActive").template


if __name__ == "__main__":
    ALARM_PAGE.write_text(alarm_page(*_templates()), encoding="utf-8")
