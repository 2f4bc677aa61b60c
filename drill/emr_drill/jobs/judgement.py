"""What became of every job: what clients were told, compared with what really happened.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field

from emr_drill.jobs.ledger import EFFECT, FAILED, Entry
from emr_drill.jobs.submitter import Progress, Submission, Try


@dataclass(slots=True, kw_only=True)
class Counts:
    """The jobs of a drill, counted.

    ``submitted`` logical jobs end ``succeeded`` or ``failed`` (their own fault), or the last word on them is false, or
    there is none.  The rest counts what happened on the way: tries that were ``lost`` (the client was told by 410; or
    it never heard the truth, and the cluster was gone or never ran the job to its end), ``resubmitted`` ones,
    ``unreported`` (nobody ever told the client how it ended), ``disturbed`` (its client gave up on a 404 although the
    job lived), ``doubled`` (an effect of an earlier try *after* its id had answered 410 or 404, besides an effect of a
    later one), ``wrong`` (another job's state, or success without its effect).  ``repeated`` is the price of
    at-least-once: the old cluster had finished the work before it was gone but nobody could ask it, so the job ran
    again; not an error, and the reason why outputs must be idempotent.
    """

    submitted: int = 0
    succeeded: int = 0
    failed: int = 0
    lost: int = 0
    resubmitted: int = 0
    unreported: int = 0
    disturbed: int = 0
    doubled: int = 0
    wrong: int = 0
    repeated: int = 0
    broken: int = 0

    def to_dict(self) -> dict[str, int]:
        """For the report."""
        return asdict(self)


@dataclass(slots=True, kw_only=True)
class Judgement:
    """Counts, the names of the tries that were lost, and a sentence for each job that is not as it should be."""

    counts: Counts = field(default_factory=Counts)
    lost: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)


# Names the cluster that took a try; None if no cluster of the drill did.
Owner = Callable[[Try], str | None]
# When the cluster of that name was gone; None if it is not.
GoneAt = Callable[[str], float | None]
# Last words after which a client runs its job again.
GIVEN_UP = frozenset({"lost", "gone"})


def judge(
    jobs: Iterable[Progress], ledger: Sequence[Entry], owner: Owner, gone_at: GoneAt = lambda cluster: None
) -> Judgement:
    """Compare what clients were told with the ledger.

    Args:
        jobs: every logical job, when nothing moves any more.
        ledger: every line of the ledger.
        owner: the name of the cluster that took a try, ``None`` for no cluster's.  Where ids are unique, the id tells;
            where each cluster counts from 0, only who answered the submit does.
        gone_at: when a cluster was gone.  Only where a 404 can mean that: where ids are unique, a lost job answers 410.
    """
    result = Judgement()
    for progress in jobs:
        _judge_one(progress, [entry for entry in ledger if entry.job == progress.job.key], owner, gone_at, result)
    return result


def _judge_one(progress: Progress, entries: Sequence[Entry], owner: Owner, gone_at: GoneAt, result: Judgement) -> None:
    counts, key = result.counts, progress.job.key
    counts.submitted += 1
    tries = progress.tries
    counts.resubmitted += max(0, len(tries) - 1)
    false, lost = None, False
    for number, batch in enumerate(tries):
        home = owner(batch)
        false = _wrong(progress, batch, entries, home)
        lost = _lost(batch, false, entries, home, gone_at)
        counts.lost += lost
        counts.broken += lost and batch.told == "failure" and not false
        if lost:
            result.lost.add(batch.name)
        if false:
            counts.wrong += 1
            result.complaints.append(f"wrong: {key}: {false}")
        if batch.told == "gone":
            counts.disturbed += not lost
            result.complaints.append(
                f"{'lost' if lost else 'disturbed'}: {key}: id {batch.id} answered 404 before a last word was said"
            )
        if batch.told in GIVEN_UP and number + 1 < len(tries):
            _judge_second_run(key, batch, home, tries[number + 1 :], entries, owner, result)
    last = tries[-1] if tries else None
    if last is None or last.told not in {"success", "failure"}:
        counts.unreported += 1
        result.complaints.append(f"unreported: {key}: no last word (told {last.told if last else ''!r})")
    elif not false:
        counts.succeeded += last.told == "success"
        counts.failed += last.told == "failure" and not lost


def _lost(batch: Try, false: str | None, entries: Sequence[Entry], home: str | None, gone_at: GoneAt) -> bool:
    """Whether a try went down with its cluster, whatever its client was told."""
    if batch.told == "lost":
        return True
    if home is None or (batch.told == "success" and not false):
        return False
    if batch.told == "failure" and not false:
        return not _ran(entries, home)
    gone = gone_at(home)
    if gone is not None and (not batch.told or batch.told_at >= gone):
        return True
    return not _ran(entries, home)


def _ran(entries: Sequence[Entry], home: str | None) -> bool:
    """Whether *home* ran the job to its end, well or not."""
    return any(entry.incarnation == home for entry in entries)


def _judge_second_run(
    key: str,
    batch: Try,
    home: str | None,
    later: Sequence[Try],
    entries: Sequence[Entry],
    owner: Owner,
    result: Judgement,
) -> None:
    """Whether a try that its client gave up had an effect besides a later one's, and when."""
    effects = [entry for entry in entries if entry.event == EFFECT and entry.incarnation == home]
    again = [entry for entry in entries if entry.event == EFFECT and entry.incarnation != home]
    if any(owner(one) == home for one in later):
        # The same cluster took both: the ledger does not say which line is whose, and the earlier try wrote first.
        effects, again = effects[:1], again + effects[1:]
    if not effects or not again:
        return
    late = [entry for entry in effects if entry.at > batch.told_at]
    if late:
        result.counts.doubled += 1
        answer = "410" if batch.told == "lost" else "404"
        result.complaints.append(
            f"doubled: {key}: {late[0].application} wrote {late[0].at - batch.told_at:.0f} s after the {answer}"
        )
    else:
        result.counts.repeated += 1


def _wrong(progress: Progress, batch: Try, entries: Sequence[Entry], home: str | None) -> str | None:
    """Why what this try's client was told is false, or ``None``."""
    if batch.named - {batch.name}:
        return f"polls of id {batch.id} were answered with the batches {sorted(batch.named - {batch.name})}"
    if batch.id is not None and home is None:
        return f"id {batch.id} was given by no cluster of this drill"
    mine = {entry.event for entry in entries if entry.incarnation == home}
    if batch.told == "success" and EFFECT not in mine:
        return f"told success, but {home} has no effect of it"
    if batch.told == "success" and progress.job.fails:
        return "told success, but it fails on purpose"
    if batch.told == "failure" and EFFECT in mine:
        return f"told failure, but {home} wrote its effect"
    if batch.told == "failure" and FAILED in mine and not progress.job.fails:
        return "told failure, but it does not fail of its own"
    return None


def recovered_at(
    submissions: Sequence[Submission], fault_at: float, lost: Collection[str] = frozenset()
) -> float | None:
    """When the first submit was accepted after the fault after which none failed; ``None`` if there is none.

    The time is the answer's: from then on a user's job was in.

    Args:
        submissions: every submit, in order.
        fault_at: when the fault struck.
        lost: names of tries whose acceptance was worth nothing, as they went down with the cluster that took them.
    """
    last_failed = max(
        (number for number, one in enumerate(submissions) if not one.accepted or one.name in lost), default=-1
    )
    for one in submissions[last_failed + 1 :]:
        if one.at >= fault_at:
            return one.answered
    return None


def refused_after(submissions: Sequence[Submission], fault_at: float) -> int:
    """How many submits were not accepted, of those whose answer came (or failed to) after the fault."""
    return sum(not one.accepted and one.answered >= fault_at for one in submissions)
