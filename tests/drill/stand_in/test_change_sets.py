"""Change sets, by which the CDK's command line deploys and shows what will change (B13)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.model import Shape

from .change_set_world import created, described, propose
from .stack_world import StackWorld, answer, queue_template, stack_world

NO_CHANGES = "The submitted information didn't contain changes."


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    with stack_world(Path(tmp_path_factory.mktemp("world"))) as running:
        yield running


def execute(world: StackWorld, change_set: str, **options: Any) -> str:
    """The status of the stack after a change set was executed."""
    stack = described(world, change_set)["StackId"]
    world.client("cloudformation").execute_change_set(ChangeSetName=change_set, **options)
    return world.settled(stack)


def misfits(value: Any, shape: Shape, where: str) -> list[str]:
    """What an answer has that botocore's model does not."""
    known: Any = shape
    if isinstance(value, Mapping) and known.type_name == "structure":
        found = [f"{where}.{key}" for key in value if key not in known.members]
        for key in value.keys() & known.members.keys():
            found += misfits(value[key], known.members[key], f"{where}.{key}")
        return found
    if isinstance(value, list):
        return [each for item in value for each in misfits(item, known.member, where)]
    allowed = getattr(known, "enum", None)
    return [f"{where} = {value}"] if allowed and value not in allowed else []


# Creation


def refused(world: StackWorld, name: str, *, reason: str) -> dict[str, Any]:
    """A template of something that cannot be made."""

    def handler(event: dict[str, Any]) -> None:
        answer(event, **({"Status": "FAILED", "Reason": reason} if event["RequestType"] == "Create" else {}))

    arn = world.function(name, handler)
    return {"Resources": {"A": {"Type": "Custom::Thing", "Properties": {"ServiceToken": arn}}}}


