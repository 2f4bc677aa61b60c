"""Entry point of a prober: rounds for a minute or so when a schedule starts it, one action when the controller asks.

Clock and sleep are read through the module ``time`` at each call, so that whoever runs the function may set them.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from dr_core.addresses import gone_with_its_address, handed_on_to
from dr_core.config import ENVIRONMENT_VARIABLE, FunctionConfig
from dr_core.evidence import Evidence, look_to_dict, prober_observer
from dr_core.rounds import Run, is_overtime, next_round
from prober.actions import Actions
from prober.looking import Seen, begin_looks, end_looks, look_at_front_door
from prober.store import Store
from prober.trust import Trust

AVAILABILITY_ZONE_VARIABLE = "EMR_DR_AVAILABILITY_ZONE"
# Five reads of each of a handful of incarnations, and the controls.
_THREADS = 32

logger = Logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at several primaries.

    Attributes:
        observed_at: when it began, seconds since 1970.
        front_door: the control, and what is to be told of its certificate.
        primaries: what each one showed, by address.
    """

    observed_at: float
    front_door: Seen
    primaries: Mapping[str, Seen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prober:
    """One prober with what it works with.

    Attributes:
        config: of the deployment.
        observer: the name that its evidence carries.
        store: the tables.
        pool: where reads go on at once.
        trust: whose certificates are believed; ``None`` where nobody shows one.
    """

    config: FunctionConfig
    observer: str
    store: Store
    pool: ThreadPoolExecutor
    trust: Trust | None = None

    def rounds(self) -> None:
        """Make rounds until a younger run has begun; an error costs one round, not those after it."""
        run, started = self._begin(), time.monotonic()
        due: float | None = started
        while due is not None:
            time.sleep(max(0.0, due - time.monotonic()))
            if is_overtime(started, due) and self._is_relieved(run):
                return
            try:
                self.round()
            except Exception:
                logger.exception("a round failed, the next one looks again")
            due = next_round(started, time.monotonic(), round_seconds=self.config.policy.round_seconds)

    def _begin(self) -> Run:
        """Tell an older run that this one has begun; if that fails, the older one goes on beside it for a while."""
        run = Run(function=self.observer, began_at=time.time())
        try:
            self.store.announce(run)
        except Exception:
            logger.exception("that this run has begun could not be written down")
        return run

    def _is_relieved(self, run: Run) -> bool:
        """Whether a younger run has begun; who cannot tell goes on, as a round too many does no harm."""
        try:
            return run.relieved_by(self.store.newest_run(run.function))
        except Exception:
            logger.exception("whether a younger run has begun could not be read")
            return False

    def round(self) -> None:
        """Look at every live incarnation once and keep what was seen."""
        known = list(self.store.incarnations())
        live = {each.id: each for each in known if each.live}
        gone = {
            name: gone_with_its_address(owner)
            for name, each in live.items()
            if (owner := handed_on_to(each, known)) is not None
        }
        look = self._look([str(each.primary_address) for name, each in live.items() if name not in gone])
        for name, each in live.items():
            if name in gone:
                seen = Seen(services=gone[name], reached=False)
            else:
                seen = look.primaries[str(each.primary_address)]
            self.store.write(self._evidence(look, seen, incarnation=name))

    def look(self, addresses: list[str]) -> list[dict[str, Any]]:
        """Look at primaries once, without keeping what was seen; see ``dr_core.evidence.look_to_dict``."""
        look = self._look(list(dict.fromkeys(addresses)))
        return [
            look_to_dict(self._evidence(look, seen, incarnation=""), address=address)
            for address, seen in look.primaries.items()
        ]

    def _look(self, addresses: Sequence[str]) -> Look:
        """What is seen at each address now."""
        observed_at = time.time()
        looks = begin_looks(self.pool, addresses, config=self.config, trust=self.trust)
        front_door = look_at_front_door(self.pool, config=self.config, trust=self.trust)
        return Look(observed_at=observed_at, front_door=front_door, primaries=end_looks(looks))

    def _evidence(self, look: Look, seen: Seen, *, incarnation: str) -> Evidence:
        return Evidence(
            incarnation=incarnation,
            observer=self.observer,
            observed_at=look.observed_at,
            services=seen.services,
            front_door=look.front_door.reached,
            certificates=(*look.front_door.certificates, *seen.certificates),
        )


def handler(event: Mapping[str, Any], _: object) -> Any:
    """``{}`` makes rounds for a minute or so; ``{"action": ...}`` does one thing and answers.

    Raises:
        ValueError: the action is not one of ours.
    """
    prober = _prober()
    actions = Actions(config=prober.config, pool=prober.pool, trust=prober.trust)
    match event:
        case {"action": "canary", "address": address, "name": name}:
            return actions.canary(address=address, name=name)
        case {"action": "route", "name": name, "id": batch_id, **rest}:
            return actions.route(name=name, id=batch_id, app_id=rest.get("app_id"), times=rest.get("times", 3))
        case {"action": "kill_applications", "address": address}:
            return actions.kill_applications(address=address)
        case {"action": "work", "address": address}:
            return actions.work(address=address)
        case {"action": "newest_id", "address": address}:
            return actions.newest_id(address=address)
        case {"action": "look", "addresses": addresses}:
            return prober.look(addresses)
        case {"action": _}:
            raise ValueError(
                "a prober's action is canary (address, name), route (name, id), kill_applications (address), "
                f"work (address), newest_id (address) or look (addresses), got {dict(event)!r}"
            )
        case _:
            return prober.rounds()


@functools.cache
def _prober() -> Prober:
    """Made once for each process: a later start of the function finds it ready."""
    # Imported here and not above: the SDK takes longer to import than everything else together.
    import boto3
    from botocore.config import Config

    config = FunctionConfig.from_json(os.environ[ENVIRONMENT_VARIABLE])
    speaks_tls = "https" in (config.front_door_scheme, config.ports.scheme)
    # Short limits: a round that waits for its table has nothing to say in time.
    limits = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})
    return Prober(
        config=config,
        observer=prober_observer(os.environ[AVAILABILITY_ZONE_VARIABLE]),
        store=Store(
            dynamodb=boto3.resource("dynamodb", config=limits),
            record_table=config.record_table,
            evidence_table=config.evidence_table,
            round_seconds=config.policy.round_seconds,
        ),
        pool=ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="read"),
        trust=Trust.load() if speaks_tls else None,
    )
