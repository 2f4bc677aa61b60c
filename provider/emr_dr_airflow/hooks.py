"""The hook: Livy through the connection of the stock hook, with a time limit on every call."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from typing import Any, Self, TypeVar

import requests
from airflow.exceptions import AirflowException
from airflow.providers.apache.livy.hooks.livy import LivyHook
from requests_toolbelt.adapters.socket_options import TCPKeepAliveAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from emr_dr_airflow.decisions.wire import Answer, Ask, Flow, Say, Wait

T = TypeVar("T")

# To connect, and between two bytes of an answer.  The load balancer gives up on a silent cluster after 25 s and says
# so: its word is better than none.
CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
Timeout = tuple[float, float]

# The keys of a connection's extra that are ours; any other one that requests does not know is sent as a header.
HISTORY_URL = "spark_history_url"
INSTALLATION = "installation"
OWN_EXTRAS = (HISTORY_URL, INSTALLATION)
# What every process of an environment of MWAA has of its account, region and name, which is unique within the others
# (`mwaa/config/setup_environment.py` of the published images).
ENVIRONMENT = ("CUSTOMER_ACCOUNT_ID", "AWS_REGION", "AIRFLOW_ENV_NAME")

# A request whose bytes nobody acknowledges for so long is taken back: it must not arrive when its answer is not waited
# for any more, and its name has been looked up already.
_UNHEARD_MILLISECONDS = 10_000
_KEEP_ALIVE = {"idle": 120, "count": 20, "interval": 30}  # as the HTTP hook has it
_SHOWN_CHARACTERS = 500
# A task that is being killed is not slept through.
_NAP_SECONDS = 1.0


class NoConnection(AirflowException):
    """The connection cannot be read: there is none, or who has it does not answer; Airflow does not tell which."""


class Killed(AirflowException):
    """The task is being killed: what it did is stopped."""


class _Adapter(TCPKeepAliveAdapter):
    """Gives up on a connection that nobody hears."""

    socket_options: list[Any]

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # not on macOS
            option = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNHEARD_MILLISECONDS)
            self.socket_options = [*self.socket_options, option]
        super().init_poolmanager(*args, **kwargs)


class EmrLivyHook(LivyHook):
    """Livy behind a front door.

    Takes everything from the connection that the stock hook takes: host, port, schema, login, and in its extra
    ``timeout``, ``verify``, ``cert``, ``proxies`` and headers.  ``spark_history_url`` in the extra is for the link in
    the task view, and ``installation`` tells this Airflow from others on the same front door; neither is sent.

    The connection is read once: a job may be followed for hours, and the secrets backend is asked over a network.
    """

    extra_options: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keep_alive_adapter = _Adapter(**_KEEP_ALIVE)
        self._session: requests.Session | None = None
        self._limit: Timeout | None = None
        self._connection: Any = None
        # Of this hook alone: the class's own stays for whoever has no hook yet.
        self.get_connection = self._get_connection

    def _get_connection(self, conn_id: str) -> Any:
        """A connection; the own one as it was at first.

        Raises:
            NoConnection: the own one cannot be read.
        """
        if conn_id != self.http_conn_id:
            return super().get_connection(conn_id)
        if self._connection is None:
            try:
                self._connection = super().get_connection(conn_id)
            except Exception as error:
                raise NoConnection(f"the connection {conn_id} cannot be read: {error}") from error
        return self._connection

    def check(self) -> None:
        """Read the connection, if that was not done yet.

        Raises:
            NoConnection: it cannot be read.
        """
        self.get_connection(self.http_conn_id)

    def like(self, other: EmrLivyHook) -> Self:
        """With what *other* has read of the same connection."""
        self._connection = other._connection
        return self

    def get_conn(self, headers: Any = None, extra_options: Any = None) -> requests.Session:
        """A session with what connection and operator say; see the stock hook."""
        options: dict[str, Any] = dict(extra_options or {})
        session: requests.Session = super().get_conn(headers, dict(options))
        for key in OWN_EXTRAS:
            session.headers.pop(key, None)
        # Version 5.3.0 of the HTTP provider looks at these only where the connection has an extra.
        verify: bool | str = options.get("verify", options.get("verify_ssl", session.verify))
        session.verify = verify
        session.cert = options.get("cert", session.cert)
        session.proxies = options.get("proxies", options.get("proxy", session.proxies)) or {}
        return session

    def run_method(self, *args: Any, **kwargs: Any) -> Any:
        """One request of the stock hook's own methods, with a time limit and with options that it cannot change."""
        given = self.extra_options
        self.extra_options = {"check_response": False, **given, "timeout": self.timeout()}
        try:
            return super().run_method(*args, **kwargs)
        finally:
            self.extra_options = given

    def timeout(self) -> Timeout:
        """The limits of one call, seconds: what the operator says, else the connection, else our own; always some.

        One number is how long an answer is waited for; nobody takes longer to be connected to.
        """
        for options in (self.extra_options, self.get_connection(self.http_conn_id).extra_dejson):
            given = options.get("timeout")
            if given is not None:
                return _checked(given)
        return CONNECT_SECONDS, READ_SECONDS

    def history_url(self) -> str:
        """The pattern of links to the history server, empty if the connection has none or cannot be read."""
        try:
            return str(self.get_connection(self.http_conn_id).extra_dejson.get(HISTORY_URL) or "")
        except Exception as error:  # noqa: BLE001 - no job fails for want of a link
            self.log.warning("There is no link to the history server: %s", error)
            return ""

    def installation(self) -> str:
        """Which Airflow this is: what the connection says, else the environment of MWAA, else empty.

        Raises:
            NoConnection: the connection cannot be read.
        """
        given = self.get_connection(self.http_conn_id).extra_dejson.get(INSTALLATION)
        if given or not os.environ.get(ENVIRONMENT[-1]):
            return str(given or "")
        return "/".join(os.environ.get(variable, "") for variable in ENVIRONMENT)

    def ask(self, question: Ask) -> Answer:
        """Send one request.  Whatever network and server do is an answer; so is a connection that cannot be read.

        Raises:
            AirflowException: the connection cannot be used.
        """
        if self._session is None:
            try:
                self.check()
            except NoConnection as error:
                return Answer(at=time.time(), text=str(error), delivered=False)
            self._limit = self._limit or self.timeout()
            self._session = self.get_conn(dict(self.extra_headers), dict(self.extra_options))
        try:
            response = self._session.request(
                question.method,
                f"{self.base_url.rstrip('/')}{self.endpoint_prefix}{question.path}",
                data=None if question.body is None else json.dumps(question.body),
                headers=dict(question.headers),
                timeout=self._limit,
                # Said with each request, as the stock hook does: else a bundle of the machine's would take its place.
                verify=self._session.verify,
                allow_redirects=bool(self.extra_options.get("allow_redirects", True)),
            )
        except requests.RequestException as error:
            self.close()
            if _is_a_mistake(error):
                raise AirflowException(f"the connection {self.http_conn_id} cannot be used: {error}") from error
            return Answer(at=time.time(), text=f"{type(error).__name__}: {error}", delivered=_may_have_arrived(error))
        return to_answer(response.status_code, response.text)

    def carry_out(self, flow: Flow[T], *, stop: Callable[[], bool] = lambda: False) -> T:
        """Do what *flow* asks for, and give what it returns.

        Args:
            flow: one of :mod:`emr_dr_airflow.decisions`.
            stop: whether to do no more.

        Raises:
            Killed: *stop* said so.
        """
        try:
            step = next(flow)
            while True:
                if stop():
                    raise Killed("the task is being killed")
                step = flow.send(self._do(step, stop))
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            self.close()

    def close(self) -> None:
        """Close the session.  The next request resolves the front door's name anew: a node of it may be gone."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _do(self, step: Any, stop: Callable[[], bool]) -> Answer:
        if isinstance(step, Ask):
            return self.ask(step)
        if isinstance(step, Say):
            (self.log.warning if step.warning else self.log.info)("%s", step.text)
        elif isinstance(step, Wait):
            self.close()
            end = time.monotonic() + step.seconds
            while (left := end - time.monotonic()) > 0 and not stop():
                time.sleep(min(left, _NAP_SECONDS))
        return Answer(at=time.time())


def to_answer(status: int, text: str) -> Answer:
    """What a server said."""
    try:
        body = json.loads(text) if text else None
    except ValueError:
        body = None
    return Answer(at=time.time(), status=status, body=body, text=text[:_SHOWN_CHARACTERS])


def _checked(given: Any) -> Timeout:
    if isinstance(given, list | tuple) and len(given) == 2:
        return float(given[0]), float(given[1])
    if isinstance(given, int | float) and given > 0:
        return min(float(given), CONNECT_SECONDS), float(given)
    raise AirflowException(f"the timeout of the Livy connection must be seconds above 0 or two of them, got {given!r}")


def _may_have_arrived(error: requests.RequestException) -> bool:
    """Whether a server may have the request although this came of it."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return False
    return not isinstance(_reason(error), NewConnectionError | ConnectTimeoutError)


def _is_a_mistake(error: requests.RequestException) -> bool:
    """Whether no patience helps: an address that is none, or a certificate that is not trusted."""
    if isinstance(error, ValueError):  # what requests calls InvalidURL, MissingSchema and the like
        return not isinstance(error, requests.exceptions.JSONDecodeError)
    return "CERTIFICATE_VERIFY_FAILED" in str(_reason(error))


def _reason(error: requests.RequestException) -> Any:
    cause: Any = error.args[0] if error.args else None
    return getattr(cause, "reason", cause)
