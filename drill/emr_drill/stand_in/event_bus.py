"""EventBridge: rules pass events on to functions, state machines, topics and queues.

moto keeps buses, rules and targets and matches patterns; it delivers to queues and log groups only and puts values into
input templates in its own way.  This module delivers, in a thread for each target, because a service that publishes
does not wait for whom the event reaches.
"""

from __future__ import annotations

import copy
import datetime
import functools
import json
import logging
import re
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import moto.events.models as events_models
from moto.awslambda.models import lambda_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.utilities.arns import parse_arn

from emr_drill.clock import Clock
from emr_drill.stand_in import functions
from emr_drill.stand_in.deliveries import Deliveries
from emr_drill.stand_in.patching import original, replace

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

LOG = logging.getLogger(__name__)
DELIVERED = ("lambda", "states", "sns", "sqs")
# moto keeps its rules in the process, so there is one bus at a time.
_deliveries: Deliveries | None = None


class EventBus:
    """The default event bus of one account and region, as the services of the stand-in see it."""

    def __init__(self, *, clock: Clock, account: str, region: str, deliveries: Deliveries | None = None) -> None:
        """Have moto's rules deliver.

        Args:
            clock: the drill's time, for the events' ``time``.
            account: AWS account id.
            region: AWS region.
            deliveries: how often and how late an event comes; once and at once by default.
        """
        global _deliveries
        _deliveries = deliveries or Deliveries(clock)
        self._clock = clock
        self._account = account
        self._region = region

        put = original(events_models.EventsBackend, "put_events")

        def put_events(self: events_models.EventsBackend, events: list[dict[str, Any]]) -> Any:
            return put(self, [{"Time": clock.now(), **event} for event in events])

        replace(events_models.EventsBackend, "put_events", put_events)
        replace(events_models.Rule, "send_to_targets", send_to_targets)

    def publish(
        self, *, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str] = ()
    ) -> None:
        """Publish an event as a service of AWS does.

        Args:
            source: ``aws.states``, ``aws.emr``, ...
            detail_type: as in the service's documentation.
            detail: plain values.
            resources: ARNs of what it is about.
        """
        event: Any = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": self._account,
            "time": self._clock.now(),
            "region": self._region,
            "resources": list(resources),
            "detail": json.loads(json.dumps(detail)),
            "ingestion-time": self._clock.now(),
        }
        bus = events_models.events_backends[self._account][self._region].describe_event_bus("default")
        for rule in list(bus.rules.values()):  # a copy, for stacks may be adding rules
            rule.send_to_targets(event)


def install(stand_in: StandIn) -> None:
    """Give *stand_in* its event bus."""
    stand_in.event_bus = EventBus(
        clock=stand_in.clock, account=stand_in.account, region=stand_in.region, deliveries=stand_in.deliveries
    )


def send_to_targets(self: events_models.Rule, original_event: Any, transform_input: bool = True) -> None:
    """In place of ``Rule.send_to_targets``: deliver *original_event* to the targets of an enabled rule it matches."""
    has_pattern = bool(self.event_pattern.get_pattern())  # else it is a rule with a schedule, and matches nothing
    if self.state != "ENABLED" or not has_pattern or not self.event_pattern.matches_event(original_event):
        return
    ours = [target for target in self.targets if parse_arn(target["Arn"]).service in DELIVERED]
    for target in ours:
        text = target_input(target, _as_delivered(original_event))
        work = functools.partial(_deliver, target, text)
        if _deliveries is None or parse_arn(target["Arn"]).service == "lambda":  # an asynchronous invocation, see there
            threading.Thread(target=work, daemon=True, name=f"rule {self.name}").start()
        else:
            _deliveries.deliver(work, name=f"rule {self.name}")
    if len(ours) < len(self.targets):
        rest = copy.copy(self)
        rest.targets = [target for target in self.targets if target not in ours]
        try:
            original(events_models.Rule, "send_to_targets")(rest, original_event, transform_input)
        except NotImplementedError:  # the service that publishes is none the worse for it
            LOG.warning("rule %s has targets that the drill cannot deliver to", self.name)


def target_input(target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """What a target receives for *event*: JSON text, or plain text if the target's template is plain text.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html

    Args:
        target: as PutTargets takes it, with ``Input``, ``InputPath``, ``InputTransformer`` or none of them.
        event: the whole event.
    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(_look_up(target["InputPath"], event))
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event)
    values = {name: _look_up(path, event) for name, path in transformer.get("InputPathsMap", {}).items()}
    values |= {"aws.events.event": event, "aws.events.event.json": event}
    return _fill(transformer["InputTemplate"], values)


def _fill(template: str, values: Mapping[str, Any]) -> str:
    """Put *values* into ``<name>`` places: as JSON, or as bare text where the place is inside a JSON string."""
    filled, quoted, position = "", False, 0
    for place in re.finditer(r"<([A-Za-z0-9_.-]+)>", template):
        if place[1] not in values:
            continue
        before = template[position : place.start()]
        quoted ^= len(re.findall(r'(?<!\\)"', before)) % 2 == 1
        value = values[place[1]]
        as_json = json.dumps(value)
        bare = as_json[1:-1] if isinstance(value, str) else json.dumps(as_json)[1:-1]
        filled += before + (bare if quoted else as_json)
        position = place.end()
    return filled + template[position:]


def _look_up(path: str, event: Mapping[str, Any]) -> Any:
    """The value that ``$.a.b`` names in *event*, None if there is none, as EventBridge has it."""
    value: Any = event
    for key in path.removeprefix("$").split(".")[1:]:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _as_delivered(event: Mapping[str, Any]) -> dict[str, Any]:
    """*event* with the time in words, as targets see it, and without moto's own additions."""
    at = event.get("time")
    text = at if isinstance(at, str) else f"{datetime.datetime.fromtimestamp(at or 0, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {key: value for key, value in event.items() if key != "ingestion-time"} | {"time": text}


def _deliver(target: Mapping[str, Any], text: str) -> None:
    arn = parse_arn(target["Arn"])
    try:
        if arn.service == "lambda":
            function = lambda_backends[arn.account][arn.region].get_function(target["Arn"])
            functions.runtime().invoke_later(functions.function_of(function), text)
        elif arn.service == "states":
            machines = stepfunctions_parser_backends[arn.account][arn.region]
            machines.start_execution(target["Arn"], str(uuid.uuid4()), text)
        elif arn.service == "sns":
            sns_backends[arn.account][arn.region].publish(message=text, arn=target["Arn"])
        else:
            group = target.get("SqsParameters", {}).get("MessageGroupId")
            sqs_backends[arn.account][arn.region].send_message(arn.resource_id, message_body=text, group_id=group)
    except Exception:  # a thread's end: EventBridge would put the event into a dead-letter queue
        LOG.exception("an event did not reach %s", target["Arn"])
