"""The stand-in for AWS: one object that starts everything and stops everything."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.ports import PrimaryFactory
from emr_drill.stand_in import cloudformation, economy, network_dependencies
from emr_drill.stand_in.api_faults import ApiFaults
from emr_drill.stand_in.crashes import Crashes
from emr_drill.stand_in.custom_resources import ResponseDesk
from emr_drill.stand_in.deliveries import Deliveries
from emr_drill.stand_in.guard import Guard
from emr_drill.stand_in.http_server import HOST, HttpServer, moto_application
from emr_drill.stand_in.latency import INTERNAL_HEADER, ApiCallLatency
from emr_drill.stand_in.serialization import Serialization
from emr_drill.timing import Timing

if TYPE_CHECKING:
    from emr_drill.encryption import Encryption
    from emr_drill.stand_in.cloudformation import Stacks
    from emr_drill.stand_in.emr import EmrClusters
    from emr_drill.stand_in.event_bus import EventBus
    from emr_drill.stand_in.functions import FunctionRuntime
    from emr_drill.stand_in.load_balancers import LoadBalancers
    from emr_drill.stand_in.outages import Outages
    from emr_drill.stand_in.schedules import Schedules
    from emr_drill.stand_in.step_functions import StateMachines

ACCOUNT = "123456789012"  # moto's own, which it takes for every caller with made-up credentials
# Each of these modules of this package has `install(stand_in)`; the order is that of their needs.
PARTS = (
    *("event_bus", "notifications", "functions", "step_functions", "schedules", "load_balancers", "emr", "outages"),
    "trail",
)
# Closed in this order, so that nothing starts anew what was stopped before.
CLOSED = ("schedules", "stacks", "state_machines", "event_bus", "functions", "load_balancers", "clusters")
LOG_FILE = "aws.log"
READ_TIMEOUT_SECONDS = 900  # machine time; Lambda's longest run is the longest call


class StandIn:
    """AWS on this machine, from ``with StandIn(...)`` to the end of the block.  One at a time in a process.

    Attributes:
        clock: simulated time.
        timing: how long things take.
        addresses: where things listen.
        workdir: files of this drill.
        primaries: makes the machines behind clusters.
        account: the only account.
        region: the only region.
        inert_types: resource types of deployed templates that are accepted and do nothing.
        api_faults: calls that are refused, slow, or whose answer is lost.
        crashes: functions that shall die.
        guard: asks the policies of whoever calls.
        deliveries: how often and how late events and asynchronous invocations come.
        encryption: the authority of this drill, where TLS is spoken.
        journal: what happened, as dictionaries with ``at`` (simulated seconds since 1970) and ``kind``.
    """

    functions: FunctionRuntime
    event_bus: EventBus
    state_machines: StateMachines
    schedules: Schedules
    load_balancers: LoadBalancers
    clusters: EmrClusters
    outages: Outages
    stacks: Stacks
    responses: ResponseDesk
    encryption: Encryption | None = None

    def __init__(
        self,
        *,
        clock: Clock,
        timing: Timing,
        addresses: Addresses,
        workdir: Path,
        primaries: PrimaryFactory,
        region: str = "us-east-1",
        parts: Sequence[str] = PARTS,
    ) -> None:
        """Prepare a stand-in; nothing runs before the ``with`` block.

        Args:
            clock: simulated time.
            timing: how long things take.
            addresses: the block of loopback addresses.
            workdir: an existing directory.
            primaries: makes the machines behind clusters.
            region: the region that everything is in.
            parts: modules of this package to install; tests leave some out.
        """
        self.clock = clock
        self.timing = timing
        self.addresses = addresses
        self.workdir = workdir
        self.primaries = primaries
        self.account = ACCOUNT
        self.region = region
        self.inert_types: set[str] = set()
        self.journal: list[dict[str, Any]] = []
        self.api_faults = ApiFaults(clock=clock, journal=self.journal, seed=timing.seed)
        self.crashes = Crashes(now=clock.now, journal=self.journal)
        self.guard = Guard(self)
        self.deliveries = Deliveries(clock)
        self._parts = tuple(parts)
        self._server: HttpServer | None = None
        self._log: logging.FileHandler | None = None
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        """URL of every AWS API.

        Raises:
            RuntimeError: outside the ``with`` block.
        """
        if self._server is None:
            raise RuntimeError("the stand-in has an address only inside its `with` block")
        return f"http://{HOST}:{self._server.port}"

    def double_events(self, on: bool = True, *, late: float = 0.0) -> None:
        """Deliver every event, firing of a schedule and asynchronous invocation twice from now on, or once again.

        Args:
            on: whether twice.
            late: how much later the second one comes, simulated seconds.
        """
        self.deliveries.double(on, late=late)

    def client(self, service: str) -> Any:
        """A boto3 client of *service* for the drill itself: its calls take no simulated time and are not retried."""
        with self._clients_lock:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    def __enter__(self) -> Self:
        reset_moto()
        economy.install()
        self._log_to_file()
        self.responses = ResponseDesk(moto_application())
        guarded = self.guard.middleware(Serialization(self.responses))
        served = self.api_faults.middleware(self.crashes.middleware(guarded))
        latency = ApiCallLatency(served, clock=self.clock, timing=self.timing)
        self._server = HttpServer(latency)
        try:
            # moto's interpreter of state machines calls http://localhost:$MOTO_PORT.
            os.environ["MOTO_PORT"] = str(self._server.port)
            network_dependencies.install(self)
            cloudformation.install(self)
            for part in self._parts:
                install: Callable[[StandIn], None] = importlib.import_module(f"{__package__}.{part}").install
                install(self)
            self._server.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything.  May be called more than once."""
        failures = []
        for name in CLOSED:
            part = getattr(self, name, None)
            if part is None or not hasattr(part, "close"):
                continue
            try:
                part.close()
            except Exception as error:  # noqa: BLE001 - the others must be stopped all the same
                failures.append(error)
        if self._server is not None:
            self._server.stop()
        cloudformation.uninstall()
        network_dependencies.uninstall()
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        os.environ.pop("MOTO_PORT", None)
        if self._log is not None:
            logging.getLogger("moto").removeHandler(self._log)
            self._log.close()
            self._log = None
        if failures:
            raise ExceptionGroup("parts of the stand-in did not stop", failures)

    def _log_to_file(self) -> None:
        """moto's state machines log each failed task; the report tells what of it matters."""
        logger = logging.getLogger("moto")
        self._log = logging.FileHandler(self.workdir / LOG_FILE, delay=True)
        logger.addHandler(self._log)
        logger.propagate = False

    def _make_client(self, service: str) -> Any:
        client: Any = _session().client(
            service,  # type: ignore[call-overload]
            region_name=self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            endpoint_url=self.endpoint,
            config=Config(
                retries={"total_max_attempts": 1},
                read_timeout=READ_TIMEOUT_SECONDS,
                max_pool_connections=50,
                s3={"addressing_style": "path"},
            ),
        )

        def mark(params: dict[str, Any], **_: Any) -> None:
            params["headers"][INTERNAL_HEADER] = "1"

        client.meta.events.register("before-call", mark)
        return client


@functools.cache
def _session() -> boto3.session.Session:
    """One for the process, which keeps the descriptions of services that it has read."""
    return boto3.session.Session()


def reset_moto() -> None:
    """Forget everything that moto keeps in this process."""
    BackendDict.reset()
    reset_model_data()
