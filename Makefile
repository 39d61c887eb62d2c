# Everything that is done with a checkout. `make help` lists it.
#
# Three virtual environments: .venv runs the provider, .venv-test has the tests' tools as well, .venv-clients has what signs
# in in the tests and is not ours. All are made from the lock files in requirements/ and made anew when a lock file changes. PYTHON names the interpreter (3.11 to 3.13).

PYTHON ?= python3
# How many processes run the tests, and what else is told to pytest: make test PYTEST_ARGS='-k pkce'
PYTEST_WORKERS ?= 2
PYTEST_ARGS ?=

RUNTIME = .venv/.project
TESTING = .venv-test/.packages
CLIENTS = .venv-clients/.packages
AUDITING = .venv-audit/.packages
CLIENT_LOCKS = $(wildcard tests/clients/*/package-lock.json tests/clients/*/go.sum)
# What `make check` reads with strict types; a folder that is not there yet is left out.
STRICT = $(wildcard idp attacks examples conformance benchmarks scripts/compile_messages.py scripts/security_rules.py scripts/audit.py scripts/licences.py tests/support)
POT = .venv-test/messages.pot

.DELETE_ON_ERROR:
.PHONY: help demo demo-reset serve test bench bench-desk coverage fuzz mutation races guessing timing kills test-spring clients check format lock security-rules licences audit sbom messages compile-messages wheel conformance clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## try the provider with two example sites; data below var/demo
	@.venv/bin/python scripts/compile_messages.py
	@.venv/bin/idp demo

demo-reset: ## forget what was done in the demo (not while it runs)
	@sh scripts/reset_demo.sh

serve: $(RUNTIME) ## serve with config.toml (IDP_CONFIG names another file)
	@.venv/bin/python scripts/compile_messages.py
	@IDP_CONFIG="$${IDP_CONFIG:-config.toml}" .venv/bin/idp serve

test: $(TESTING) $(CLIENTS) ## run all checks and all tests; installs Debian's PostgreSQL, Chromium and Apache as root
	@sh scripts/system_packages.sh
	@$(MAKE) --no-print-directory check
	@.venv-test/bin/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup $(PYTEST_ARGS)

bench-desk: $(TESTING) ## time the desk's pages among 100,000 accounts (BENCH_ARGS="--accounts 1000"); writes docs/performance-desk.md
	@sh scripts/system_packages.sh
	@.venv-test/bin/python scripts/compile_messages.py
	@.venv-test/bin/python -m benchmarks.desk --out docs/performance-desk.md $(BENCH_ARGS)

races: $(TESTING) ## try each one-time thing TRIES=32 times at once, in ROUNDS=1000 rounds, on two instances (RACES_ARGS='--database sqlite')
	@sh scripts/system_packages.sh
	@.venv-test/bin/python scripts/compile_messages.py
	@.venv-test/bin/python -m attacks.races --rounds $(or $(ROUNDS),1000) --tries $(or $(TRIES),32) $(RACES_ARGS)

guessing: $(TESTING) ## try N=10000 wrong passwords from 200 networks on two instances, while the owner signs in
	@sh scripts/system_packages.sh
	@.venv-test/bin/python scripts/compile_messages.py
	@.venv-test/bin/python -m attacks.guessing --tries $(or $(N),10000) $(GUESSING_ARGS)

timing: $(TESTING) ## find a planted leak, then measure N=2000 times whether an answer's time tells who exists (TIMING_ARGS="--database postgresql")
	@sh scripts/system_packages.sh
	@.venv-test/bin/python scripts/compile_messages.py
	@.venv-test/bin/python -m attacks.timing --leaky --samples $(or $(N),2000) $(TIMING_ARGS)
	@.venv-test/bin/python -m attacks.timing --samples $(or $(N),2000) $(TIMING_ARGS)

