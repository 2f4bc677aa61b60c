"""Step Functions: the deployed machines run, and everybody can see what became of them.

:mod:`emr_drill.stand_in.interpreter` makes moto's interpreter fit; here is what surrounds one execution: its start, its
end, the events about both, and what it leaves for the report.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import lambda_backends
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends
from moto.stepfunctions.responses import StepFunctionResponse

from emr_drill.clock import Clock
from emr_drill.stand_in import functions, interpreter
from emr_drill.stand_in.api_faults import ApiFaults
from emr_drill.stand_in.event_bus import EventBus
from emr_drill.stand_in.patching import original, replace
from emr_drill.timing import Event, Timing

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

# A stop that comes before the interpreter has taken its first step waits this long for it, in machine seconds.
FIRST_STEP_LIMIT_SECONDS = 5.0
INVOKE = "lambda:Invoke"
# Codes that Step Functions has other names for ("Handling error conditions", and reports of denied invocations).
_NAMES = {"AccessDeniedException": "AWSLambdaException", "500": "ServiceException"}


class StateVisit(NamedTuple):
    """One stay of an execution in one state.

    Attributes:
        name: the state's name.
        entered: seconds since 1970 in the drill's time.
        exited: the same; None while the execution is in the state.
    """

    name: str
    entered: float
    exited: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionView:
    """What DescribeExecution would tell, with times in seconds since 1970 in the drill's time."""

    arn: str
    name: str
    status: str
    started: float
    stopped: float | None
    input: Any
    output: Any
    error: str | None
    cause: str | None


