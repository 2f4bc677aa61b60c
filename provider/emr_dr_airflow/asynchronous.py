"""Carries flows out in a triggerer's event loop, with what the hook makes of the connection."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import certifi
import requests
from airflow.exceptions import AirflowException
from asgiref.sync import sync_to_async
from requests.auth import HTTPBasicAuth

from emr_dr_airflow.decisions.wire import Answer, Ask, Flow, Say, Step, Wait
from emr_dr_airflow.hooks import EmrLivyHook, NoConnection, Timeout, to_answer

T = TypeVar("T")


async def undisturbed(work: Coroutine[Any, Any, None]) -> None:
    """Carry *work* out to its end, however often who waits for it is cancelled.

    A triggerer cancels a trigger every second until it is gone.  The second time would strike a request in the middle;
    where that is one to Airflow itself, the triggerer of 3.0.6 then reads its answer for that of the next one, and dies
    with every trigger that it has.
    """
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)


@dataclass(frozen=True, kw_only=True)
class _Connection:
    """How to reach Livy."""

    root: str
    headers: dict[str, str]
    timeout: aiohttp.ClientTimeout
    auth: aiohttp.BasicAuth | None
    proxy: str | None
    trust_env: bool
    # What aiohttp takes as ``ssl``.
    tls: ssl.SSLContext | bool
    # Whether only requests can do it: a kind of log-in that aiohttp does not have.
    by_thread: bool


class AsyncDoor:
    """The front door in an event loop.

    Args:
        hook: with the connection; its session's settings are taken over, so that both ways reach the same server with
            the same headers, trust and limits.
        log: gets what flows say.
    """

    def __init__(self, hook: EmrLivyHook, log: logging.Logger) -> None:
        self._hook = hook
        self._log = log
        self._connection: _Connection | None = None
        self._session: aiohttp.ClientSession | None = None

    async def carry_out(self, flow: Flow[T]) -> T:
        """Do what *flow* asks for, and give what it returns.

        Raises:
            AirflowException: the connection cannot be used.
        """
        try:
            step = next(flow)
            while True:
                step = flow.send(await self._do(step))
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the session; the next request makes another."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _do(self, step: Step) -> Answer:
        if isinstance(step, Ask):
            return await self._ask(step)
        if isinstance(step, Say):
            (self._log.warning if step.warning else self._log.info)("%s", step.text)
        elif isinstance(step, Wait):
            await self.close()
            await asyncio.sleep(step.seconds)
        return Answer(at=time.time())

    async def _prepared(self) -> _Connection:
        """What the connection says, which is read in a thread: the secrets backend asks over the network."""
        prepared: _Connection = await sync_to_async(_prepare)(self._hook)
        return prepared

    async def _ask(self, question: Ask) -> Answer:
        connection = self._connection
        if connection is None:
            try:
                connection = self._connection = await self._prepared()
            except NoConnection as error:
                return Answer(at=time.time(), text=str(error), delivered=False)
        if connection.by_thread:
            return await asyncio.to_thread(partial(self._hook.ask, question))
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=connection.timeout, headers=connection.headers, trust_env=connection.trust_env
            )
        try:
            async with self._session.request(
                question.method,
                f"{connection.root}{question.path}",
                data=None if question.body is None else json.dumps(question.body),
                headers=dict(question.headers),
                auth=connection.auth,
                proxy=connection.proxy,
                ssl=connection.tls,
            ) as response:
                return to_answer(response.status, await response.text())
        except aiohttp.ClientConnectorCertificateError as error:
            await self.close()
            raise AirflowException(f"the Livy connection cannot be used: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeDecodeError) as error:
            await self.close()
            arrived = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
            return Answer(at=time.time(), text=f"{type(error).__name__}: {error}", delivered=arrived)


def _prepare(hook: EmrLivyHook) -> _Connection:
    session = hook.get_conn(dict(hook.extra_headers), dict(hook.extra_options))
    scheme = urlsplit(hook.base_url).scheme
    auth: Any = session.auth
    basic = type(auth) is HTTPBasicAuth
    try:
        return _Connection(
            root=f"{hook.base_url.rstrip('/')}{hook.endpoint_prefix}",
            headers={key: _text(value) for key, value in session.headers.items()},
            timeout=_timeout(hook.timeout()),
            auth=aiohttp.BasicAuth(_text(auth.username), _text(auth.password or "")) if basic else None,
            proxy=(session.proxies or {}).get(scheme),
            trust_env=session.trust_env,
            tls=_tls(session) if scheme == "https" else True,
            by_thread=auth is not None and not basic,
        )
    finally:
        session.close()


def _timeout(limit: Timeout) -> aiohttp.ClientTimeout:
    connect, read = limit
    # All that comes before the request together, as asking for the name has no limit of its own.
    return aiohttp.ClientTimeout(total=None, connect=connect + read, sock_connect=connect, sock_read=read)


def _tls(session: requests.Session) -> ssl.SSLContext | bool:
    """Trust what requests would: what the connection says, else its own list of authorities."""
    if session.verify is False:
        return False
    place = Path(session.verify if isinstance(session.verify, str) else certifi.where())
    context = ssl.create_default_context(
        cafile=None if place.is_dir() else str(place), capath=str(place) if place.is_dir() else None
    )
    if session.cert:
        files = (session.cert,) if isinstance(session.cert, str) else tuple(session.cert)
        context.load_cert_chain(*files)
    return context


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
