"""IAM in the stand-in: a call that the caller's role does not allow is refused.

Checked are the calls of the deployed functions, and those that CloudFormation makes with the role of an incarnation's
stack: each against the policies that the deployed templates gave that role, with the ARNs, tags and addresses of this
very call.  moto keeps the policies; it does not look at conditions, and is asked for nothing else.

A refused call is in the journal: ``{"at", "kind": "call refused", "role", "action", "resource", "why"}``.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, unquote

from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends
from moto.ec2.models import ec2_backends
from moto.iam.models import Role, iam_backends
from moto.kms.models import kms_backends
from moto.sns.models import sns_backends

from emr_drill.authorization.conditions import Context
from emr_drill.authorization.decision import Request, decide
from emr_drill.authorization.documents import Statement, parse_policy
from emr_drill.authorization.needs import Need, UnknownCallError, needs_of
from emr_drill.stand_in.api_actions import Refusal, action_of, encoded, refused
from emr_drill.stand_in.http_server import Application
from emr_drill.stand_in.latency import called_service, calling_key, internal

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

CALL_REFUSED = "call refused"
_ACTION_LIST = re.compile(r"(.+)\.member\.(\d+)(?:\.(.+))?")
_FUNCTION_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")


class Journal(Protocol):
    """Where entries go."""

    def append(self, entry: dict[str, Any], /) -> None: ...


class Guard:
    """Asks the policies of the caller's role.  Thread-safe."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in
        self._lock = threading.Lock()
        self._parsed: dict[str, tuple[Statement, ...]] = {}
        self._checked = 0

    @property
    def checked(self) -> int:
        """How many permissions were asked for, and looked up in the policies of a role."""
        return self._checked

    @property
    def account(self) -> str:
        """The account."""
        return self._stand_in.account

    @property
    def region(self) -> str:
        """The region."""
        return self._stand_in.region

    def cluster_tags(self, cluster_id: str) -> Mapping[str, str]:
        """Tags of a cluster; none of one that nobody knows."""
        clusters = getattr(self._stand_in, "clusters", None)
        return clusters.tags_of(cluster_id) if clusters is not None else {}

    def interface_context(self, interface_id: str) -> Context:
        """Subnet and tags of a network interface; nothing of one that nobody knows."""
        backend = ec2_backends[self.account][self.region]
        interface = backend.enis.get(interface_id)
        if interface is None:
            return {}
        tags = {f"aws:ResourceTag/{tag['key']}": str(tag["value"]) for tag in interface.get_tags()}
        subnet = f"arn:aws:ec2:{self.region}:{self.account}:subnet/{interface.subnet.id}"
        return {**tags, "ec2:Subnet": subnet}

    def topic_key(self, topic_arn: str) -> str | None:
        """ARN of the key that encrypts a topic."""
        topic = sns_backends[self.account][self.region].topics.get(topic_arn)
        key = str(topic.kms_master_key_id or "") if topic is not None else ""
        if not key:
            return None
        return key if key.startswith("arn:") else f"arn:aws:kms:{self.region}:{self.account}:key/{key}"

    def partition_key(self, table: str) -> str | None:
        """Name of the partition key of a table."""
        found = dynamodb_backends[self.account][self.region].tables.get(table)
        return str(found.hash_key_attr) if found is not None else None

    def refusal(self, role_arn: str, needs: Iterable[Need]) -> str | None:
        """Why a role may not have *needs*; None if it may.  What is refused is written down."""
        role = self._held(role_arn)
        if role is None:
            return None
        identity = [each for document in list(role.policies.values()) for each in self._parse(document)]
        boundary = self._boundary(role)
        for need in needs:
            request = Request(principal=role_arn, action=need.action, resource=need.resource, context=need.context)
            decision = decide(request, identity=identity, resource=self._resource_policy(need), boundary=boundary)
            with self._lock:
                self._checked += 1
            if not decision.allowed:
                self._note(role_arn, need.action, need.resource, decision.why)
                return f"{role_arn} is not authorized to perform {need.action} on {need.resource}: {decision.why}"
        return None

    def check(self, role_arn: str, action: str, needs: Iterable[Need]) -> None:
        """Let a call of *action* with a role pass.

        Raises:
            ClientError: the role may not.
        """
        why = self.refusal(role_arn, needs)
        if why is not None:
            error = refused(Refusal.DENIED, action)
            raise ClientError({"Error": {"Code": error.code, "Message": why}}, action.partition(":")[2])

    def middleware(self, application: Application) -> Application:
        """*application*, which answers functions only what their roles allow."""

        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            functions = getattr(self._stand_in, "functions", None)
            if functions is None or internal(environ):
                return application(environ, start_response)
            role = functions.role_of(calling_key(environ))
            action = action_of(environ) if role else None
            if not role or action is None or self._allowed(role, action, environ):
                return application(environ, start_response)
            error = refused(Refusal.DENIED, action)
            headers, body = encoded(error, action.partition(":")[0])
            start_response(f"{error.status} Denied", [*headers.items(), ("Content-Length", str(len(body)))])
            return [body]

        return answer

    def _allowed(self, role: str, action: str, environ: dict[str, Any]) -> bool:
        try:
            needs = needs_of(action, parameters_of(environ), self)
        except UnknownCallError as error:
            if self._held(role) is None:
                return True
            self._note(role, action, "*", str(error))
            return False
        return self.refusal(role, needs) is None

    def _held(self, role_arn: str) -> Role | None:
        """A role that is held to its own policies; None for one that has none at all, as those of tests."""
        role = next((each for each in iam_backends[self.account]["aws"].get_roles() if each.arn == role_arn), None)
        return role if role is not None and role.policies else None

    def _boundary(self, role: Role) -> Sequence[Statement] | None:
        """The statements of a role's permissions boundary, of which one that is not there allows nothing."""
        arn = role.permissions_boundary_arn
        if not arn:
            return None
        policy = iam_backends[self.account]["aws"].managed_policies.get(arn)
        if policy is None:
            return ()
        return [
            statement
            for version in policy.versions
            if version.is_default
            for statement in self._parse(version.document)
        ]

    def _resource_policy(self, need: Need) -> Sequence[Statement] | None:
        if not need.action.startswith("kms:"):
            return None  # of the other kinds of resources none of ours lets a role in, or keeps one out
        key = kms_backends[self.account][self.region].keys.get(need.resource.rpartition("/")[2])
        return self._parse(key.policy) if key is not None else None

    def _parse(self, document: str | Mapping[str, Any]) -> tuple[Statement, ...]:
        text = document if isinstance(document, str) else json.dumps(document)
        with self._lock:
            if text not in self._parsed:
                self._parsed[text] = parse_policy(json.loads(text))
            return self._parsed[text]

    def _note(self, role: str, action: str, resource: str, why: str) -> None:
        self._stand_in.journal.append(
            {
                "at": self._stand_in.clock.now(),
                "kind": CALL_REFUSED,
                "role": role.rpartition("/")[2],
                "action": action,
                "resource": resource,
                "why": why,
            }
        )


