"""Deploys of changed settings while jobs run, and the ways back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emr_drill.errors import DrillError
from emr_drill.stand_in.assembly import ResourceEvent, deploy, stack_name

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

CANCELLABLE = "UPDATE_IN_PROGRESS"


class Deploys:
    """What a person does with ``cdk deploy``, and with the button that cancels an update.

    Attributes:
        told: what whoever deployed read at the end of each deploy that failed.
    """

    def __init__(
        self,
        *,
        stand_in: StandIn,
        stacks: Sequence[str],
        before: Path,
        after: Path,
        on_event: Callable[[ResourceEvent], None],
        say: Callable[[str], None],
    ) -> None:
        """Be ready to deploy.

        Args:
            stand_in: where to; *before* is deployed there.
            stacks: artifact ids of the stacks to deploy, the strategy's last.
            before: cloud assembly of the settings that are deployed.
            after: cloud assembly of the changed ones.
            on_event: gets every event of every stack.
            say: gets what a deploy tells at its end.
        """
        self._stand_in = stand_in
        self._stacks = list(stacks)
        self._before = before
        self._after = after
        self._on_event = on_event
        self._say = say
        self._threads: list[threading.Thread] = []
        self.told: list[str] = []

    @property
    def under_way(self) -> bool:
        """Whether a deploy has not come to its end."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def stack(self) -> str:
        """Name of the strategy's stack."""
        return stack_name(self._before, self._stacks[-1])

    def change(self) -> None:
        """Begin to deploy the changed settings."""
        self._begin(self._after)

    def take_back(self) -> None:
        """Cancel the update of the strategy's stack that is under way; if none is, deploy the old settings again."""
        if self._stand_in.stacks.find(self.stack).status == CANCELLABLE:
            client: Any = self._stand_in.client("cloudformation")
            client.cancel_update_stack(StackName=self.stack)
        else:
            self._begin(self._before)

    def _begin(self, assembly: Path) -> None:
        earlier = list(self._threads)

        def work() -> None:
            for thread in earlier:
                thread.join()
            try:
                deploy(self._stand_in, assembly, stacks=self._stacks, on_event=self._on_event)
            except DrillError as error:
                self.told.append(str(error))
                self._say(f"the deploy failed: {error}")
            else:
                self._say("the deploy is complete")

        thread = threading.Thread(target=work, name=f"deploy {assembly.name}", daemon=True)
        self._threads.append(thread)
        thread.start()