kills: $(TESTING) ## kill -9 of server, worker and PostgreSQL, KILLS=100 in FLOWS=5000 flows; what was acknowledged is looked for (SEED=7)
	@sh scripts/system_packages.sh
	@.venv-test/bin/python scripts/compile_messages.py
	@.venv-test/bin/python -m attacks.kills --kills $(or $(KILLS),100) --flows $(or $(FLOWS),5000) --seed $(or $(SEED),7) $(KILLS_ARGS)

bench: $(TESTING) .bench/peer/.installed ## load the hot path beside node-oidc-provider on each store (BENCH_ARGS="--store postgresql"); writes docs/performance.md; needs wrk, node and npm
	@sh scripts/system_packages.sh
	@command -v wrk >/dev/null && command -v node >/dev/null || { echo "As root:  apt-get install --no-install-recommends wrk nodejs npm" >&2; exit 1; }
	@.venv-test/bin/python scripts/compile_messages.py
	@.venv-test/bin/python -m benchmarks.hot_path --out docs/performance.md $(BENCH_ARGS)

secrets: $(TESTING) $(CLIENTS) ## run the tests and look for each of their secrets in logs, mails, pages and every test's database (SECRETS_ARGS=tests/web)
	@sh scripts/system_packages.sh
	@.venv-test/bin/python scripts/compile_messages.py
	@.venv-test/bin/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup --all-secrets $(SECRETS_ARGS)

import-benchmark: $(TESTING) ## time the import of N=100000 made-up customers of an old portal, killed once and called again
	@.venv-test/bin/python -m benchmarks.old_import $(or $(N),100000)

coverage: $(TESTING) ## which branches of protocol, accounts, policy and store no test takes (COVERAGE_TESTS="tests/protocol")
	@sh scripts/system_packages.sh
	@.venv-test/bin/python scripts/compile_messages.py
	@mkdir -p artefacts/coverage
	@.venv-test/bin/coverage erase
	@.venv-test/bin/coverage run -m pytest -q -n $(PYTEST_WORKERS) --dist loadgroup $(COVERAGE_TESTS) $(PYTEST_ARGS)
	@.venv-test/bin/coverage combine --quiet
	@.venv-test/bin/coverage report

mutation: $(TESTING) ## change MODULE=idp/policy/staff.py in small ways in a copy, and count what TESTS=tests/policy notice
	@.venv-test/bin/python scripts/mutation.py $(or $(MODULE),idp/policy) $(or $(TESTS),tests/policy)

fuzz: $(TESTING) ## send N=100000 malformed requests, front on and off, SQLite and PostgreSQL (FUZZ_ARGS="--database sqlite --seed 7")
	@sh scripts/system_packages.sh
	@.venv-test/bin/python scripts/compile_messages.py
	@.venv-test/bin/python -m attacks.fuzz --count $$(( $(or $(N),100000) / 4 )) $(FUZZ_ARGS)

test-spring: $(TESTING) ## sign in with Spring Security; needs Debian's default-jdk-headless and maven, and Maven Central
	@.venv-test/bin/python -m pytest tests/connect/spring_security.py $(PYTEST_ARGS)

clients: $(CLIENTS) ## fetch and build the clients that sign in in the tests (test does it by itself)

check: $(TESTING) ## lint, formatting, types, translations
	@.venv-test/bin/python scripts/compile_messages.py
	@.venv-test/bin/ruff check .
	@.venv-test/bin/ruff format --check .
	@.venv-test/bin/mypy --strict $(STRICT)

format: $(TESTING) ## put the code into its form and repair what lint can repair
	@.venv-test/bin/ruff check --fix-only .
	@.venv-test/bin/ruff format .

lock: .venv-lock/.packages ## renew requirements/ from pyproject.toml (LOCK_ARGS=--upgrade takes the newest)
	@sh scripts/lock.sh $(LOCK_ARGS)

security-rules: $(TESTING) ## write docs/security/rules.md: each security rule with the tests that name it
	@.venv-test/bin/python scripts/security_rules.py

licences: $(TESTING) ## write docs/security/licences.md from what is installed
	@.venv-test/bin/python scripts/licences.py

