# Copyright (c) 2026, kubevirt_ops.live_migration contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
# Found before the environment's own Python stands on the PATH, and handed on to the makes that `make test` starts.
override PYTHON := $(or $(shell command -v $(PYTHON)),$(PYTHON))
export PYTHON
# Extra arguments for pytest: make unit ARGS="-k deadline"
ARGS ?=
# What `make demo` shows: a file of tests/cluster/scenarios without its .yml (make demo SCENARIO=all).
SCENARIO ?= demo
# How many processes share the tests of one step.
WORKERS ?= 2

BIN := .build/venv/bin
# Some tools know a collection by where it lies.
IN_COLLECTIONS := .build/collections/ansible_collections/kubevirt_ops/live_migration
HOUSE_TEST := tests/unit/test_house.py
PACKAGE_TEST := tests/integration/test_collection_package.py
PYTEST = $(BIN)/python -m pytest --junitxml=.build/results/$@.xml $(ARGS)

# The checkout is found under the collection's full name; nothing outside .build and the cache is written.
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build/collections
export ANSIBLE_HOME := $(CURDIR)/.build/ansible
export LIVE_MIGRATION_COLLECTIONS := $(CURDIR)/.build/collections
export PYTHONPATH := $(CURDIR)/.build/collections
export RUFF_CACHE_DIR := $(CURDIR)/.build/ruff
export PATH := $(CURDIR)/.build/venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup cluster demo check format causes tuning changelog unit mutants contract integration build sanity test
.PHONY: ansible-test cause matrix test-matrix release site test-chain test-placement test-mutants soak bench bench-cancel bench-report bench-alert look pictures clean distclean

help: ## Show what can be made
	@$(PYTHON) -c 'import re; [print(f"\n{m[3]}" if m[3] else f"  make {m[1]:<14} {m[2]}") for m in re.finditer(r"^(?:([\w-]+):.*?## (.*)|##@ (.*))$$", open("Makefile").read(), re.M)]'

##@ Look at it
demo: setup ## Start a test cluster with stuck migrations, diagnose it as a user would, stop it
	@$(BIN)/python -m tests.demo '$(SCENARIO)'

##@ Prepare
setup: ## Make the Python environment (in the user's cache) and the import tree (in .build)
	@$(PYTHON) -m tests.make.environment dev

cluster: setup ## Build the API server and etcd for the tests (in the user's cache; minutes, once)
	$(BIN)/python -m tests.cluster build

##@ Check, seconds
check: setup ## Format, lint, types, YAML, Ansible rules, documentation, changelog, the house test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.make.types
	$(BIN)/yamllint --strict .
	cd $(IN_COLLECTIONS) && ansible-lint --strict
	$(BIN)/antsibull-changelog lint
	$(BIN)/python -m tests.make.docs_lint lint-collection-docs --plugin-docs --validate-collection-refs self .
	$(PYTEST) $(HOUSE_TEST)

format: setup ## Write the files as the formatter wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

unit: setup ## Tests without a cluster
	$(PYTEST) -n $(WORKERS) --ignore=$(HOUSE_TEST) tests/unit

mutants: setup ## A fixed part of the small changes that the tests of the verdict room should notice
	$(BIN)/python -m tests.mutants --sample 240

causes: setup ## Write docs/causes.md from the catalogue of causes
	$(BIN)/python -m tests.make.causes_page

cause: setup ## The skeleton of a new cause: make cause CODE=NodeOnFire TITLE="The node burns" (ACTS, AFTER, WHEN: see CONTRIBUTING)
	@$(BIN)/python -m tests.make.new_cause "$$CODE" --title "$$TITLE" --acts "$${ACTS:-F}" --after "$${AFTER:-SELinuxContextMissing}" --when "$${WHEN:-before-hand-over}"

tuning: setup ## Compute the tables and examples of docs/tuning.md
	$(BIN)/python -m tests.make.tuning_page

changelog: setup ## Write the changelog of the version in galaxy.yml from its fragments and its plugins
	cd $(IN_COLLECTIONS) && antsibull-changelog release --update-existing --reload-plugins

