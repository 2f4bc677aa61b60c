"""What moto's interpreter of state machines needs to run on the drill's time and to end as AWS's does.

moto takes the interpreter from LocalStack.  Each function here takes the place of one symbol of it; the tests hold a
canary for each, so that another moto version cannot change what is replaced without notice.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

import moto.stepfunctions.models as machine_models
import moto.stepfunctions.parser.asl.component.common.retry.retrier_decl as retrier_module
import moto.stepfunctions.parser.asl.component.state.exec.state_task.lambda_eval_utils as lambda_module
import moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service as service_module
import moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk as sdk_module
import moto.stepfunctions.parser.asl.component.state.state as state_module
import moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp as timestamp_module
import moto.stepfunctions.parser.asl.eval.event.event_manager as event_module
import moto.stepfunctions.parser.asl.utils.boto_client as client_module
import moto.stepfunctions.parser.asl.utils.json_path as path_module
import moto.stepfunctions.parser.backend.execution as execution_module
import moto.stepfunctions.parser.models as parser_models
from botocore.exceptions import ClientError
from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import Timeout
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut

from emr_drill.clock import Clock
from emr_drill.stand_in.patching import original, replace

PARSER = "moto.stepfunctions.parser"
# Modules of moto that write dates which an execution shows.
DATED_MODULES = (event_module, execution_module, parser_models, state_module, timestamp_module)
# What Step Functions calls services in resources and in error names, where it differs from boto3's words; without the
# second table no Catch of such an error ever matches.
BOTO_NAMES = {
    "cloudwatchlogs": "logs",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "eventbridge": "events",
}
ERROR_NAMES = {
    "cloudformation": "CloudFormation",
    "ec2": "Ec2",
    "elasticloadbalancingv2": "ElasticLoadBalancingV2",
    "emr": "Emr",
    "s3": "S3",
    "sns": "Sns",
    "ssm": "Ssm",
}
# More than one thing can match these; the other paths are definite.
_INDEFINITE = re.compile(r"[*?:,]|\.\.")

# Function name or ARN, event as JSON text -> answer as JSON text, whether it is an error.
Invoke = Callable[[str, str], tuple[str, bool]]


def use(*, clock: Clock, port: Callable[[], int], invoke: Invoke) -> None:
    """Have moto execute the machines that it is told to create.

    Args:
        clock: the drill's time, which waits, back-off, time limits and dates follow.
        port: gives the port of the stand-in on this machine.
        invoke: runs a function; raises ClientError if Lambda did not run it.
    """
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    # Else CloudFormation puts machines where nothing executes them.
    replace(machine_models, "stepfunctions_backends", parser_models.stepfunctions_parser_backends)
    replace(client_module, "moto_server_port", port)
    service_module.StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.update(BOTO_NAMES)
    sdk_module._SERVICE_ERROR_NAMES.update(ERROR_NAMES)
    _follow_clock(clock)
    _invoke_functions(invoke)
    _keep_how_it_ended()
    _read_definite_paths()


def _follow_clock(clock: Clock) -> None:
    """Waits, back-off and time limits last as long as they say, and dates are right, in the drill's time."""

    def wait(self: WaitFunction, env: Environment, wait_seconds: float) -> None:
        until = clock.now() + wait_seconds
        while env.is_running() and clock.now() < until:
            clock.wait(env.program_state_event, until - clock.now())

    def put_limit(self: Timeout, env: Environment) -> None:
        # A year at most: what stands for "no limit" is more than a thread can wait for at a speed below 1.
        limit = clock.machine_seconds(self._eval_seconds(env=env))
        env.stack.append(min(limit, threading.TIMEOUT_MAX, 366 * 86400))

    def run_program(self: Program, env: Environment) -> None:
        limit = clock.machine_seconds(self.timeout_seconds.timeout_seconds) if self.timeout_seconds else None
        env.next_state_name = self.start_at.start_at_name
        # Not through EvalComponent.eval, which would leave out the last event of what was stopped already.
        worker = threading.Thread(target=self._eval_body, args=(env,), daemon=True)
        worker.start()
        worker.join(timeout=limit)
        if worker.is_alive():
            env.set_timed_out()

    replace(WaitFunction, "_wait_interval", wait)
    replace(Timeout, "_eval_body", put_limit)
    replace(Program, "eval", run_program)
    replace(retrier_module, "time", types.SimpleNamespace(sleep=clock.sleep))
    for module in DATED_MODULES:
        replace(module, "datetime", _datetime_module(clock))
    replace(event_module.EventManager, "_get_current_timestamp", staticmethod(lambda: simulated_date(clock)))


def simulated_date(clock: Clock) -> datetime.datetime:
    """The present date in the drill's time; in words it looks as Step Functions writes it."""
    return _Date.fromtimestamp(clock.now(), datetime.UTC)


class _Date(datetime.datetime):
    def isoformat(self, sep: str = "T", timespec: str = "milliseconds") -> str:
        text = super().isoformat(sep, timespec)
        return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _datetime_module(clock: Clock) -> types.SimpleNamespace:
    class Simulated(_Date):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return _Date.fromtimestamp(clock.now(), tz)

    return types.SimpleNamespace(
        datetime=Simulated, date=datetime.date, timedelta=datetime.timedelta, timezone=datetime.timezone
    )


def _invoke_functions(invoke: Invoke) -> None:
    """Call the function runtime straight; moto would make a client for each call."""

    def invoke_function(parameters: dict[str, Any], region: str, state_credentials: Any) -> dict[str, Any]:
        payload = parameters.get("Payload") or b"{}"
        text, failed = invoke(parameters["FunctionName"], payload.decode() if isinstance(payload, bytes) else payload)
        response = {"ExecutedVersion": "$LATEST", "Payload": json.loads(text), "StatusCode": 200}
        return {**response, "FunctionError": "Unhandled"} if failed else response

    replace(lambda_module, "_invoke_lambda_function", invoke_function)


def client_error(code: str, message: str, status: int) -> ClientError:
    """An error of Lambda as Step Functions reads it; the state's error name becomes ``Lambda.<code>``."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "Invoke",
    )


def _keep_how_it_ended() -> None:
    """What still runs of a stopped execution cannot fail it any more."""
    set_error = original(Environment, "set_error")

    def set_error_unless_ended(self: Environment, error: Any) -> None:
        if not isinstance(self._program_state, (ProgramStopped, ProgramTimedOut)):
            set_error(self, error)

    replace(Environment, "set_error", set_error_unless_ended)


def _read_definite_paths() -> None:
    """``$.a[0].b`` names one value; moto gives a list of it."""
    extract, parse = original(path_module, "extract_json"), original(path_module, "parse")

    def extract_json(path: str, data: Any) -> Any:
        if not _INDEFINITE.search(path):
            matches = parse(path).find(data)
            if len(matches) == 1:
                return matches[0].value
        return extract(path, data)

    for name, module in list(sys.modules.items()):
        if name.startswith(PARSER) and "extract_json" in vars(module):
            replace(module, "extract_json", extract_json)
