# Every target makes or updates its own .venv first; nothing outside this folder is written, but pip's cache.
PYTHON ?= python3
PYTEST_ARGS ?=
VENV := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test e2e-compose e2e-kubeflow e2e-kubernetes e2e-examples bench bench-tracking lint types gen release-schemas lock clean

help: ## this text
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/^([a-z0-9-]+):.*## /  make \1 -- /'

demo: ## run examples/breast-cancer: prepare, tune, train, evaluate, gate, register, serve
	@"$(PYTHON)" .ci/install.py local
	cd examples/breast-cancer && ../../$(VENV)/mlwright run

test: ## the whole fast test suite
	@"$(PYTHON)" .ci/install.py test
	@"$(PYTHON)" .ci/install.py kfp
	$(VENV)/python -m pytest -n 2 --dist loadfile -m "not docker and not cluster and not examples" $(PYTEST_ARGS)

e2e-compose: ## examples/breast-cancer on a real Docker engine; root on Debian can do without one that is there
	@"$(PYTHON)" .ci/install.py test
	$(VENV)/python -m pytest -v -s -m docker tests/e2e/compose $(PYTEST_ARGS)

e2e-kubeflow: ## examples/breast-cancer by Kubeflow's own local runner, each task in a container
	@"$(PYTHON)" .ci/install.py test
	@"$(PYTHON)" .ci/install.py kfp
	$(VENV)/python -m pytest -v -s -m docker tests/e2e/kubeflow $(PYTEST_ARGS)

e2e-kubernetes: ## the output on a real control plane, built with Go the first time; root runs its pods as processes
	@"$(PYTHON)" .ci/install.py test
	$(VENV)/python -m pytest -v -s -m cluster tests/e2e/kubernetes $(PYTEST_ARGS)

e2e-examples: ## the examples that train with PyTorch, for real; installs several gigabytes into .venv-examples
	@"$(PYTHON)" .ci/install.py test
	@"$(PYTHON)" .ci/install.py examples
	$(VENV)/python -m pytest -v -s -m examples tests/e2e $(PYTEST_ARGS)

bench: ## the figures of README's performance section, side by side
	@"$(PYTHON)" .ci/install.py test
	$(VENV)/python tests/bench/bench.py

bench-tracking: ## a tracking server as we start it beside a plain `mlflow server` (needs PostgreSQL)
	@"$(PYTHON)" .ci/install.py test
	$(VENV)/python -m tests.bench.tracking
	$(VENV)/python tests/bench/tracking_plan.py

lint: ## style, layers and generated files
	@"$(PYTHON)" .ci/install.py dev
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/lint-imports
	$(VENV)/python docs/gen.py --check

types: ## mypy (the runtime programs on their own: they import each other as siblings) and pyright
	@"$(PYTHON)" .ci/install.py dev
	$(VENV)/mypy
	MYPYPATH=compiler/mlwright/runtime $(VENV)/mypy --config-file .ci/mypy-runtime.ini
	$(VENV)/pyright

gen: ## write everything that is generated: schemas/ and docs/reference/
	@"$(PYTHON)" .ci/install.py test
	$(VENV)/python docs/gen.py

release-schemas: ## keep today's schemas and command line as released, where they break nothing that was
	@"$(PYTHON)" .ci/install.py test
	$(VENV)/python docs/released.py --release

lock: ## pin the newest versions that fit into .ci/*.txt
	PYTHON="$(PYTHON)" .ci/lock --upgrade

clean: ## remove .venv, caches and what `mlwright run` left in the examples
	rm -rf .venv .venv-kfp .venv-examples .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache examples/*/.mlwright
