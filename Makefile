# The dozen things one does here. `make run` and `make test` set up a fresh Debian machine.

CACHE ?= $(HOME)/.cache/parlance
export CARGO_TARGET_DIR ?= $(CACHE)/target
LINT = $(CACHE)/lint/bin
export TEST_SERVERS ?= $(CACHE)/servers
# rustfmt does not look into the rooms by itself: a macro lists them.
ROOMS = $(wildcard chat/src/*/*.rs)
SEEDS ?= 10000
# The same cases that were played in one process.
CLUSTER = PARLANCE_TEST_MODE=cluster cargo test --workspace --test scenarios --test limits

.PHONY: help setup servers run test cluster soak check fmt lint sim bench stand schemas new-room doc

help: ## List the recipes
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

setup: ## Install what is missing: a C compiler, cmake, node and python for the tests
	@sh deploy/setup.sh

servers: setup ## Install the real servers that the tests start: Kafka, Redis, S3 and a stand-in for MongoDB
	@sh deploy/servers/install.sh $(TEST_SERVERS)
	@sh deploy/servers/mongo/fastest.sh $(TEST_SERVERS)

run: setup ## Build and start everything on embedded defaults
	cargo build --release -p server -p media-worker
	$(CARGO_TARGET_DIR)/release/parlance serve

test: servers lint ## Everything that CI runs
	cargo build --workspace
	cargo test --workspace
	$(CLUSTER)

cluster: servers ## Play every scenario on several nodes and real servers
	$(CLUSTER)

soak: servers ## What is too long for every change: many seeds, long fault runs
	cargo build --workspace
	PARLANCE_SOAK=1 cargo test --workspace --test kill --test faults --test times \
		--test uploads --test hostile -- --nocapture
	sh tests/soak.sh

check: ## Type-check quickly
	cargo check --workspace --all-targets

fmt: ## Format
	cargo fmt --all
	rustfmt --edition 2024 $(ROOMS)

lint: $(LINT)/typos $(LINT)/dclint $(CACHE)/bin/cargo-deny ## Formatting, clippy, dependencies, spelling
	cargo fmt --all --check
	rustfmt --edition 2024 --check $(ROOMS)
	cargo clippy --workspace --all-targets -- -D warnings
	$(CACHE)/bin/cargo-deny --log-level error check bans licenses sources
	$(LINT)/typos
	$(LINT)/taplo fmt --check
	# nginx listens on every interface of its machine.
	$(LINT)/dclint docker-compose.yml --quiet --disable-rule no-unbound-port-interfaces

$(LINT)/typos: deploy/lint.txt
	python3 -m venv $(CACHE)/lint
	$(CACHE)/lint/bin/pip install --quiet -r deploy/lint.txt
	touch $@

$(LINT)/dclint: $(LINT)/typos
	npm install --silent --prefix $(CACHE)/lint/node dclint@3.1.0
	ln -sf ../node/node_modules/.bin/dclint $@

$(CACHE)/bin/cargo-deny:
	cargo install cargo-deny --version 0.20.2 --locked --root $(CACHE)

sim: ## The simulation: make sim SEEDS=10000, or one seed told in full: make sim SEED=7
	$(if $(SEED),SIM_SEED=$(SEED)) SIM_SEEDS=$(SEEDS) cargo test --workspace --test simulation -- --nocapture

bench: servers ## Benchmarks beside floors and a peer: make bench, make bench ID=F1
	cargo build --release -p server -p bench -p media-worker
	cargo build --workspace
	$(CARGO_TARGET_DIR)/release/parlance-bench $(ID) --server $(CARGO_TARGET_DIR)/release/parlance \
		--stand $(CARGO_TARGET_DIR)/debug/stand

stand: servers ## The product as a cluster on this machine, to play with, until the input ends
	cargo build --workspace
	$(CARGO_TARGET_DIR)/debug/stand

schemas: ## Write the generated files: schemas, SDL, OpenAPI, docs
	PARLANCE_BLESS=1 cargo test --workspace --test schemas

new-room: ## Copy the template of a room: make new-room NAME=polls
	@test -n "$(NAME)" || { echo "say NAME=…"; exit 2; }
	@sh deploy/new-room.sh $(NAME)

doc: ## Build the documentation of the code
	cargo doc --workspace --no-deps