audit: $(AUDITING) ## look for known holes in what is pinned: our own list, then an advisory service (exit 2: not reachable)
	@.venv-audit/bin/python scripts/audit.py

sbom: $(RUNTIME) $(AUDITING) ## write dist/idp.cdx.json, a bill of materials in CycloneDX of what the server runs with
	@mkdir -p dist
	@.venv-audit/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --validate \
	    --output-format JSON --output-file dist/idp.cdx.json .venv/bin/python
	@.venv-audit/bin/python -c "import json; parts = json.load(open('dist/idp.cdx.json'))['components']; \
	    print(f'dist/idp.cdx.json: {len(parts)} components')"

messages: $(TESTING) ## collect sentences for translation and bring each language up to date
	@.venv-test/bin/pybabel --quiet extract -F babel.cfg -k _l -k lazy_gettext -k marked --add-location=file --sort-by-file \
	    --project=idp --version= --copyright-holder= --msgid-bugs-address= -o $(POT) .
	@for po in idp/translations/*/LC_MESSAGES/messages.po; do \
	    [ -e "$$po" ] || continue; \
	    language=$${po#idp/translations/}; language=$${language%%/*}; \
	    .venv-test/bin/pybabel --quiet update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 110 \
	        -i $(POT) -d idp/translations -l "$$language" && echo "$$po" || exit 1; \
	done

compile-messages: $(TESTING) ## compile the translations (demo, serve, check and wheel do it by themselves)
	@.venv-test/bin/python scripts/compile_messages.py

wheel: $(TESTING) ## build dist/*.whl
	@rm -rf build dist
	@.venv-test/bin/python -m build --wheel --no-isolation .

conformance: $(TESTING) ## run plans of a running suite: SUITE=https://suite.test:8443 PLAN=basic CA=ca.crt (conformance/README.md)
	@.venv-test/bin/python -m conformance --suite "$(SUITE)" --plan "$(or $(PLAN),all)" $(if $(CA),--ca-file "$(CA)") $(CONFORMANCE_ARGS)

clean: ## remove what was made here, but no data (var/ and keys/ stay)
	rm -rf .venv .venv-test .venv-clients .venv-lock .venv-audit build dist artefacts *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find idp tests scripts templates examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
	find idp -name '*.mo' -exec rm -f {} +

# The stamps are written last: an environment that was not finished is made anew.
.venv/.packages: requirements/server.txt scripts/setup_venv.sh
	@PYTHON='$(PYTHON)' sh scripts/setup_venv.sh .venv requirements/server.txt
	@touch $@

$(RUNTIME): .venv/.packages pyproject.toml setup.py
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation \
	    --no-index --editable .
	@touch $@

$(TESTING): requirements/dev.txt scripts/setup_venv.sh
	@PYTHON='$(PYTHON)' sh scripts/setup_venv.sh .venv-test requirements/dev.txt
	@touch $@

.bench/peer/.installed: benchmarks/peer/package.json benchmarks/peer/package-lock.json
	@mkdir -p .bench/peer && cp benchmarks/peer/package*.json .bench/peer/
	@cd .bench/peer && npm ci --no-audit --no-fund
	@touch $@

$(CLIENTS): requirements/clients.txt scripts/setup_venv.sh scripts/setup_clients.sh $(CLIENT_LOCKS)
	@PYTHON='$(PYTHON)' sh scripts/setup_venv.sh .venv-clients requirements/clients.txt
	@sh scripts/setup_clients.sh .venv-clients
	@touch $@

$(AUDITING): requirements/audit.txt scripts/setup_venv.sh
	@PYTHON='$(PYTHON)' sh scripts/setup_venv.sh .venv-audit requirements/audit.txt
	@touch $@

.venv-lock/.packages: requirements/tools.txt scripts/setup_venv.sh
	@PYTHON='$(PYTHON)' sh scripts/setup_venv.sh .venv-lock requirements/tools.txt
	@touch $@
