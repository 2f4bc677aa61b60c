"""What alarms say to a person: what happened, what was done about it, what to do, with the very command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dr_core.id_ranges import IDS_PER_PREFIX

# CloudWatch, PutMetricAlarm: AlarmDescription.
LONGEST_DESCRIPTION = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The text of an alarm.

    Attributes:
        happened: what happened, in whole sentences.
        done: what was done about it.
        to_do: what a person should do.
    """

    happened: str
    done: str
    to_do: str

    def __str__(self) -> str:
        return f"What happened: {self.happened} What was done: {self.done} What to do: {self.to_do}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What a person types into a shell.

    Attributes:
        deployment: the deployment.
        operation_machine: ARN of its operation machine.
    """

    deployment: str
    operation_machine: str

    def control(self, **event: str) -> str:
        """Invoke the function that pauses, resumes, acknowledges and shows."""
        return (
            f"aws lambda invoke --function-name {self.deployment}-control --cli-binary-format raw-in-base64-out "
            f"--payload '{json.dumps(event)}' /dev/stdout"
        )

    def operation(self, kind: str, managed_cluster: str) -> str:
        """Start an operation by hand."""
        request = {"request": {"kind": kind, "reason": "manual", "managed_cluster": managed_cluster}}
        return (
            f"aws stepfunctions start-execution --state-machine-arn {self.operation_machine} "
            f"--input '{json.dumps(request)}'"
        )

    def read_dead_letters(self, queue_url: str) -> str:
        """Read what lies in a dead-letter queue, with the attributes that say why."""
        return (
            f"aws sqs receive-message --queue-url {queue_url} --max-number-of-messages 10 --attribute-names All "
            "--message-attribute-names All"
        )

    def empty(self, queue_url: str) -> str:
        """Remove everything from a queue."""
        return f"aws sqs purge-queue --queue-url {queue_url}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The text of every alarm of a deployment.

    Attributes:
        commands: what a person types.
        managed_clusters: names of the managed clusters; one at least.
    """

    commands: Commands
    managed_clusters: Sequence[str]

    def operation_ended(self, words: str, *, stopped: bool) -> Text:
        """An operation *words*, such as "failed"; *stopped* if it did not end by itself.

        The product stops the launch of a standby without a message when anything else needs the managed cluster.
        """
        # Nobody stops what is refused, and a description has no room for both.
        which = (
            "Nothing if its name contains -standby-: another took its place, and no message comes. Else read that "
            "message."
            if stopped
            else "Read that message. What was refused to a person says why in its cause, and did nothing."
        )
        return Text(
            happened=f"An operation of {self._deployment} {words}.",
            done="If that was before its state Fence, what it launched is deleted, and what served goes on to serve. "
            "From Fence on a failover is not undone: the old cluster may be ending, and nothing may be in service. A "
            "message of its own says what came of it. The monitor makes up to three attempts by itself.",
            to_do=f"{which} How things stand: {self._show} If nothing is in service, start a failover: "
            f"{self._failover}",
        )

    def retirement_ended(self, words: str, *, by_a_person: bool) -> Text:
        """A retirement *words*; *by_a_person* if somebody stopped it, perhaps to keep the cluster."""
        kept = f"If you stopped it to keep the cluster, pause now: {self._pause} Otherwise: if" if by_a_person else "If"
        return Text(
            happened=f"The retirement of an old cluster of {self._deployment} {words}.",
            done="The reconciliation starts it again within minutes, unless operations are paused. That of a whole "
            "managed cluster which is deleted it does not: delete the deployment's stack again then.",
            to_do=f"{kept} the stack of the old cluster is still there after half an hour, it costs money: read the "
            "history of the execution for the state at which it ended, and mend what it names.",
        )

    def monitor_silent(self) -> Text:
        """The monitor's heartbeat is missing."""
        return Text(
            happened=f"The monitor of {self._deployment} has finished no round for three minutes.",
            done="Nothing: nobody watches, and no failover would start. What serves goes on to serve.",
            to_do="Until it beats again you are the monitor: if Livy does not answer clients, start a failover, which "
            f"needs no monitor: {self._failover} {self._why_silent('monitor', 'round')} If DynamoDB is away, nothing "
            "can be judged or started until it is back.",
        )

    def attempts_exhausted(self, name: str) -> Text:
        """The last automatic operation of an incident failed."""
        return Text(
            happened=f"Managed cluster {name} of {self._deployment} is unhealthy, and three operations in a row did "
            "not mend it.",
            done="What each of them tried before its state Fence was undone. No further one starts by itself.",
            to_do="Find out in the messages of the three why they failed, mend that, then start a failover by hand: "
            f"{self.commands.operation('failover', name)}",
        )

    def terminated_by_a_person(self, name: str) -> Text:
        """Somebody else ended the cluster in service."""
        return Text(
            happened=f"The EMR cluster of managed cluster {name} of {self._deployment} was terminated by a person or a "
            "program outside of emr-dr.",
            done="Nothing: whoever ends a cluster does not want another one. Its clients get errors.",
            to_do="If that was a mistake, start a failover, which launches a new cluster: "
            f"{self.commands.operation('failover', name)} If it was meant, this alarm stays on, and after an hour "
            f"VerdictUnhealthy{name.upper()} too, until a failover brings another cluster into service or the strategy "
            "is deleted.",
        )

    def verdict_unknown(self, name: str, *, probers: int, minutes: int) -> Text:
        """Too few vantage points agree on a managed cluster."""
        return Text(
            happened=f"For {minutes} minutes nobody could tell whether managed cluster {name} of {self._deployment} is "
            "healthy: too few vantage points agree.",
            done="Nothing, as an unknown verdict never leads to an action. If the cluster fails now, no failover "
            "starts by itself.",
            to_do=f"The log of {self._deployment}-monitor says who saw what. Look at the functions "
            f"{self._deployment}-prober-1 to {probers} and their network; if you know that the cluster is dead, start "
            f"a failover: {self.commands.operation('failover', name)}",
        )

    def verdict_unhealthy(self, name: str, *, minutes: int) -> Text:
        """Nothing has mended a managed cluster."""
        return Text(
            happened=f"Managed cluster {name} of {self._deployment} has been unhealthy for {minutes} minutes.",
            done="What was tried did not help, or nothing was tried: operations are paused or kept back, the attempts "
            "are used up, a person ended the cluster, or EMR does not say whether a person did. The last of these "
            "raises no other alarm.",
            to_do=f"The log of {self._deployment}-monitor says in each round why nothing is started. How things stand: "
            f"{self._show} If nothing goes on, start a failover: {self.commands.operation('failover', name)}",
        )

    def prober_missing(self, *, probers: int, minutes: int) -> Text:
        """Fewer probers than there are have a voice."""
        name = f"{self._deployment}-prober"
        return Text(
            happened=f"For {minutes} minutes fewer than the {probers} probers of {self._deployment} have had a voice: "
            "one does not run, does not reach DynamoDB, or does not reach the front door.",
            done="Nothing: the others watch on. If an AZ fails now, those that are left may be too few to call a "
            "cluster dead, or to prove its successor, and no failover comes to its end.",
            to_do=f"Each run of a prober leaves lines in its log group, /aws/lambda/{name}-1 to {name}-{probers}, with "
            "its errors. Where there are none, see that its schedule is ENABLED: aws scheduler get-schedule --name "
            f"{name}-1 Where there are lines and no errors, look at the routes and security groups of its subnet, and "
            "at the load balancers. While an AZ is away this is expected.",
        )

    def certificate_problem(self) -> Text:
        """A prober was shown a certificate that it does not trust, or that ends soon."""
        return Text(
            happened=f"A certificate of {self._deployment} is not trusted, or ends within two weeks: that of the front "
            "door, or that of a cluster.",
            done="Nothing. Clusters are watched and replaced as ever, as none would have a better certificate. Clients "
            "that look at certificates are refused by an expired one.",
            to_do="The log says which certificate it is, and why: aws logs filter-log-events --log-group-name "
            f"/aws/lambda/{self._deployment}-monitor --filter-pattern '\"a certificate needs a person\"' "
            "Renew it, or put tls.authority_file right: docs/tls.md says how.",
        )

    def failover_blocked(self, name: str) -> Text:
        """A failover waits: the block after failovers, or the budget of launches."""
        acknowledge = self.commands.control(action="acknowledge", because="...", by="...")
        return Text(
            happened=f"Managed cluster {name} of {self._deployment} is unhealthy, and its failover waits: there were "
            "too many automatic failovers lately, or too many launches.",
            done="Nothing was started. It starts by itself when the window has passed.",
            to_do='Find out what the last failovers did not mend. The command below says with the action "show" which '
            f"of the two it is, and until when. If it is the block after failovers, lift it: {acknowledge} Or start "
            f"this one by hand, which neither hinders: {self.commands.operation('failover', name)}",
        )

    def paused(self) -> Text:
        """A person has paused."""
        return Text(
            happened=f"A person has paused automatic operations of {self._deployment}.",
            done="Incidents are noted and nothing answers them. Ids are still led to their cluster; failed retirements "
            "are not started again, and orphans stay. An operation that was under way goes on.",
            to_do="This alarm stays on until somebody resumes: "
            f"{self.commands.control(action='resume', by='...')} How things stand, and what still runs: {self._show}",
        )

    def common_cause(self) -> Text:
        """Every managed cluster is unhealthy at once."""
        return Text(
            happened=f"All managed clusters of {self._deployment} are unhealthy at once, in different AZs. The cause "
            "is hardly the clusters: think of a job, credentials, a bucket, a security group, the network.",
            done="One automatic failover at a time is tried all the same.",
            to_do=f"Look for what they have in common. If new clusters cannot help, pause: {self._pause}",
        )

    def availability_zone_shared(self) -> Text:
        """Several managed clusters serve in one AZ."""
        return Text(
            happened=f"Two managed clusters of {self._deployment} serve in the same availability zone: no other one "
            "had room when the younger of them was launched.",
            done="Both serve. If that zone fails now, everything stops until a cluster has been launched elsewhere.",
            to_do=f"Which of them is the younger one: {self._show} When another zone has room again, move it, which "
            f"disturbs no job: {self.commands.operation('switchover', self.managed_clusters[-1])} (or "
            f"{', '.join(self.managed_clusters[:-1])} instead of {self.managed_clusters[-1]})",
        )

    def launches_today(self, budget: int) -> Text:
        """The budget of automatic launches is used up."""
        return Text(
            happened=f"Automatic operations of {self._deployment} launched {budget} clusters in 24 hours: the budget "
            "for a day is used up.",
            done="What serves goes on to serve. The next automatic launch waits until the first of them is a day old.",
            to_do="Find out why clusters fail again and again, in the messages of the operations. A failover by hand "
            "is possible all the time, and monitor.launches_per_day in the settings changes the budget. How things "
            f"stand: {self._show}",
        )

    def standby_missing(self, name: str, *, minutes: int) -> Text:
        """No standby is verified, or nobody looks."""
        return Text(
            happened=f"Managed cluster {name} of {self._deployment} has had no verified standby for {minutes} minutes, "
            "or what keeps standbys is silent. What serves is not affected; a failover would launch a cluster, which "
            "takes ten minutes instead of one.",
            done="A standby is launched by itself, later after each launch that failed, and not while automatic "
            "operations are paused or half of their launches of a day are used up.",
            to_do=f"Read the messages of its launches, and the log of the function {self._deployment}-standby: each "
            f"minute it says why it launches none. How things stand: {self._show}",
        )

    def serving_unseeded(self, name: str) -> Text:
        """An incarnation serves that numbers outside of its range."""
        return Text(
            happened=f"The new cluster of managed cluster {name} of {self._deployment} numbers its jobs outside of its "
            "own range of ids: its step seed-livy did not work, twice.",
            done="It serves nevertheless, and ids of up to 8 digits lead to it. No other such cluster can serve until "
            "it has been gone for 7 days.",
            to_do="Read the output of its steps seed-livy, mend what it names, then launch a successor: "
            f"{self.commands.operation('switchover', name)}",
        )

    def ids_running_out(self, name: str, *, percent: int) -> Text:
        """An incarnation has used most of its range."""
        return Text(
            happened=f"The cluster of managed cluster {name} of {self._deployment} has used {percent} % or more of its "
            f"{IDS_PER_PREFIX:,} ids of batches, or of sessions.",
            done="Nothing. At the end of the range new jobs run, but every poll for them is answered 410, so that "
            "schedulers take them for lost and run them again and again. No poll reaches another cluster.",
            to_do="Before that, launch a successor, which brings a new range; the jobs of the old cluster end first, "
            f"and none is disturbed: {self.commands.operation('switchover', name)} The metric IdsUsed says how much is "
            "used, and how fast it grows.",
        )

    def fence_overdue(self, name: str) -> Text:
        """A 410 came although applications may run."""
        return Text(
            happened=f"Applications of an old cluster of managed cluster {name} of {self._deployment} are not known to "
            "be dead although its end was requested long ago.",
            done="Its ids answer 410 nevertheless, so that clients run their jobs again.",
            to_do="A job that ran on it may run twice: check the outputs of jobs that were submitted again, and see "
            "that EMR terminates the old cluster.",
        )

    def retirement_overdue(self, name: str) -> Text:
        """The retirement of an old incarnation does not get on."""
        return Text(
            happened=f"The stack of an old cluster of managed cluster {name} of {self._deployment} is still there and "
            "costs money: for half an hour it could not be fenced, its ids could not be closed, or it could not be "
            "deleted.",
            done="That is tried again and again. A message of its own names the state of the retirement, and what it "
            "waits for or which error it meets.",
            to_do="Read that message. If it is the deletion, the last event of the stack in CloudFormation that failed "
            "says what hinders it. While an AZ is away this is expected.",
        )

    def drain_overdue(self, name: str) -> Text:
        """Jobs of an incarnation that was replaced as planned run on."""
        return Text(
            happened=f"A cluster of managed cluster {name} of {self._deployment} was replaced as planned, and its jobs "
            "did not come to their end within the limit.",
            done="It lingers so that clients read results; then what still runs is killed and its ids answer 410. A "
            "message of its own lists what still runs.",
            to_do="Nothing, if the jobs are retried by their scheduler. If they need longer as a rule, raise "
            "controller.drain_limit_seconds in the settings.",
        )

    def reconciliation_silent(self) -> Text:
        """The reconciliation's heartbeat is missing."""
        return Text(
            happened=f"For five minutes nobody has compared what {self._deployment} consists of with its record.",
            done="Nothing. Failovers work all the same; what is left over or was changed by hand stays as it is.",
            to_do=self._why_silent("reconcile", "run"),
        )

    def orphans(self) -> Text:
        """Something carries our name and tags that no record knows."""
        return Text(
            happened=f"There are stacks or EMR clusters with the name and tags of {self._deployment} that its record "
            "does not know.",
            done="They are told of for as long as controller.orphan_seconds says, then removed. One that gets traffic, "
            "or is a copy of a cluster in the record, is never removed by itself.",
            to_do=f"A message of its own lists them. If one is wanted, pause at once: {self._pause} Then change the "
            "tag emr-dr:deployment on its stack and on its cluster before you resume. The time runs on while you "
            "pause: what carries the tag after that is removed within minutes.",
        )

    def notices_refused(self) -> Text:
        """The alert topic refused a message."""
        return Text(
            happened=f"The alert topic refused a message of {self._deployment}.",
            done="The operation went on, and the message stands in the log of the function that wrote it. This alarm "
            "is told to the same topic: as long as that refuses everything, only the CloudWatch console shows it.",
            to_do=f"Search the log groups /aws/lambda/{self._deployment}-* for 'the alert topic refused a message', "
            "and check the topic, its policy and its key.",
        )

    def execution_ended_errors(self) -> Text:
        """What tidies up after executions raised."""
        return Text(
            happened=f"The function {self._deployment}-execution-ended raised an error.",
            done="Lambda calls it again, twice at most; then its event goes to a dead-letter queue, of which another "
            "alarm tells.",
            to_do="An operation that failed or was stopped may not have been tidied up: what it launched may still "
            "cost money, CloudFormation may wait up to an hour, and no message may have come. The log group "
            f"/aws/lambda/{self._deployment}-execution-ended has the cause. How things stand: {self._show}",
        )

    def managed_cluster_errors(self) -> Text:
        """What answers CloudFormation raised."""
        return Text(
            happened=f"The function {self._deployment}-managed-cluster raised an error.",
            done="Lambda calls it again, twice at most. After that nobody answers CloudFormation.",
            to_do="A deploy or a deletion may hang for up to an hour. Read the log group "
            f"/aws/lambda/{self._deployment}-managed-cluster: the error stands there with its cause. Mend it, then "
            "deploy or delete again.",
        )

    def schedule_dead_letters(self, queue_url: str) -> Text:
        """A run that a schedule owed did not come to its end."""
        return Text(
            happened=f"A run of a prober, of the monitor or of the reconciliation of {self._deployment} was given up.",
            done="The run of the next minute looks again. What was given up lies in a queue for 14 days.",
            to_do=f"The attributes there say why: {self.commands.read_dead_letters(queue_url)} Search a RequestID in "
            f"the log groups /aws/lambda/{self._deployment}-* to see whose it is. While an AZ is away, one each minute "
            "from its prober is expected. When all is well, empty the queue, which ends this alarm: "
            f"{self.commands.empty(queue_url)}",
        )

    def execution_dead_letters(self, queue_url: str) -> Text:
        """The bad end of an execution was not handled."""
        return Text(
            happened=f"Nobody tidied up after an execution of {self._deployment} that failed or was stopped.",
            done="Its event lies in a queue for 14 days. CloudFormation may wait up to an hour, and no message may "
            "have come.",
            to_do=f"detail.executionArn of the event names it: {self.commands.read_dead_letters(queue_url)} Read why "
            f"in the log group /aws/lambda/{self._deployment}-execution-ended. When that is mended, invoke this "
            "function with the event as its payload; more than once does no harm. Then empty the queue, which ends "
            f"this alarm: {self.commands.empty(queue_url)}",
        )

    @property
    def _deployment(self) -> str:
        return self.commands.deployment

    @property
    def _show(self) -> str:
        return self.commands.control(action="show")

    @property
    def _pause(self) -> str:
        return self.commands.control(action="pause", because="...", by="...")

    @property
    def _failover(self) -> str:
        """The command for a failover of whichever managed cluster needs it."""
        first, *others = self.managed_clusters
        command = self.commands.operation("failover", first)
        return f"{command} (or {', '.join(others)} instead of {first})" if others else command

    def _why_silent(self, function: str, run: str) -> str:
        name = f"{self._deployment}-{function}"
        return (
            f"The log group /aws/lambda/{name} says why a {run} failed. If it is empty, see that the schedule {name} "
            f"is ENABLED: aws scheduler get-schedule --name {name}"
        )
