"""A stand-in that has what functions, machines, rules and schedules need, and a moto server to call."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import boto3
from botocore.config import Config
from moto.moto_api._internal.models import moto_api_backend
from moto.server import ThreadedMotoServer

from emr_drill.clock import Clock
from emr_drill.stand_in import event_bus, functions, notifications, schedules, step_functions
from emr_drill.stand_in.api_faults import ApiFaults
from emr_drill.stand_in.crashes import Crashes
from emr_drill.stand_in.deliveries import Deliveries
from emr_drill.stand_in.function_process import Function
from emr_drill.stand_in.function_runtime import FunctionRuntime
from emr_drill.timing import Timing

ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
# How long a test waits for something to happen, in machine seconds; never an expectation.
PATIENCE_SECONDS = 30.0


class FakeStandIn:
    """The attributes of the stand-in that its parts are given or set."""

    def __init__(self, workdir: Path, *, speed: float) -> None:
        self.clock = Clock.start(speed=speed)
        self.timing = Timing(seed=1)
        self.workdir = workdir
        self.account = ACCOUNT
        self.region = REGION
        self.endpoint = ""
        self.journal: list[dict[str, Any]] = []
        self.api_faults = ApiFaults(clock=self.clock, journal=self.journal, seed=1)
        self.deliveries = Deliveries(self.clock)
        self.crashes = Crashes(now=self.clock.now, journal=self.journal)
        self._clients: dict[str, Any] = {}
        self.functions: FunctionRuntime
        self.event_bus: event_bus.EventBus
        self.schedules: schedules.Schedules
        self.state_machines: step_functions.StateMachines

    def client(self, service: str) -> Any:
        """A boto3 client of this stand-in."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                cast(Any, service),
                region_name=REGION,
                endpoint_url=self.endpoint,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}),
            )
        return self._clients[service]

    def deploy(self, name: str, code: str, **settings: Any) -> str:
        """Create a function whose module ``handler`` is *code*; its ARN."""
        return str(
            self.client("lambda").create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=ROLE,
                Handler="handler.handler",
                Code={"ZipFile": package({"handler.py": code})},
                **{"Timeout": 600, **settings},
            )["FunctionArn"]
        )

    def start(self, definition: dict[str, Any], *, data: Any = None) -> str:
        """Create a state machine and start one execution of it; its ARN."""
        states = self.client("stepfunctions")
        name = f"machine-{uuid.uuid4()}"
        machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        return str(
            states.start_execution(
                stateMachineArn=machine["stateMachineArn"], name="one", input=json.dumps(data or {})
            )["executionArn"]
        )

    def execution(self, arn: str) -> step_functions.ExecutionView:
        """What the stand-in tells of an execution that :meth:`start` started."""
        (view,) = self.state_machines.executions(arn.split(":")[6])
        return view

    def finished(self, execution: str) -> dict[str, Any]:
        """What DescribeExecution says once the execution has ended."""
        states = self.client("stepfunctions")
        wait_until(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
        return cast(dict[str, Any], states.describe_execution(executionArn=execution))


@contextmanager
def fake_stand_in(workdir: Path, *, speed: float = 100) -> Iterator[FakeStandIn]:
    """A running fake with an empty moto behind it."""
    moto_api_backend.reset()
    fake = FakeStandIn(workdir, speed=speed)
    stand_in = cast(Any, fake)
    event_bus.install(stand_in)
    functions.install(stand_in)
    step_functions.install(stand_in)
    schedules.install(stand_in)
    notifications.install(stand_in)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        fake.endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
        fake.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
        yield fake
    finally:
        fake.schedules.close()
        fake.state_machines.close()
        fake.functions.close()
        server.stop()


def package(files: dict[str, str]) -> bytes:
    """A zip of *files*, path to content."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return content.getvalue()


def function(code: str, *, name: str = "example", sha: str = "", **settings: Any) -> Function:
    """A function whose module ``handler`` is *code*."""
    return Function(
        name=name,
        arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
        handler=settings.pop("handler", "handler.handler"),
        timeout=settings.pop("timeout", 600),
        code_sha256=sha or f"{hash(code):x}",
        code=package({"handler.py": code}),
        **settings,
    )


def wait_until(condition: Callable[[], object]) -> None:
    """Return once *condition* holds.

    Raises:
        AssertionError: it does not come to hold.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "what the test waits for did not happen"
        time.sleep(0.005)