class StateMachines:
    """The state machines of one account and region."""

    def __init__(
        self,
        *,
        clock: Clock,
        timing: Timing,
        events: EventBus,
        account: str,
        region: str,
        port: Callable[[], int],
        faults: ApiFaults | None = None,
    ) -> None:
        """Have moto execute machines.

        Args:
            clock: the drill's time.
            timing: how long the call of a function takes, as an AWS API call.
            events: where changes of an execution's status are published.
            account: AWS account id.
            region: AWS region.
            port: gives the port of the stand-in on this machine.
            faults: what may happen to the calls of functions; nothing by default.
        """
        self._clock = clock
        self._faults = faults or ApiFaults(clock=clock, journal=[], seed=timing.seed)
        self._timing = timing
        self._events = events
        self._account = account
        self._region = region
        self._closed = False
        self._started: list[Execution] = []
        interpreter.use(clock=clock, port=port, invoke=self._invoke)
        self._watch_executions()

    def executions(self, machine: str) -> list[ExecutionView]:
        """The executions of the machine of that name, oldest first; none if there is no such machine."""
        for candidate in list(self._backend.state_machines):
            if candidate.name == machine:
                return [_view(execution) for execution in list(candidate.executions)]
        return []

    def running(self) -> list[str]:
        """ARNs of the executions that run, also of machines that were deleted since they began."""
        return [one.exec_arn for one in list(self._started) if one.status == ExecutionStatus.RUNNING.value]

    def history(self, execution_arn: str) -> list[StateVisit]:
        """The states that an execution went through, in order.

        A state that was left without a word (because the execution failed, or was stopped) counts as left at the
        execution's end.
        """
        execution: Any = self._backend.describe_execution(execution_arn)
        events = execution.to_history_output()["events"]
        stopped = None if execution.stop_date is None else execution.stop_date.timestamp()
        visits: list[StateVisit] = []
        for event in events:
            at = datetime.fromisoformat(str(event["timestamp"])).timestamp()
            if entered := event.get("stateEnteredEventDetails"):
                visits.append(StateVisit(entered["name"], at, stopped))
            elif event.get("stateExitedEventDetails") and visits:
                visits[-1] = visits[-1]._replace(exited=at)
        return visits

    def close(self) -> None:
        """Let no execution take another step, and tell nobody.  May be called more than once."""
        self._closed = True
        for machine in list(self._backend.state_machines):
            for execution in list(machine.executions):
                if execution.exec_status is ExecutionStatus.RUNNING:
                    execution.stop(stop_date=None, error="Closed", cause="the drill is over")

    @property
    def _backend(self) -> Any:
        return stepfunctions_parser_backends[self._account][self._region]

    def _invoke(self, function_name: str, event: str) -> tuple[str, bool]:
        self._clock.sleep(self._timing.draw(Event.API_CALL, "lambda:invoke by a state machine"))
        try:
            function = lambda_backends[self._account][self._region].get_function(function_name)
            answer = self._faults.call(
                INVOKE, lambda: functions.runtime().invoke(functions.function_of(function), event)
            )
        except LambdaClientError as error:
            raise interpreter.client_error(error.error_type, error.message, error.code or 500) from error
        except ClientError as error:
            found = error.response.get("Error", {})
            code = found.get("Code", "")
            raise interpreter.client_error(_NAMES.get(code, code), found.get("Message", ""), 500) from error
        except BotoCoreError as error:
            raise interpreter.client_error("SdkClientException", str(error), 500) from error
        return answer.payload, answer.failed

    def _watch_executions(self) -> None:
        lock = threading.RLock()
        start_execution = original(StepFunctionsParserBackend, "start_execution")
        start = original(Execution, "start")
        machines = self

        def start_one_execution(
            self: Any, state_machine_arn: str, name: str | None = None, *arguments: Any, **named: Any
        ) -> Any:
            with lock:  # two starts by one name at the same time are one start
                return start_execution(self, state_machine_arn, name or str(uuid.uuid4()), *arguments, **named)

        def start_and_tell(self: Execution) -> None:
            machines._started.append(self)
            start(self)
            machines._publish(self)

        def stop(self: Execution, stop_date: Any, error: str | None, cause: str | None) -> None:
            with lock:
                if self.exec_status is not ExecutionStatus.RUNNING:
                    return
                self.stop_date = interpreter.simulated_date(machines._clock)
                self.error, self.cause = error or None, cause or None
                self.exec_status = ExecutionStatus.ABORTED
            _interrupt(self)
            machines._publish(self)

        def terminated(self: Any) -> None:
            with lock:
                if self.execution.exec_status is not ExecutionStatus.RUNNING:
                    return  # it was stopped, and that was told
                self._reflect_execution_status()
            machines._publish(self.execution)

        def stop_execution(self: Any) -> ActionResult:
            execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
            execution.stop(stop_date=None, error=self._get_param("error"), cause=self._get_param("cause"))
            return ActionResult({"stopDate": execution.stop_date})

        def status(self: Execution) -> str:
            return str((self.exec_status or ExecutionStatus.RUNNING).value)  # moto has none for a moment

        replace(StepFunctionsParserBackend, "start_execution", start_one_execution)
        replace(StepFunctionResponse, "stop_execution", stop_execution)
        replace(BaseExecutionWorkerCommunication, "terminated", terminated)
        replace(Execution, "start", start_and_tell)
        replace(Execution, "stop", stop)
        replace(Execution, "status", property(status))

    def _publish(self, execution: Execution) -> None:
        """Tell EventBridge: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html."""
        if self._closed:
            return
        view = _view(execution)
        output = None if view.output is None else to_json_str(view.output)
        self._events.publish(
            source="aws.states",
            detail_type="Step Functions Execution Status Change",
            resources=[view.arn],
            detail={
                "executionArn": view.arn,
                "stateMachineArn": execution.state_machine_arn,
                "stateMachineVersionArn": None,
                "stateMachineAliasArn": None,
                "name": view.name,
                "status": view.status,
                "startDate": int(view.started * 1000),
                "stopDate": None if view.stopped is None else int(view.stopped * 1000),
                "input": execution.execution_input,
                "inputDetails": {"included": True},
                "output": output,
                "outputDetails": None if output is None else {"included": True},
                "error": view.error,
                "cause": view.cause,
                "redriveCount": 0,
                "redriveDate": None,
                "redriveStatus": "NOT_REDRIVABLE" if view.status in ("RUNNING", "SUCCEEDED") else "REDRIVABLE",
                "redriveStatusReason": None,
            },
        )


def _view(execution: Execution) -> ExecutionView:
    return ExecutionView(
        arn=execution.exec_arn,
        name=execution.name,
        status=execution.status,
        started=execution.start_date.timestamp(),
        stopped=None if execution.stop_date is None else execution.stop_date.timestamp(),
        input=execution.input_data,
        output=execution.output,
        error=execution.error,
        cause=execution.cause,
    )


def _interrupt(execution: Any) -> None:
    """Let the interpreter take no further step.  A function that runs meanwhile runs on, as on AWS."""
    worker = execution.exec_worker
    deadline = time.monotonic() + FIRST_STEP_LIMIT_SECONDS
    while worker.env is None or worker.env.program_state() is None:
        if time.monotonic() > deadline:
            return
        time.sleep(0.002)
    worker.env.set_stop(stop_date=execution.stop_date, error=execution.error, cause=execution.cause)


def install(stand_in: StandIn) -> None:
    """Give *stand_in* its state machines."""
    stand_in.state_machines = StateMachines(
        clock=stand_in.clock,
        timing=stand_in.timing,
        events=stand_in.event_bus,
        account=stand_in.account,
        region=stand_in.region,
        port=lambda: urlsplit(stand_in.endpoint).port or 80,
        faults=getattr(stand_in, "api_faults", None),  # tests leave it out
    )
