# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
#
# The two commands of a newcomer are `make run` and `make test`; `make help` lists the rest.

.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory

# Importing a module that the target does not list as a dependency is an error.
SWIFT_FLAGS := --explicit-target-dependency-import-check error
RELEASE := -c release --static-swift-stdlib --product registry $(SWIFT_FLAGS)
TREES := Package.swift $(wildcard Sources Tests Examples LoadTests)

.PHONY: all
all: ## clean, lint, build, test and bin/registry
	@$(MAKE) setup
	@$(MAKE) clean
	@$(MAKE) lint
	@$(MAKE) build
	@$(MAKE) test
	@$(MAKE) bin/registry

.PHONY: setup
setup: ## install what the build and the tests need (Debian packages; root or sudo)
	@scripts/setup test

.PHONY: setup-build
setup-build:
	@scripts/setup build

.PHONY: run
run: setup-build ## build the registry and serve config/development.yml on localhost:5000
	@swift build $(RELEASE)
	@exec .build/release/registry serve config/development.yml

.PHONY: build
build: setup-build ## build the registry for release, .build/release/registry
	@swift build $(RELEASE)

.PHONY: test
test: setup ## build everything and run every test, unit to real clients
	@swift build $(RELEASE)
	@swift build --build-tests $(SWIFT_FLAGS)
	@scripts/test

MINUTES ?= 10
.PHONY: simulate
simulate: setup-build ## run random histories of whole registries for MINUTES=10, from a seed of the clock
	@swift build -c release --product simulate $(SWIFT_FLAGS)
	@.build/release/simulate --seed $$(date +%s)000000 --minutes $(MINUTES) --bugs --fail-each --jobs $$(nproc)

.PHONY: small-worlds
small-worlds: setup-build ## every short sequence of operations, with a crash at every step; an hour on two cores
	@swift build -c release --product simulate $(SWIFT_FLAGS)
	@.build/release/simulate --small-worlds --jobs $$(nproc)

.PHONY: bench
bench: bench-build ## measure beside nginx and docker-registry, and write docs/benchmarks.md (under 30 minutes)
	@scripts/bench full

.PHONY: bench-quick
bench-quick: bench-build ## a little of everything in under two minutes; fails where a threshold is missed
	@scripts/bench quick

.PHONY: bench-prove
bench-prove: bench-build ## show that bench-quick notices a slowdown planted on the path of manifests
	@scripts/bench prove

.PHONY: bench-growth
bench-growth: bench-build ## how costs grow with blobs and tags, and write docs/benchmarks-growth.md
	@scripts/bench growth

.PHONY: bench-build
bench-build:
	@scripts/setup bench
	@swift build $(RELEASE)
	@swift build -c release --static-swift-stdlib --product registry-load $(SWIFT_FLAGS)

.PHONY: lint
lint: ## check format, headers and words
	@scripts/lint

.PHONY: format
format: ## lay out every Swift file
	@swift format --in-place --recursive --parallel $(TREES)

.PHONY: dist
dist: build ## a tarball of the stripped binary, configuration, unit files and documents, in dist/
	@scripts/dist .build/release/registry

.PHONY: image-test
image-test: build ## build the image's run-time stage on a debootstrap base and run it (some minutes; root)
	@scripts/image-test .build/release/registry

bin/registry: build ## the stripped release binary
	@mkdir -p bin
	@install -m 755 .build/release/registry bin/registry
	@strip bin/registry
	@ls -l bin/registry

.PHONY: clean
clean: ## remove everything that was built
	@rm -rf .build bin

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z\/-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
