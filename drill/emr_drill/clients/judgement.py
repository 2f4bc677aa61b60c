"""What stock clients believe of their jobs, compared with the ledger and with what the Livy servers say.  Pure.

The words are those of :mod:`emr_drill.jobs.judgement`.  What is different: a stock client can give up on a 5xx, on a
time-out or on a state that it does not know (``disturbed``), what it calls a job's end is the state of a task, and it
may delete batches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields

from emr_drill.clients.listing import Batch
from emr_drill.clients.story import DISTURBED, FAILURE, GIVEN_UP, GONE, LOST, STOPPED, SUCCESS, StockJob, StockTry
from emr_drill.jobs.ledger import EFFECT, Entry

# A line of the ledger is written before Livy can say so; clocks of two processes read the same.
SLACK_SECONDS = 1.0
ENDED_WELL = "success"


@dataclass(slots=True, kw_only=True)
class Counts:
    """The jobs of one kind of client, counted.

    Attributes:
        submitted: logical jobs.
        succeeded: its client says success, and the last try's effect is there.
        failed: its client says that the job failed, and so it did, of its own fault.
        stopped: killed by its client, as it was meant to be.
        given_up: its client says that the task failed, although the job is not to blame, and tried no more.
        lost: tries that went down with a cluster: their client was told so by 410, or had given up on an answer before.
        broken: tries that were told failure by the Livy of a cluster that could not run them.
        disturbed: tries that their client gave up (on 404, 5xx, a time-out, an unknown state) although the job lived.
        resubmitted: tries after the first that posted something.
        refused: tries whose POST was refused.
        replayed: tries that posted nothing and failed by what the one before had been told (Airflow 3.0.6, deferred).
        repeated: given up, had done their work before, and were run again.
        doubled: given up, did their work after that, and were run again.
        wrong: told another job's state, or success without its effect.
        killed_others: batches that disappeared and whose own client deleted nothing.
        kills_missed: jobs that their client killed, and that did their work nevertheless.
    """

    submitted: int = 0
    succeeded: int = 0
    failed: int = 0
    stopped: int = 0
    given_up: int = 0
    lost: int = 0
    broken: int = 0
    disturbed: int = 0
    resubmitted: int = 0
    refused: int = 0
    replayed: int = 0
    repeated: int = 0
    doubled: int = 0
    wrong: int = 0
    killed_others: int = 0
    kills_missed: int = 0
    unreported: int = 0

    def to_dict(self) -> dict[str, int]:
        """For the report."""
        return asdict(self)

    def add(self, other: Counts) -> None:
        """Count *other*'s jobs too."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


@dataclass(slots=True, kw_only=True)
class StockJudgement:
    """Counts of all jobs and of each kind of client, names of tries that were lost, and a sentence for each complaint.

    ``causes`` has what made clients give up: the kind of client, the sentence, and how often.
    """

    counts: Counts = field(default_factory=Counts)
    by_kind: dict[str, Counts] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    causes: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))


def judge(
    jobs: Iterable[StockJob],
    batches: Sequence[Batch],
    ledger: Sequence[Entry],
    owner: Callable[[int], str | None] = lambda batch_id: None,
) -> StockJudgement:
    """Compare.

    Args:
        jobs: every job, when nothing moves any more.
        batches: every batch that a Livy server had.
        ledger: every line of the ledger.
        owner: the cluster that an id belongs to, where ids tell.
    """
    jobs = list(jobs)
    result = StockJudgement()
    homes = {(one.name, one.id): one for one in batches}
    for job in jobs:
        counts = result.by_kind.setdefault(job.kind.name, Counts())
        one = _Case(job, [entry for entry in ledger if entry.job == job.job.key], homes, batches, owner)
        one.judge(counts, result)
    _deleted(jobs, batches, result)
    for counts in result.by_kind.values():
        result.counts.add(counts)
    return result