def test_a_stack_is_in_review_until_the_change_set_is_executed(world: StackWorld) -> None:
    change_set = propose(world, "reviewed", queue_template(), "CREATE")

    before = world.stack("reviewed")["StackStatus"]
    after = execute(world, change_set)

    assert (before, after) == ("REVIEW_IN_PROGRESS", "CREATE_COMPLETE")
    assert [event[1] for event in world.events("reviewed") if event[0] == "reviewed"] == [
        "REVIEW_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]


def test_what_is_made_is_named_before(world: StackWorld) -> None:
    change_set = described(world, propose(world, "named", queue_template(), "CREATE"))

    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    change = change_set["Changes"][0]["ResourceChange"]
    assert (change["Action"], change["LogicalResourceId"], change["ResourceType"]) == (
        "Add",
        "Queue",
        "AWS::SQS::Queue",
    )


def test_tags_and_parameters_of_a_change_set_are_the_stack_s(world: StackWorld) -> None:
    template = {"Parameters": {"Colour": {"Type": "String"}}, **queue_template()}
    options = {
        "Parameters": [{"ParameterKey": "Colour", "ParameterValue": "blue"}],
        "Tags": [{"Key": "team", "Value": "data"}],
    }

    execute(world, propose(world, "tagged", template, "CREATE", **options))

    stack = world.stack("tagged")
    assert stack["Tags"] == options["Tags"]
    assert stack["Parameters"] == options["Parameters"]


def test_a_stack_in_review_can_be_deleted(world: StackWorld) -> None:
    """`cdk diff` of a stack that was never deployed leaves nothing behind."""
    propose(world, "given-up", queue_template(), "CREATE")
    stack = world.stack("given-up")["StackId"]

    world.client("cloudformation").delete_stack(StackName=stack)

    assert world.settled(stack) == "DELETE_COMPLETE"


def test_a_stack_in_review_takes_another_change_set(world: StackWorld) -> None:
    propose(world, "twice", queue_template(), "CREATE")
    other = propose(world, "twice", queue_template(), "CREATE", ChangeSetName="other")

    assert execute(world, other) == "CREATE_COMPLETE"


def test_a_stack_that_exists_is_not_created_again(world: StackWorld) -> None:
    created(world, "there", queue_template())

    with pytest.raises(ClientError, match=r"Stack \[there\] already exists and cannot be created again"):
        propose(world, "there", queue_template(), "CREATE")


def test_a_failed_creation_is_rolled_back_with_the_reason_in_its_events(world: StackWorld) -> None:
    """What the command line prints when a deploy fails."""
    template = refused(world, "refuse", reason="no capacity in any AZ")

    status = execute(world, propose(world, "refused", template, "CREATE"))

    reasons = [event[2] for event in world.events("refused") if event[:2] == ("A", "CREATE_FAILED")]
    assert status == "ROLLBACK_COMPLETE"
    assert "no capacity in any AZ" in reasons[0]


def test_a_failed_creation_stays_for_whoever_asks_for_that(world: StackWorld) -> None:
    template = refused(world, "refuse-2", reason="no")

    assert execute(world, propose(world, "kept", template, "CREATE"), DisableRollback=True) == "CREATE_FAILED"


def test_a_stack_may_import_what_another_one_exports(world: StackWorld) -> None:
    exporting = {**queue_template(), "Outputs": {"Id": {"Value": {"Ref": "Queue"}, "Export": {"Name": "exporting:Id"}}}}
    created(world, "exporting", exporting)
    importing = {**queue_template(), "Outputs": {"Id": {"Value": {"Fn::ImportValue": "exporting:Id"}}}}

    assert execute(world, propose(world, "importing", importing, "CREATE")) == "CREATE_COMPLETE"


def test_a_wrong_template_reserves_no_name(world: StackWorld) -> None:
    with pytest.raises(ClientError, match="Unresolved resource dependencies"):
        propose(world, "wrong", queue_template(DependsOn="Nothing"), "CREATE")

    with pytest.raises(ClientError, match="Stack with id wrong does not exist"):
        world.stack("wrong")


# Update


def test_an_executed_change_set_changes_the_stack(world: StackWorld) -> None:
    told: list[tuple[str, str]] = []

    def handler(event: dict[str, Any]) -> None:
        told.append((event["RequestType"], event["ResourceProperties"]["Size"]))
        answer(event)

    arn = world.function("sized", handler)

    def template(size: str) -> dict[str, Any]:
        return {"Resources": {"A": {"Type": "Custom::Thing", "Properties": {"ServiceToken": arn, "Size": size}}}}

    created(world, "sized", template("small"))

    status = execute(world, propose(world, "sized", template("large"), "UPDATE"))

    assert status == "UPDATE_COMPLETE"
    assert told == [("Create", "small"), ("Update", "large")]


def test_nothing_to_do_is_a_failed_change_set_in_cloudformation_s_words(world: StackWorld) -> None:
    """By which the command line knows that there is nothing to deploy."""
    created(world, "same", queue_template())

    change_set = propose(world, "same", queue_template(), "UPDATE")

    found = described(world, change_set)
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert found["StatusReason"].startswith(NO_CHANGES)
    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        execute(world, change_set)


def test_a_stack_that_does_not_exist_is_not_updated(world: StackWorld) -> None:
    with pytest.raises(ClientError, match=r"Stack \[nowhere\] does not exist"):
        propose(world, "nowhere", queue_template(), "UPDATE")


# Their own life


def test_a_name_is_used_once_for_a_stack(world: StackWorld) -> None:
    first = propose(world, "once", queue_template(), "CREATE", ClientToken="token")

    assert propose(world, "once", queue_template(), "CREATE", ClientToken="token") == first
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        propose(world, "once", queue_template(), "CREATE", ClientToken="another")


def test_the_command_line_finds_a_deleted_one_gone_and_may_delete_it_again(world: StackWorld) -> None:
    client = world.client("cloudformation")
    change_set = propose(world, "gone", queue_template(), "CREATE")

    client.delete_change_set(ChangeSetName="proposed", StackName="gone")
    client.delete_change_set(ChangeSetName="proposed", StackName="gone")

    with pytest.raises(client.exceptions.ChangeSetNotFoundException):
        described(world, change_set)


def test_one_of_an_older_stack_is_void(world: StackWorld) -> None:
    stack = created(world, "older", queue_template(Properties={"VisibilityTimeout": 30}))
    change_set = propose(world, "older", queue_template(Properties={"VisibilityTimeout": 60}), "UPDATE")

    world.update(stack, {**queue_template(Properties={"VisibilityTimeout": 30}), "Outputs": {"A": {"Value": "b"}}})
    world.settled(stack)

    assert described(world, change_set)["ExecutionStatus"] == "OBSOLETE"
    with pytest.raises(ClientError, match="OBSOLETE"):
        execute(world, change_set)


def test_executing_one_voids_the_others(world: StackWorld) -> None:
    chosen = propose(world, "others", queue_template(), "CREATE")
    propose(world, "others", queue_template(), "CREATE", ChangeSetName="other")

    execute(world, chosen)

    found = world.client("cloudformation").list_change_sets(StackName="others")["Summaries"]
    assert [(each["ChangeSetName"], each["ExecutionStatus"]) for each in found] == [("proposed", "EXECUTE_COMPLETE")]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("DeploymentMode", "REVERT_DRIFT"),
        ("DeploymentConfig", {"Mode": "EXPRESS"}),
        ("RollbackConfiguration", {"MonitoringTimeInMinutes": 5}),
    ],
)
def test_what_would_not_be_done_is_refused_by_name(world: StackWorld, option: str, value: Any) -> None:
    with pytest.raises(ClientError, match=rf"do not know {option}"):
        propose(world, "unknown", queue_template(), "CREATE", **{option: value})


def test_answers_are_those_of_botocore_s_model(world: StackWorld) -> None:
    """Every field and every value of an enumeration, before anything of them is lost in serialization."""
    from emr_drill.stand_in import change_sets

    both = queue_template(Properties={"QueueName": "a"})["Resources"] | {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}
    }
    created(world, "model", {"Resources": both})
    after = queue_template(Properties={"VisibilityTimeout": 60})["Resources"] | {
        "Other": {"Type": "AWS::SNS::Topic", "Properties": {}}
    }
    propose(world, "model", {"Resources": after}, "UPDATE")
    found = change_sets.installed().of("model")[0]

    model = world.client("cloudformation").meta.service_model
    shapes = {name: model.operation_model(name).output_shape for name in ("DescribeChangeSet", "ListChangeSets")}
    whole = found.described(values=True) | {"Parameters": []}
    whole["Changes"] = [{"Type": "Resource", "ResourceChange": change} for change in whole["Changes"]]
    assert {change["ResourceChange"]["Action"] for change in whole["Changes"]} == {"Add", "Modify", "Remove"}
    assert misfits(whole, shapes["DescribeChangeSet"], "DescribeChangeSet") == []
    assert misfits({"Summaries": [found.summary()]}, shapes["ListChangeSets"], "ListChangeSets") == []


def test_termination_protection_can_be_switched(world: StackWorld) -> None:
    created(world, "protected", queue_template())

    world.client("cloudformation").update_termination_protection(
        StackName="protected", EnableTerminationProtection=True
    )

    assert world.stack("protected")["EnableTerminationProtection"] is True
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        world.client("cloudformation").delete_stack(StackName="protected")
