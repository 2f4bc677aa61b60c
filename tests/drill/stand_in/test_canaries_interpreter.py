"""Canaries for ``emr_drill.stand_in.interpreter`` and ``step_functions``: moto's interpreter of state machines.

A failure means that another moto is installed: read the new source, fit the replacement, then the hash here.
"""

from __future__ import annotations

import inspect
import types
from typing import Any

import moto.stepfunctions.models as machine_models
import pytest
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import Timeout
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.utils import boto_client, json_path
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends
from moto.stepfunctions.responses import StepFunctionResponse

from emr_drill.stand_in.interpreter import DATED_MODULES
from emr_drill.stand_in.patching import original

from .canary import fingerprint


@pytest.mark.parametrize(
    ("owner", "name", "expected"),
    [
        (WaitFunction, "_wait_interval", "2baecc23124b"),  # machine seconds
        (Timeout, "_eval_body", "0c02536d1209"),  # machine seconds
        (ExecutionState, "_evaluate_with_timeout", "024c6f9bf003"),  # waits for what Timeout put on the stack
        (Program, "eval", "b8bfa1cb68d3"),  # machine seconds
        (Program, "_eval_body", "8cd70f4f6e69"),  # started without EvalComponent.eval
        (RetrierDecl, "_eval_body", "6a1a0c8aad10"),  # time.sleep is all it takes from `time`
        (lambda_eval_utils, "_invoke_lambda_function", "0ebcddb746e4"),  # a new client for each call
        (Environment, "set_error", "4caa76a68982"),  # also after a stop
        (Environment, "set_stop", "3bddad3ad761"),  # only once it runs
        (EventManager, "_get_current_timestamp", "142b0a1f2525"),  # the machine's date
        (json_path, "extract_json", "932245247973"),  # a list for $.a[0].b
        (boto_client, "boto_client_for", "1f44dc2ac8aa"),  # looks up moto_server_port when called
        (StepFunctionsParserBackend, "start_execution", "f09a7457fe06"),  # no lock, and "None" for no name
        (StateMachine, "_handle_name_input_idempotency", "cc38771b4fab"),  # as on AWS, relied on
        (Execution, "start", "1ab86e01d4ba"),
        (Execution, "stop", "a99e0e4c1145"),  # RUNNING until the state has ended
        (Execution, "status", "e5241087f909"),  # fails before the start
        (BaseExecutionWorkerCommunication, "terminated", "60ae632ef979"),
        (BaseExecutionWorkerCommunication, "_reflect_execution_status", "376298d05af9"),
        (StepFunctionResponse, "stop_execution", "86d2841f7070"),  # forgets error and cause
    ],
)
def test_what_the_interpreter_replaces_is_as_it_was(owner: Any, name: str, expected: str) -> None:
    assert fingerprint(owner, name) == expected


@pytest.mark.parametrize("module", DATED_MODULES)
def test_dates_come_from_the_modules_own_datetime(module: types.ModuleType) -> None:
    assert inspect.ismodule(original(module, "datetime"))
    assert "datetime.datetime.now(" in inspect.getsource(module)


def test_back_off_comes_from_the_modules_own_time() -> None:
    assert inspect.ismodule(original(retrier_decl, "time"))


def test_machines_of_stacks_go_where_nothing_executes_them() -> None:
    assert original(machine_models, "stepfunctions_backends") is not stepfunctions_parser_backends
    assert "stepfunctions_backends[account_id][region_name]" in inspect.getsource(
        StateMachine.create_from_cloudformation_json
    )


def test_a_definite_path_through_a_list_gives_a_list() -> None:
    assert original(json_path, "extract_json")("$.a[0].b", {"a": [{"b": "x"}]}) == ["x"]
