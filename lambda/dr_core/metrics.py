"""Names of the metrics that functions write and alarms read.

Every metric has the dimension ``service`` with the deployment's name; those of one managed cluster have
``managed_cluster`` too.
"""

from __future__ import annotations

NAMESPACE = "EmrDr"
DEPLOYMENT_DIMENSION = "service"
MANAGED_CLUSTER_DIMENSION = "managed_cluster"

# Of the deployment: 1 for each round of the monitor that judged every managed cluster; missing is bad.
MONITOR_HEARTBEAT = "MonitorHeartbeat"
# Of the deployment, each round in which something was judged: how many probers have a voice.
PROBERS_HEARD = "ProbersHeard"
# Of the deployment, each round in which something was judged, where TLS is spoken: how many things are to be told of
# certificates that are not trusted, or will not be for long.
CERTIFICATE_PROBLEMS = "CertificateProblems"
# Of the deployment, when it happens: 1 for each message that the alert topic refused.
NOTICES_REFUSED = "NoticesRefused"

# Of the deployment, each round: 1 while a person has paused automatic operations.
PAUSED = "Paused"
# Of the deployment, each round: how many clusters automatic operations launched in the last 24 hours.
LAUNCHES_TODAY = "LaunchesToday"
# Of the deployment, each round: 1 while every managed cluster is unhealthy at once.
COMMON_CAUSE = "CommonCause"
# Of the deployment, each round: in how many AZs several managed clusters serve, which the end of one AZ would take.
AVAILABILITY_ZONES_SHARED = "AvailabilityZonesShared"
# Of the deployment, each minute: 1 for each run of the reconciliation that looked at everything; missing is bad.
RECONCILED = "Reconciled"
# Of the deployment, each minute: how many stacks and clusters carry our name and are in no record.
ORPHANS = "Orphans"
# Of the deployment, when it happens: 1 for each rule or target that was not as the record says, and was put right.
DRIFT_REPAIRED = "DriftRepaired"

# Of a managed cluster, each round: 1 if that was the verdict, else 0.
VERDICT_UNHEALTHY = "VerdictUnhealthy"
VERDICT_UNKNOWN = "VerdictUnknown"
# Of a managed cluster, when it happens: 1.
TERMINATED_BY_A_PERSON = "TerminatedByAPerson"
ATTEMPTS_EXHAUSTED = "AttemptsExhausted"
# Of a managed cluster, each round: 1 while a failover waits for a person (block, or launch budget).
FAILOVER_BLOCKED = "FailoverBlocked"
# Of a managed cluster that keeps a standby, each minute: 1 while none is verified, else 0; missing is bad.
STANDBY_MISSING = "StandbyMissing"
# Of a managed cluster, each minute in which its Livy tells: how much of its range of ids is used up, in percent.
IDS_USED = "IdsUsed"
# Of a managed cluster, when it happens: 1.
REPAIRED = "Repaired"
SERVING_UNSEEDED = "ServingUnseeded"
SLOT_EVICTED = "SlotEvicted"
DRAIN_OVERDUE = "DrainOverdue"
# Of a managed cluster, when the monitor starts an operation: seconds since the first bad evidence.
DETECT_SECONDS = "DetectSeconds"

# Of a managed cluster, when an operation reaches its end: how long each phase took, in seconds.
PHASE_SECONDS = {
    "decide": "DecideSeconds",
    "launch": "LaunchSeconds",
    "verify": "VerifySeconds",
    "cut_over": "CutOverSeconds",
}
# Of a managed cluster, when it happens: 1.
FENCE_OVERDUE = "FenceOverdue"
RETIREMENT_OVERDUE = "RetirementOverdue"
