"""Whether a row of the fault table held: what must happen, compared with what a drill found.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dr_core.metrics import FENCE_OVERDUE
from emr_drill.faults.alarms import ALARMS, SILENCE_ALARMS
from emr_drill.faults.lost import LostJob
from emr_drill.faults.model import ASKED_FOR, Expectation, Fault, Old, Page, Range
from emr_drill.faults.traces import Seen, Silence, Trace
from emr_drill.survivors import SurvivorSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a drill found out about the time since its fault; what was done by hand is left out.

    Attributes:
        operations: how each operation ended, its outcome or the status of its execution, with its message.
        launched: names of the EMR clusters that were launched.
        subjects: subjects of the messages to the alert topic.
        metrics: name of a metric -> its highest value.
        silent: name of a metric that is written all the time -> for how many whole minutes it was missing.
        jobs: counts of the report.
        lost: the jobs that went down with a cluster.
        recovered: whether submits are accepted again, and none was refused after the first one.
        old_serves: whether the record has the old incarnation in service.
        old_state: EMR's state of the old cluster.
        alive: names of the EMR clusters that have not ended.
        serving: names of the clusters that the record has in service, or standing by.
        serving_in: the AZ that the managed cluster which was struck serves in.
        submits_refused: how many submits were not accepted.
        submits_to_old: how many jobs the old incarnation took after the cut-over.
        submits_to_given_up: how many jobs went to incarnations that never came into service.
        unretired: incarnations that neither serve, stand by nor are retired, with their state.
        acts_left: acts of the row that were never done, for want of what they wait for.
        survivor: limits of the half that was not struck, if the settings give it more room while it serves alone.
        seen: what was written down.
    """

    operations: list[tuple[str, str]] = field(default_factory=list)
    launched: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    metrics: Mapping[str, float] = field(default_factory=dict)
    silent: Mapping[str, int] = field(default_factory=dict)
    jobs: Mapping[str, int] = field(default_factory=dict)
    lost: list[LostJob] = field(default_factory=list)
    recovered: bool = True
    old_serves: bool = False
    old_state: str = "TERMINATED"
    alive: list[str] = field(default_factory=list)
    serving: list[str] = field(default_factory=list)
    serving_in: list[str] = field(default_factory=list)
    submits_refused: int = 0
    submits_to_old: int = 0
    submits_to_given_up: int = 0
    unretired: list[str] = field(default_factory=list)
    acts_left: list[str] = field(default_factory=list)
    survivor: SurvivorSeen | None = None
    seen: Seen = field(default_factory=Seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """Whether a row held.

    Attributes:
        name: the row's name.
        must: what must happen, a sentence.
        did_not_hold: a sentence for each thing that was otherwise.
        listed: what is allowed and has to be told nevertheless.
    """

    name: str
    must: str
    did_not_hold: list[str]
    listed: list[str]

    @property
    def held(self) -> bool:
        """Whether everything was as it must be."""
        return not self.did_not_hold


ENDED = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})


def judge_row(fault: Fault, found: Found, *, fence_overdue: bool) -> RowResult:
    """Compare *fault*'s row with what was *found*.

    Args:
        fault: the row.
        found: what happened.
        fence_overdue: whether the limit for proof that the old applications are dead has passed, and it was told.
    """
    expect = fault.expect
    return RowResult(
        name=fault.name,
        must=fault.must,
        did_not_hold=[
            *(f"never done, for want of what it waits for: {act}" for act in found.acts_left),
            *(f"the fault never struck: {why}" for why in _missing(fault.struck, found)),
            *_operations(expect, found),
            *_launches(expect, found),
            *_zone(expect, found),
            *(f"what must happen did not: {why}" for why in _missing(expect.shows, found)),
            *_pages(expect, found),
            *_false_pages(expect, found),
            *_jobs(expect, found, fence_overdue=fence_overdue),
            *_old(expect, found),
            *_given_up(found),
            *_survivor(expect, found),
            *_left(found),
        ],
        listed=_listed(expect, found, fence_overdue=fence_overdue),
    )


def _operations(expect: Expectation, found: Found) -> list[str]:
    wrong = []
    ended = Counter(outcome for outcome, _ in found.operations)
    for outcome, (least, most) in expect.operations.items():
        if not least <= ended[outcome] <= most:
            wrong.append(f"{_range((least, most))} operations should end as {outcome!r}, {ended[outcome]} did")
    for outcome, message in found.operations:
        if outcome not in expect.operations:
            wrong.append(f"an operation ended as {outcome!r}, which this fault must not lead to: {message or '-'}")
        elif ended[outcome] > expect.operations[outcome][1]:
            wrong.append(f"one of these operations: {message or '-'}")
    return wrong


def _launches(expect: Expectation, found: Found) -> list[str]:
    least, most = expect.launches
    if least <= len(found.launched) <= most:
        return []
    names = f": {', '.join(found.launched)}" if found.launched else ""
    return [f"{_range(expect.launches)} clusters should be launched, {len(found.launched)} were{names}"]


def _zone(expect: Expectation, found: Found) -> list[str]:
    before = found.seen.names.get("zone", "")
    if expect.leaves_zone and (not found.serving_in or before in found.serving_in):
        return [f"what serves should have left {before}, it is in {', '.join(found.serving_in) or 'none'}"]
    wanted = found.seen.names.get(expect.zone, "")
    if not expect.zone or found.serving_in == [wanted]:
        return []
    return [
        f"what serves should be in {wanted or f'an AZ that there is not ({expect.zone})'}, it is in "
        f"{', '.join(found.serving_in) or 'none'}"
    ]


