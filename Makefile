# souk: everything a person runs. `make help` lists it.

CARGO ?= cargo
PORT ?= 8080
DATA ?= ./souk-data
SOAK_KILLS ?= 1000
ORDERS ?= 1200
AUDIT_ORDERS ?= 1000000
SOUK_TEST_POSTGRES ?= postgres://postgres@127.0.0.1:5432
PROFILE ?= local

.PHONY: help build run up-engines test test-engines test-clients check fmt deny layers rooms prose soak mutants settling measure audit-bench

help: ## This list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## Build souk (PROFILE: local, quick to build; release and dist, for those who ship).
	$(CARGO) build --locked --profile $(PROFILE) --package souk

run: ## Build souk (profile `local`: quick to build) and run the whole shop on one folder (PORT, DATA).
	$(CARGO) run --profile local --package souk -- up --port $(PORT) --data $(DATA)

up-engines: ## Every service as its own process, on local engines (PORT, DATA; RELEASE=1 optimised, EMPTY=1 no catalogue).
	@PORT=$(PORT) DATA=$(DATA) RELEASE=$(RELEASE) EMPTY=$(EMPTY) CARGO="$(CARGO)" bash scripts/up-engines.sh

test: ## All tests: units, services over HTTP, the whole shop, the crash test.
	$(CARGO) test --workspace

test-engines: ## The same tests on PostgreSQL, MySQL, Redis and RabbitMQ, and those that only make sense there.
	SOUK_TEST_MODE=engines $(CARGO) test --workspace

test-clients: ## Discovery and config server against seven real Python and JavaScript clients (installed below target/).
	bash scripts/clients.sh target/clients
	SOUK_TEST_CLIENTS=$(CURDIR)/target/clients $(CARGO) test --workspace --test clients

check: fmt layers rooms prose deny ## Formatting, lints, layers, rooms, language, licences.
	$(CARGO) clippy --workspace --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --all --check

layers: ## No service depends on another; only the binary depends on services.
	sh scripts/check-layers.sh

rooms: ## Every service has the same rooms with the same entry points.
	bash scripts/check-rooms.sh

prose: ## The language of comments, names and documents.
	bash scripts/prose.sh

deny: ## Licences and sources of every dependency.
	$(CARGO) deny --offline check licenses bans sources

settling: ## A checkout beside 10,000 refunds that stay pending at the provider, on SQLite and PostgreSQL.
	SOUK_TEST_REFUNDS=10000 $(CARGO) test --workspace --test it pending_refunds
	SOUK_TEST_REFUNDS=10000 SOUK_TEST_MODE=engines $(CARGO) test --workspace --test it pending_refunds

measure: build ## CPU time and memory of a purchase (ORDERS, PROFILE).
	python3 scripts/measure.py target/$(PROFILE)/souk --orders $(ORDERS)

audit-bench: build ## Time and memory of an audit of AUDIT_ORDERS orders on SQLite and PostgreSQL (SOUK_TEST_POSTGRES, PROFILE).
	python3 scripts/audit_bench.py target/$(PROFILE)/souk --orders $(AUDIT_ORDERS)
	python3 scripts/audit_bench.py target/$(PROFILE)/souk --orders $(AUDIT_ORDERS) --postgres "$(SOUK_TEST_POSTGRES)"

soak: ## The crash test with 1,000 kills (SOAK_KILLS).
	SOUK_CRASH_KILLS=$(SOAK_KILLS) $(CARGO) test --package souk --test shop crash -- --nocapture

mutants: ## Mutation testing of the saga's files, as listed in .cargo/mutants.toml (needs cargo-mutants; hours).
	$(CARGO) mutants --no-shuffle --jobs 1 --output target/mutants
