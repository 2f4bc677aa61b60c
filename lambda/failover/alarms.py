"""What the alarms say that a change waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from dr_core.bake import AlarmSeen, AlarmState

_NOT_FOUND = (
    "there is no metric alarm of that name in this account and region; a composite alarm cannot be read by whoever "
    "may read named alarms only: name the alarms that it is made of"
)


class AlarmReader(Protocol):
    """CloudWatch's client, as far as it is used here."""

    def describe_alarms(self, *, AlarmNames: Sequence[str], AlarmTypes: Sequence[str]) -> Mapping[str, Any]:
        """Those alarms that exist, of up to 100 names."""
        ...


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """CloudWatch's metric alarms.

    A composite alarm takes the right to read every alarm of the account (CloudWatch API reference, DescribeAlarms).
    """

    client: AlarmReader

    def look(self, names: Sequence[str]) -> list[AlarmSeen]:
        """What each of the alarms *names* says now; one call, and none for no names."""
        if not names:
            return []
        try:
            answer = self.client.describe_alarms(AlarmNames=list(names), AlarmTypes=["MetricAlarm"])
        except (BotoCoreError, ClientError) as error:
            return [AlarmSeen(name=name, state=AlarmState.UNREAD, reason=str(error)) for name in names]
        found = {str(each["AlarmName"]): each for each in answer.get("MetricAlarms", ())}
        return [
            AlarmSeen(
                name=name,
                state=AlarmState(found[name]["StateValue"]),
                reason=str(found[name].get("StateReason") or "CloudWatch gives no reason"),
            )
            if name in found
            else AlarmSeen(name=name, state=AlarmState.UNREAD, reason=_NOT_FOUND)
            for name in names
        ]
