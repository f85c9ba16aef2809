# What there is to do here: `make help`. Needs Python 3.11 or newer, git, a C compiler and make; the rest comes by itself.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# Compiled once instead of at each start of a process.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
LOCKS := requirements.txt requirements-data.txt
# The stamp bears the content of the locks: another branch's locks mean another stamp, whatever the clock says.
STAMP := $(VENV)/installed-$(shell cat $(LOCKS) | cksum | tr ' ' '-')
PROTOS := $(shell find proto -name '*.proto')
GENERATED := $(VENV)/generated
ORDERS ?= all
MEMBERS ?= 1000000
MERGES ?= 10000
SEED ?=
MINUTES ?=
ARGS ?=
# Three processes share the tests (tests/conftest.py says how).
PYTEST := pytest -n 3 --no-loadscope-reorder

.PHONY: help up load members status reset audit backup restore history merges faults rolling brokers duplicates bench test coverage images images-test proto lint manifests format translations lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

up: $(GENERATED) ## Start everything and print the addresses; Ctrl-C stops it, the data stays
	@exec $(BIN)/python -m deploy.local up

load: $(GENERATED) ## Load the CDNOW orders into the running stack: ORDERS=all or a number
	@exec $(BIN)/python -m deploy.local load --orders $(ORDERS)

members: $(GENERATED) ## Fill the demo store with made-up customers, for measuring: MEMBERS=a number
	@exec $(BIN)/python -m deploy.local members --count $(MEMBERS) $(ARGS)

status: $(GENERATED) ## Addresses and processes of the running stack
	@exec $(BIN)/python -m deploy.local status

reset: $(GENERATED) ## Delete the data of `make up`
	@exec $(BIN)/python -m deploy.local reset

audit: $(GENERATED) ## Check the invariants across the databases of the running stack
	@exec $(BIN)/python -m deploy.audit $(ARGS)

backup: $(GENERATED) ## Back all databases of the running stack up to one point: INTO=a new folder
	@exec $(BIN)/python -m deploy.backup take $(if $(INTO),--into $(INTO)) $(ARGS)

restore: $(GENERATED) ## Make a data folder of a backup: FROM=backup DATA=folder, and LOG=folder UNTIL=time to go on from it (deploy/backup)
	@exec $(BIN)/python -m deploy.backup restore $(FROM) --data $(DATA) $(if $(LOG),--log $(LOG)) $(if $(UNTIL),--until $(UNTIL)) $(ARGS)

history: $(GENERATED) ## After `make load ORDERS=all`: totals to the cent, 200 merges while orders come, audit
	@exec $(BIN)/python -m tests.history $(ARGS)

merges: $(GENERATED) ## Merges at random beside orders and faults, on a stack of its own: MERGES=10000, SEED=a number replays
	@exec $(BIN)/python -m tests.merges --merges $(MERGES) $(if $(SEED),--seed $(SEED)) $(ARGS)

faults: $(GENERATED) ## Everything at once while everything breaks, on a stack of its own: MINUTES=60, SEED=a number replays
	@exec $(BIN)/python -m tests.faults.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

rolling: $(GENERATED) ## Replace every process under load, three times, on a cluster of its own (ARGS=--help)
	@exec $(BIN)/python -m tests.faults.rolling $(ARGS)

brokers: $(GENERATED) ## Three brokers under load: one dies and comes back, the one that leads hangs
	@$(BIN)/python -m pytest tests/faults/three_brokers.py $(ARGS)

duplicates: $(GENERATED) ## How right suggestions of likely duplicates are, on sets with a known truth, and what a scan takes
	@exec $(BIN)/python -m tests.bench.duplicates $(ARGS)

bench: $(GENERATED) ## Measure everything beside its floors, on a stack of its own: ARGS="--only orders,search", --quick, --full; JSON and a page with plots
	@exec $(BIN)/python -m tests.bench $(ARGS)

# What lint finds is said while the tests run: types take half a minute of one core, and the tests leave a quarter of two.
test: $(GENERATED) ## Everything that must hold: contracts, lint, types, all tests (ARGS goes to pytest)
	@browser=$$(tests/support/chromium.sh); $(MAKE) lint & lint=$$!; status=0; \
	CHROMIUM=$$browser $(BIN)/python -m $(PYTEST) $(ARGS) || status=$$?; \
	wait $$lint || status=$$?; exit $$status

coverage: $(GENERATED) ## The tests again, with a count of what they reach, in all processes (slower)
	@$(BIN)/coverage erase
	@browser=$$(tests/support/chromium.sh); CHROMIUM=$$browser $(BIN)/coverage run -m $(PYTEST) $(ARGS) || status=$$?; \
	$(BIN)/coverage combine --quiet; $(BIN)/coverage report --skip-covered; exit $${status:-0}

.PHONY: attack audit-dependencies
attack: $(GENERATED) ## Attacks of all kinds in their long form, on a stack of its own
	@ONEFOLD_ATTACK_LONG=1 exec $(BIN)/python -m pytest -s --timeout 900 tests/attack $(ARGS)

audit-dependencies: ## Known advisories of every pinned package; says so where they could not be asked for
	@deploy/advisories.sh

images: ## Build the container images by podman or docker; size and time of each
	@deploy/images.sh

images-test: $(GENERATED) ## The whole system from the images in containers, and the main job in a browser on it; wants podman-compose or docker compose
	@tests/containers/servers/build.sh
	@browser=$$(tests/support/chromium.sh); CHROMIUM=$$browser $(BIN)/python -m pytest -p no:cacheprovider tests/containers/main_job.py $(ARGS)

proto: $(GENERATED) ## Generate code and stubs from the contracts, if they changed

lint: $(GENERATED) ## Style, types, import rules, contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "make format mends the files named above"; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@report=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$report"; exit 1; }
	@cd proto && ../$(BIN)/buf lint

manifests: $(STAMP) ## Hold deploy/k8s against a policy linter, which takes a minute to install (`make test` has the rules that must hold)
	@exec deploy/k8s/lint.sh

format: $(STAMP) ## Bring the code into its style
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format --quiet .

translations: $(STAMP) ## Bring the Chinese catalogue up to the sentences of the pages
	@$(BIN)/python -m gateway.translations.update

$(GENERATED): $(STAMP) $(PROTOS)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -Iproto \
	  --python_out=proto --grpc_python_out=proto --mypy_out=quiet:proto --mypy_grpc_out=quiet:proto \
	  --descriptor_set_out=proto/onefold/contracts.binpb --include_source_info $(PROTOS)
	@touch $@

$(STAMP): $(LOCKS)
	@deploy/local/environment.sh $(VENV) $(LOCKS)
	@rm -f $(VENV)/installed-* $(GENERATED)
	@touch $@

lock: ## Pin the dependencies of pyproject.toml anew
	@deploy/local/lock.sh

clean: ## Delete the environment, generated code and caches; the data of `make up` stays
	@find proto '(' -name '*_pb2*.py*' -o -name '*.binpb' ')' -delete
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* htmlcov
