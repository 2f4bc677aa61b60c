"""Livy's batches, as its answers tell of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus

from emr_dr_airflow.decisions.wire import Answer

SUCCESS = "success"
FAILED_STATES = frozenset({"dead", "error", "killed"})
END_STATES = FAILED_STATES | {SUCCESS}
# Between POST and YARN's word; "recovering" is what a Livy that was restarted calls every batch at first.
WAITING_STATES = frozenset({"not_started", "starting"})
EARLY_STATES = WAITING_STATES | {"recovering"}
RUNNING_STATES = frozenset({"idle", "running", "busy", "shutting_down"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch at one moment.

    Attributes:
        id: its id.
        name: its name, empty if it has none.
        state: Livy's word, which may be one that we do not know.
        application: its YARN application, empty until YARN accepted it.
        tracking_url: where YARN shows it, empty if Livy does not know.
    """

    id: int
    name: str
    state: str
    application: str = ""
    tracking_url: str = ""

    def after(self, earlier: Batch | None) -> Batch:
        """With what an *earlier* look at the same job knew and this one does not: a restarted Livy forgets some."""
        if earlier is None:
            return self
        return replace(
            self,
            application=self.application or earlier.application,
            tracking_url=self.tracking_url or earlier.tracking_url,
        )

    @property
    def ended(self) -> bool:
        """Whether its state is final."""
        return self.state in END_STATES

    @property
    def never_ran(self) -> bool:
        """Whether it failed before it had an application."""
        return self.state in FAILED_STATES and not self.application


def read_batch(answer: Answer) -> Batch | None:
    """The batch that *answer* is about; ``None`` if it is about none: an error, no JSON, or other JSON."""
    if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED) or not isinstance(answer.body, dict):
        return None
    number, state = answer.body.get("id"), answer.body.get("state")
    if not isinstance(number, int) or isinstance(number, bool) or not isinstance(state, str):
        return None
    info = answer.body.get("appInfo")
    url = info.get("sparkUiUrl") if isinstance(info, dict) else None
    return Batch(
        id=number,
        name=str(answer.body.get("name") or ""),
        state=state,
        application=str(answer.body.get("appId") or ""),
        tracking_url=str(url or ""),
    )


def is_gone(answer: Answer) -> bool:
    """Whether the front door said that no cluster has such an id: whatever had it is dead, or never was."""
    return answer.status == HTTPStatus.GONE


def is_not_found(answer: Answer) -> bool:
    """Whether a Livy said that it has no such batch: its 404 is JSON, that of anything else on the way is not."""
    return answer.status == HTTPStatus.NOT_FOUND and isinstance(answer.body, dict)


def path_of(batch: int | str) -> str:
    """The path of a batch, by its id or by its name."""
    return f"/batches/{batch}"