##@ Test, minutes
contract: cluster ## Our CustomResourceDefinitions and field paths against KubeVirt's own (LIVE_MIGRATION_CRDS names their folder)
	$(PYTEST) tests/contract

integration: cluster ## Modules, filters, role and playbook on the test cluster
	@$(PYTHON) -m tests.make.environment awx
	$(PYTEST) -n $(WORKERS) --ignore=$(PACKAGE_TEST) tests/integration

test-chain: cluster ## From an alert to the migrated VM: Prometheus, Alertmanager, ansible-rulebook (Java 17 is fetched where there is none)
	@$(PYTHON) -m tests.make.environment eda
	$(PYTEST) -n $(WORKERS) --dist loadfile tests/chain

look: setup ## The pages in Chromium: axe-core, without a script, on a phone, the copy button (skipped where there is no Chromium)
	@$(PYTHON) -m tests.make.environment look
	$(PYTEST) -rs tests/look

build: setup site ## Build the tarball, install it without a network, try each plugin, import it as Galaxy does; and the site
	$(PYTHON) -m tests.make.environment importer
	$(BIN)/python -m tests.make.package
	$(PYTEST) $(PACKAGE_TEST)

sanity: setup ## ansible-test sanity, all of it
	$(BIN)/python -m tests.make.sanity

test: ## check, unit, a part of mutants, contract, build, integration, matrix, test-chain and sanity, in order; stops at the first that fails
	@$(PYTHON) -m tests.make.suite

matrix: cluster ## Three playbooks on the oldest Python, ansible-core and kubernetes that are supported
	@$(BIN)/python -m tests.make.matrix --oldest --few

test-matrix: cluster ## Unit tests, every scenario and the playbook diagnose in seven cells of releases (an hour; ARGS=--few: minutes)
	@$(BIN)/python -m tests.make.matrix $(ARGS)

ansible-test: cluster ## The unit tests of the plugins and a target of integration, as ansible-test runs them (minutes)
	$(BIN)/python -m tests.make.ansible_test $(ARGS)

test-placement: cluster ## Placements against the real scheduler over 300 random clusters (make test: 30)
	LIVE_MIGRATION_PLACEMENT_WORLDS=300 $(PYTEST) -n $(WORKERS) tests/integration/test_placement.py

test-mutants: setup ## All small changes of the verdict room: 85 % noticed at least (many minutes; survivors are listed)
	$(BIN)/python -m tests.mutants

soak: cluster ## Looks and cancels 2,000 times in one process under random faults: what has grown (ARGS="--rounds 100 --seed 1")
	$(BIN)/python -m tests.soak $(ARGS)

bench: cluster ## What looking costs among 50,000 migrations, against k8s_info, kubectl and bare requests (fails where a goal is missed)
	$(BIN)/python -m tests.bench.scale $(ARGS)

bench-cancel: cluster ## Fifty stuck migrations: kubectl one by one against one task (fails above a quarter of its time)
	$(BIN)/python -m tests.bench

bench-report: setup ## How large a report on 500 migrations is, and how long Chromium takes to open it
	$(BIN)/python -m tests.look bench

pictures: setup ## Pictures of the pages: light, dark, on a phone, on paper (in .build/look)
	$(BIN)/python -m tests.look pictures

bench-alert: cluster ## From an alert to the deleted migration against an empty playbook (fails above three times its time)
	@$(PYTHON) -m tests.make.environment eda
	$(BIN)/python -m tests.bench.alert

##@ Give it to others
release: setup ## Test, build from the commit, compare with it, sum, sign (KEY=...): .build/release
	@$(BIN)/python -m tests.make.release --ready
	@$(PYTHON) -m tests.make.suite
	@$(BIN)/python -m tests.make.release --key "$$KEY"

site: setup ## The documentation as web pages, guides and reference (in .build/site/html)
	@$(PYTHON) -m tests.make.environment site
	@$(BIN)/python -m tests.make.site

##@ Tidy
clean: ## Remove what was made in the checkout
	rm -rf .build tests/output

distclean: clean ## Remove the environments and binaries in the user's cache too
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/kubevirt-ops-live-migration"