def _missing(traces: Iterable[Trace | Silence], found: Found) -> list[str]:
    return [why for why in (trace.why_not(found.seen) for trace in traces) if why is not None]


def _pages(expect: Expectation, found: Found) -> list[str]:
    told = "; ".join(dict.fromkeys(found.subjects)) or "nothing"
    return [
        f"a person should be told by {page.text}, the topic was told: {told}"
        for page in expect.told
        if not _came(page, found)
    ]


def _false_pages(expect: Expectation, found: Found) -> list[str]:
    """Whoever is woken up for nothing does not get up the next time."""
    messages = [
        f'a person was told what this fault must not lead to: "{subject}"'
        for subject in dict.fromkeys(found.subjects)
        if not any(page.is_about(subject) for page in expect.allowed)
    ]
    # A fence limit that passed is told with the jobs.
    metrics = [Page(metric=metric) for metric in sorted(ALARMS - {FENCE_OVERDUE})]
    silences = [Page(missing=metric) for metric in SILENCE_ALARMS]
    return messages + [
        f"a person was told what this fault must not lead to: {page.text}"
        for page in (*metrics, *silences)
        if page not in expect.allowed and _came(page, found)
    ]


def _came(page: Page, found: Found) -> bool:
    return page.came(subjects=found.subjects, metrics=found.metrics, silent=found.silent)


def _jobs(expect: Expectation, found: Found, *, fence_overdue: bool) -> list[str]:
    wrong = [
        f"{found.jobs[name]} jobs {name}, there must be none"
        for name in ("unreported", "wrong")
        if found.jobs.get(name, 0)
    ]
    doubled = found.jobs.get("doubled", 0)
    if doubled and not (expect.fence_bound and fence_overdue):
        wrong.append(f"{doubled} jobs doubled, and no fence limit had passed that would explain it")
    if fence_overdue and not expect.fence_bound:
        wrong.append("the fence limit passed: nobody knew in time that the old applications were dead")
    if not expect.jobs_lost and (found.jobs.get("lost", 0) or found.jobs.get("resubmitted", 0)):
        wrong.append(
            f"no job should be lost, but {found.jobs.get('lost', 0)} were and {found.jobs.get('resubmitted', 0)} "
            "were run again"
        )
    wrong += _lost(expect, found)
    if expect.outcome in ASKED_FOR and found.submits_refused:
        wrong.append(f"{found.submits_refused} submits were refused, though nothing was broken")
    if not found.recovered:
        wrong.append("the front door does not accept jobs again")
    return wrong


def _lost(expect: Expectation, found: Found) -> list[str]:
    wrong = []
    if expect.named:
        wrong += [f"{one.name} was ended, and no message named it before" for one in found.lost if not one.named]
        wrong += [
            f"the client of {one.name}, which was ended, was told {one.answered or 'nothing'!r} and not by 410"
            for one in found.lost
            if one.answered != "lost"
        ]
    if expect.overdue:
        wrong += [
            f"{one.name} was ended, though it takes less than the drain limit" for one in found.lost if not one.overlong
        ]
        if not any(one.overlong for one in found.lost):
            wrong.append("no job outlasted the drain limit, so that nothing shows what becomes of one")
    return wrong


def _old(expect: Expectation, found: Found) -> list[str]:
    wrong = []
    if expect.old is Old.SERVES:
        if not found.old_serves:
            wrong.append("the old incarnation should serve on, the record says that it does not")
        if found.old_state in ENDED:
            wrong.append(f"the old cluster should not be touched, EMR calls it {found.old_state}")
        return wrong
    if found.old_serves:
        wrong.append("the old incarnation should be replaced, the record has it in service")
    if found.old_state not in ENDED:
        wrong.append(f"the old cluster should be ended, EMR calls it {found.old_state}")
    if found.submits_to_old:
        wrong.append(f"{found.submits_to_old} jobs went to the old incarnation after the cut-over")
    return wrong


def _given_up(found: Found) -> list[str]:
    if not found.submits_to_given_up:
        return []
    return [f"{found.submits_to_given_up} jobs went to incarnations that were given up before they served"]


def _survivor(expect: Expectation, found: Found) -> list[str]:
    """Whoever serves alone gets room for the work of both, and gives it back."""
    if not expect.survivor_grows or found.survivor is None:
        return []
    seen, wrong = found.survivor, []
    if seen.during != seen.alone:
        wrong.append(
            f"managed scaling of the half that served alone should be allowed {seen.alone} instances, it was allowed "
            f"{seen.during} at most"
        )
    if seen.after != seen.before:
        wrong.append(
            f"it should be allowed {seen.before} instances again when both serve, it is allowed {seen.after} at the end"
        )
    return wrong


def _left(found: Found) -> list[str]:
    """Nothing may be left that costs money and does no work."""
    wrong = [f"an incarnation is left over: {one}" for one in found.unretired]
    surplus = sorted(set(found.alive) - set(found.serving))
    if surplus:
        wrong.append(f"clusters are left running that are not in service: {', '.join(surplus)}")
    return wrong


def _listed(expect: Expectation, found: Found, *, fence_overdue: bool) -> list[str]:
    if not (expect.fence_bound and fence_overdue):
        return []
    return [f"the fence limit passed, with an alarm; jobs doubled because of that: {found.jobs.get('doubled', 0)}"]


def _range(values: Range) -> str:
    least, most = values
    return str(least) if least == most else f"{least} to {most}"