class _Case:
    """One job and what is known of it."""

    def __init__(
        self,
        job: StockJob,
        entries: Sequence[Entry],
        homes: dict[tuple[str, int], Batch],
        batches: Sequence[Batch],
        owner: Callable[[int], str | None],
    ) -> None:
        self.job = job
        self.entries = entries
        self.batches = batches
        self.owner = owner
        self.homes = homes

    def judge(self, counts: Counts, result: StockJudgement) -> None:
        job, key = self.job, self.job.job.key
        counts.submitted += 1
        counts.refused += job.refused
        counts.replayed += job.replayed
        counts.resubmitted += max(0, len(job.tries) - 1)
        false = ""
        for number, batch in enumerate(self.tries):
            false = self.false_word(batch)
            if false:
                counts.wrong += 1
                result.complaints.append(f"wrong: {job.kind.name} {key}: {false}")
            self.count_try(batch, bool(false), counts, result)
            if batch.told in GIVEN_UP and number + 1 < len(self.tries):
                self.second_run(batch, self.tries[number + 1 :], counts, result)
        self.count_end(bool(false), counts, result)

    @property
    def tries(self) -> list[StockTry]:
        return [one for one in self.job.tries if isinstance(one, StockTry)]

    def home(self, batch: StockTry) -> str | None:
        """Name of the cluster that has *batch*."""
        assert batch.id is not None
        found = self.homes.get((batch.name, batch.id))
        return found.cluster if found else self.owner(batch.id)

    def written(self, batch: StockTry) -> list[Entry]:
        """What *batch* wrote into the ledger."""
        applications = {one.application for one in self.batches if one.name == batch.name and one.application}
        mine = [entry for entry in self.entries if entry.application in applications]
        if applications or not self.entries:
            return mine
        # Its server died before it said which application it was: whatever its cluster wrote and no other try did.
        others = {one.application for one in self.batches if one.name != batch.name}
        home = self.home(batch)
        return [entry for entry in self.entries if entry.incarnation == home and entry.application not in others]

    def false_word(self, batch: StockTry) -> str:
        """Why what this try's client was told is false; empty if it is not."""
        written = self.written(batch)
        effect = next((entry for entry in written if entry.event == EFFECT), None)
        if batch.told == SUCCESS:
            if effect is None:
                ran = "failed" if written else "had not ended"
                return f"told that {batch.id} succeeded, and the job {ran}"
            if effect.at > batch.told_at + SLACK_SECONDS:
                return f"told that {batch.id} succeeded, {effect.at - batch.told_at:.0f} s before it did"
        if batch.told == FAILURE:
            if effect is not None:
                return f"told that {batch.id} failed, and the job wrote its effect"
            if written and written[0].at > batch.told_at + SLACK_SECONDS:
                return f"told that {batch.id} failed, {written[0].at - batch.told_at:.0f} s before it did"
        return ""

    def count_try(self, batch: StockTry, false: bool, counts: Counts, result: StockJudgement) -> None:
        written = self.written(batch)
        cause = result.causes[self.job.kind.name]
        never_ended = not written
        if batch.told == LOST or (never_ended and not false and batch.told in (FAILURE, DISTURBED, GONE)):
            result.lost.add(batch.name)
            counts.lost += batch.told != FAILURE
            counts.broken += batch.told == FAILURE
        elif batch.told in (DISTURBED, GONE):
            counts.disturbed += 1
        if batch.told in GIVEN_UP:
            cause[_cause(batch)] += 1
        if batch.told == STOPPED:
            late = any(entry.event == EFFECT for entry in written)
            counts.kills_missed += late
            if late:
                result.complaints.append(f"kill missed: {self.job.kind.name} {self.job.job.key}: it did its work")

    def second_run(self, batch: StockTry, later: Sequence[StockTry], counts: Counts, result: StockJudgement) -> None:
        effects = [entry for entry in self.written(batch) if entry.event == EFFECT]
        again = [entry for one in later for entry in self.written(one) if entry.event == EFFECT]
        if not effects or not again:
            return
        late = [entry for entry in effects if entry.at > batch.told_at]
        counts.doubled += bool(late)
        counts.repeated += not late
        if late:
            result.complaints.append(
                f"doubled: {self.job.kind.name} {self.job.job.key}: {late[0].application} wrote "
                f"{late[0].at - batch.told_at:.0f} s after its client gave it up ({_cause(batch)})"
            )

    def count_end(self, false: bool, counts: Counts, result: StockJudgement) -> None:
        job, last = self.job, (self.tries[-1] if self.job.tries else None)
        if not job.verdict:
            counts.unreported += 1
            result.complaints.append(f"unreported: {job.kind.name} {job.job.key}: its client never ended")
        elif last is not None and last.told == STOPPED:
            counts.stopped += 1
        elif job.verdict == ENDED_WELL:
            counts.succeeded += not false
        elif last is not None and last.told == FAILURE:
            counts.failed += not false and bool(self.written(last))
        else:
            counts.given_up += 1


def _cause(batch: StockTry) -> str:
    if batch.status is not None:
        return str(batch.status)
    why = batch.why.strip().splitlines()
    return why[-1][:120] if why else "no answer, or a state that it does not know"


def _deleted(jobs: Sequence[StockJob], batches: Sequence[Batch], result: StockJudgement) -> None:
    """Batches that somebody else deleted: counted for the client whose DELETE it was, if one can be named."""
    tries = {batch.name: (job, batch) for job in jobs for batch in job.tries if isinstance(batch, StockTry)}
    for gone in batches:
        if not gone.deleted or gone.name not in tries:
            continue
        job, batch = tries[gone.name]
        if gone.id in batch.deletes:
            continue
        by = next(
            (other for other in jobs for one in other.tries if isinstance(one, StockTry) and gone.id in one.deletes),
            None,
        )
        result.by_kind[(by or job).kind.name].killed_others += 1
        who = f"{by.kind.name} {by.job.key}" if by else "nobody known"
        result.complaints.append(f"killed: batch {gone.id} of {gone.name} on {gone.cluster} was deleted by {who}")
