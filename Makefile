# The commands of this project; `make help` lists them. Each installs the Debian packages it needs,
# and only where they are missing.

APP ?= examples/worker-pool
LISTEN ?= 127.0.0.1:7070
SECONDS ?= 60

BUILD_PACKAGES = liblua5.4-dev libnghttp2-dev libjansson-dev
TEST_PACKAGES = $(BUILD_PACKAGES) curl nghttp2-client strace
BENCH_PACKAGES = $(BUILD_PACKAGES) erlang-base lua5.4
SOURCES = Package.swift Sources Tests

.PHONY: help serve build test lint bench soak fuzz clean

help:
	@echo "make serve   build a release and serve $(APP) at http://$(LISTEN)"
	@echo "make test    format lint, a build without warnings, all tests"
	@echo "make build   the release binary, .build/release/moonlet"
	@echo "make bench   the benchmarks     make fuzz   each fuzzer for $(SECONDS) s (SECONDS=n)"
	@echo "make soak    everything at once for 600 s (SECONDS=n): nothing may be left"

serve: build
	.build/release/moonlet serve $(APP) --listen $(LISTEN)

build:
	@scripts/install-packages $(BUILD_PACKAGES)
	swift build -c release --product moonlet --static-swift-stdlib

# Warnings of this package are errors here; dependencies keep theirs.
test:
	@scripts/install-packages $(TEST_PACKAGES)
	$(MAKE) --no-print-directory lint
	swift build --build-tests -Xswiftc -warnings-as-errors
	swift test --skip-build -Xswiftc -warnings-as-errors

lint:
	swift format lint --strict --recursive $(SOURCES)

bench:
	@scripts/install-packages $(BENCH_PACKAGES)
	Benchmarks/run

# Ten minutes unless SECONDS says otherwise.
soak: SECONDS = 600
soak: build
	@scripts/install-packages $(TEST_PACKAGES)
	MOONLET_BINARY=$(CURDIR)/.build/release/moonlet MOONLET_SOAK_SECONDS=$(SECONDS) \
		swift test --filter SoakTests

fuzz:
	@scripts/install-packages $(BUILD_PACKAGES)
	Fuzz/run $(SECONDS)

clean:
	swift package clean
