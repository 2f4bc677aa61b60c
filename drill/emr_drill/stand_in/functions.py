"""Lambda: deployed code runs for real, without containers.

moto keeps what is deployed; this module replaces the two places where it would run it by
:class:`emr_drill.stand_in.function_runtime.FunctionRuntime`, and looks at the layers of a template's functions, which
moto drops.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import moto.awslambda.models as lambda_models
from moto.sns.exceptions import SNSNotFoundError
from moto.sns.models import sns_backends
from moto.sqs.exceptions import QueueDoesNotExist
from moto.sqs.models import sqs_backends
from moto.utilities.arns import parse_arn

from emr_drill.stand_in.function_layers import check_layers
from emr_drill.stand_in.function_process import LONGEST_EVENT_AGE_SECONDS, Answer, Function
from emr_drill.stand_in.function_runtime import RETRY_SECONDS, FunctionRuntime
from emr_drill.stand_in.notifications import metric_recorder
from emr_drill.stand_in.patching import original, replace

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

# Attribute of moto's functions, which do not know of any.
DEAD_LETTERS = "emr_drill_dead_letters"

__all__ = ["FunctionRuntime", "function_of", "install", "runtime", "use"]


def function_of(deployed: lambda_models.LambdaFunction) -> Function:
    """What moto keeps of a function, as this module wants it."""
    kept: list[Any] = deployed.event_invoke_config
    asynchronous: dict[str, Any] = kept[-1].config if kept else {}
    return Function(
        name=deployed.function_name,
        arn=deployed.function_arn,
        handler=deployed.handler or "",
        timeout=float(deployed.timeout),
        memory=int(deployed.memory_size),
        environment={name: str(value) for name, value in deployed.environment_vars.items()},
        code_sha256=deployed.code_sha_256,
        code=deployed.code_bytes,
        region=deployed.region,
        role=str(deployed.role or ""),
        version=str(deployed.version),
        concurrency=None if deployed.reserved_concurrency is None else int(deployed.reserved_concurrency),
        runtime=deployed.run_time or "",
        attempts=int(asynchronous.get("MaximumRetryAttempts", len(RETRY_SECONDS))),
        event_age=float(asynchronous.get("MaximumEventAgeInSeconds", LONGEST_EVENT_AGE_SECONDS)),
        dead_letters=str(getattr(deployed, DEAD_LETTERS, "")),
    )


# moto keeps its models in the process, so there is one runtime at a time.
_runtime: FunctionRuntime | None = None


def runtime() -> FunctionRuntime:
    """The runtime of the stand-in that this process runs.

    Raises:
        RuntimeError: :func:`install` was not called.
    """
    if _runtime is None:
        raise RuntimeError("no function runtime is installed; call functions.install first")
    return _runtime


def install(stand_in: StandIn) -> None:
    """Give *stand_in* its function runtime, and have moto run functions by it.

    Each failed invocation is in the journal: ``{"at", "kind": "function failed", "function", "error", "message"}``, and
    each event that was given up: ``{"at", "kind": "event dropped", "function", "event", "dead_letters"}``.
    """

    def tell(name: str, answer: Answer) -> None:
        error = json.loads(answer.payload)
        stand_in.journal.append(
            {
                "at": stand_in.clock.now(),
                "kind": "function failed",
                "function": name,
                "error": error.get("errorType", ""),
                "message": error.get("errorMessage", ""),
            }
        )

    def drop(function: Function, event: str) -> None:
        stand_in.journal.append(
            {
                "at": stand_in.clock.now(),
                "kind": "event dropped",
                "function": function.name,
                "event": event,
                "dead_letters": function.dead_letters,
            }
        )
        if function.dead_letters:
            send_to_dead_letters(function.dead_letters, event)

    use(
        FunctionRuntime(
            clock=stand_in.clock,
            timing=stand_in.timing,
            workdir=stand_in.workdir,
            endpoint=lambda: stand_in.endpoint,
            on_log_line=metric_recorder(stand_in.journal),
            on_failure=tell,
            on_dropped=drop,
            crashes=stand_in.crashes,
            deliveries=stand_in.deliveries,
        )
    )
    stand_in.functions = runtime()


def use(new: FunctionRuntime) -> None:
    """Have moto run functions by *new*."""
    global _runtime
    _runtime = new
    replace(lambda_models.LambdaFunction, "_invoke_lambda", _invoke_lambda)
    replace(lambda_models.LambdaFunction, "invoke", _invoke)
    replace(lambda_models.LambdaFunction, "create_from_cloudformation_json", classmethod(_create))


def _create(
    cls: type[lambda_models.LambdaFunction],
    /,
    resource_name: str,
    cloudformation_json: Any,
    account_id: str,
    region_name: str,
    **named: Any,
) -> lambda_models.LambdaFunction:
    """In place of ``LambdaFunction.create_from_cloudformation_json``, which never reads ``Layers``."""
    properties = cloudformation_json["Properties"]
    check_layers(
        properties.get("Layers") or (),
        runtime=str(properties.get("Runtime") or ""),
        region=region_name,
        architecture=str((properties.get("Architectures") or ["x86_64"])[0]),
    )
    create = original(lambda_models.LambdaFunction, "create_from_cloudformation_json").__func__
    made: lambda_models.LambdaFunction = create(
        cls, resource_name, cloudformation_json, account_id, region_name, **named
    )
    setattr(made, DEAD_LETTERS, (properties.get("DeadLetterConfig") or {}).get("TargetArn", ""))
    return made


def send_to_dead_letters(arn: str, event: str) -> None:
    """Put an event that was given up where a person finds it, as Lambda does.

    A queue or topic that went with its stack takes it no more; Lambda tells nobody then either, but for a metric.
    """
    place = parse_arn(arn)
    with contextlib.suppress(QueueDoesNotExist, SNSNotFoundError):
        if place.service == "sns":
            sns_backends[place.account][place.region].publish(message=event, arn=arn)
        else:
            sqs_backends[place.account][place.region].send_message(place.resource_id, message_body=event)


def _invoke_lambda(self: lambda_models.LambdaFunction, event: str | None = None) -> tuple[str, bool, str]:
    """In place of ``LambdaFunction._invoke_lambda``, which starts a container; moto's own callers use it."""
    text = event if isinstance(event, str) else json.dumps(event)
    answer = runtime().invoke(function_of(self), text or "{}")
    return answer.payload, answer.failed, ""


def _invoke(
    self: lambda_models.LambdaFunction, body: str | bytes, request_headers: Any, response_headers: Any
) -> str | bytes:
    """In place of ``LambdaFunction.invoke``, which waits for the answer whatever the invocation type is."""
    event = (body.decode() if isinstance(body, bytes) else body) or "{}"
    headers = {str(name).lower(): value for name, value in dict(request_headers).items()}
    kind = headers.get("x-amz-invocation-type", "RequestResponse")
    if kind == "DryRun":
        return ""
    if kind == "Event":
        runtime().invoke_later(function_of(self), event)
        return ""
    answer = runtime().invoke(function_of(self), event)
    if answer.failed:
        response_headers["x-amz-function-error"] = "Unhandled"
    response_headers["x-amz-executed-version"] = str(self.version)
    return answer.payload.encode()
