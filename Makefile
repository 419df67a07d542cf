# The commands of this project; `make help` lists them. Each installs the Debian packages it needs,
# and only where they are missing.

APP ?= examples/worker-pool
LISTEN ?= 127.0.0.1:7070
SECONDS ?= 60
CONTRACT_SECONDS ?= 120

BUILD_PACKAGES = liblua5.4-dev libnghttp2-dev libjansson-dev zlib1g-dev libssl-dev
CONTRACT_PACKAGES = $(BUILD_PACKAGES) curl python3 python3-venv
TEST_PACKAGES = $(BUILD_PACKAGES) curl nghttp2-client openssl strace
BENCH_PACKAGES = $(BUILD_PACKAGES) erlang-base lua5.4 nginx-light wrk nghttp2-client curl gcc
SOURCES = Package.swift Sources Tests

.PHONY: help serve build test lint bench soak contract sanitize fuzz clean

help:
	@echo "make serve   build a release and serve $(APP) at http://$(LISTEN)"
	@echo "make test    format lint, a build without warnings, all tests"
	@echo "make build   the release binary, .build/release/moonlet"
	@echo "make bench   the benchmarks     make fuzz   each fuzzer for $(SECONDS) s (SECONDS=n)"
	@echo "make contract   schemathesis against a running server for $(CONTRACT_SECONDS) s"
	@echo "make soak    everything at once for 600 s (SECONDS=n): nothing may be left"
	@echo "make sanitize   tests under the thread and address sanitizers"

serve: build
	.build/release/moonlet serve $(APP) --listen $(LISTEN)

# Optimised across modules at link time, too: 12-18 % of a message, for a minute and a half.
build:
	@scripts/install-packages $(BUILD_PACKAGES)
	swift build -c release --product moonlet --static-swift-stdlib \
		--experimental-lto-mode=full

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
	Benchmarks/http/run

# Requests made from openapi.yaml, right and wrong ones; after make test, whose build it uses.
contract:
	@scripts/install-packages $(CONTRACT_PACKAGES)
	swift build --product moonlet -Xswiftc -warnings-as-errors
	scripts/contract $(CONTRACT_SECONDS)

# Ten minutes unless SECONDS says otherwise.
soak: SECONDS = 600
soak: build
	@scripts/install-packages $(TEST_PACKAGES)
	MOONLET_BINARY=$(CURDIR)/.build/release/moonlet MOONLET_SOAK_SECONDS=$(SECONDS) \
		swift test --filter 'SoakTests|SlowClientTests'

# The thread sanitizer needs locks that it can see (Posix/TracedMutex.swift). It keeps signals
# back while a thread is in C code, so a script that never leaves it would never end: those tests are
# left out. A file need not import the room that the locks are in, as they are another's otherwise.
# Leaks are not looked for: an arena is dropped whole.
sanitize:
	@scripts/install-packages $(TEST_PACKAGES)
	swift test --sanitize=thread -Xswiftc -DTSAN \
		-Xswiftc -disable-upcoming-feature -Xswiftc MemberImportVisibility --scratch-path .build-tsan \
		--filter 'ProcessRuntimeTests|LuaLibrariesTests|HTTPServerTests|ControlAPITests' \
		--skip 'LuaLibrariesTests.(Kill|HostileScript|Stall|Exit|Link|Fork)'
	ASAN_OPTIONS=detect_leaks=0 swift test --sanitize=address --scratch-path .build-asan \
		--filter 'LuaVMTests|LuaLibrariesTests|TLSTests|JSONTests|HTTPTests|HTTPServerTests'

fuzz:
	@scripts/install-packages $(BUILD_PACKAGES)
	Fuzz/run $(SECONDS)

clean:
	swift package clean