def parameters_of(environ: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a request, by the names of its API; its body can be read again afterwards."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return _form(parse_qsl(body.decode(), keep_blank_values=True))
    if found := _FUNCTION_PATH.fullmatch(environ.get("PATH_INFO", "")):
        return {"FunctionName": unquote(found[1])}
    if called_service(environ) == "s3":
        bucket, _, key = unquote(environ.get("PATH_INFO", "")).lstrip("/").partition("/")
        source = unquote(environ.get("HTTP_X_AMZ_COPY_SOURCE", "")).lstrip("/")
        return {"Bucket": bucket, "Key": key, **({"CopySource": source} if source else {})}
    return dict(json.loads(body)) if body else {}


def _form(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """``StackName=a&Tags.member.1.Key=b`` as parameters; deeper structures than these are of no matter to anybody."""
    found: dict[str, Any] = {}
    lists: dict[str, dict[int, Any]] = {}
    for name, value in pairs:
        part = _ACTION_LIST.fullmatch(name)
        if part is None:
            found[name] = value
        elif part[3] is None:
            lists.setdefault(part[1], {})[int(part[2])] = value
        else:
            lists.setdefault(part[1], {}).setdefault(int(part[2]), {})[part[3]] = value
    return {**found, **{name: [items[key] for key in sorted(items)] for name, items in lists.items()}}
