# rdip: build, try, test. `make help` lists the targets. `make build` and `make demo` need Go only.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS  = -s -w -X main.version=$(VERSION) -X main.revision=$(REVISION)

# PARALLEL is how many packages are built and tested at once: each may run servers of its own.
PARALLEL ?= 2
# RACE= tests without the race detector, which needs a C compiler.
RACE     ?= -race
# PACKAGES, TESTFLAGS: make test PACKAGES=./readers/... TESTFLAGS='-run Snapshot -v'
PACKAGES ?= ./...
TESTFLAGS ?=
# FUZZTIME is how long each fuzz target runs, FUZZ finds targets: make fuzz FUZZ=readers/postgres FUZZTIME=1m
FUZZTIME ?= 5m
FUZZ     ?=
# ARGS go to the demo or the benchmarks: make demo ARGS='--for 20s'
ARGS     ?=

ifeq ($(CI),true)
TESTFLAGS += -count=1
endif

.DEFAULT_GOAL := help
.PHONY: help build demo deps test fuzz crash faults mutants soak lint bench docs clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

build: ## build bin/rdip, one static file
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/rdip ./cmd/rdip

demo: build ## a throwaway PostgreSQL, an embedded broker, and the events as they arrive
	bin/rdip demo $(ARGS)

deps: ## fetch the real servers and clients that the tests use, once
	go run ./integration/testenv/install

test: deps ## every test, those against real servers included
	go test $(RACE) -p $(PARALLEL) -timeout 40m $(TESTFLAGS) $(PACKAGES)

mutants: deps ## rdip with planted bugs, each of which a judge has to find: MUTANTS='toast|fence' for some
	RDIP_LONG=1 RDIP_MUTANTS='$(MUTANTS)' go test -count=1 -v -timeout 60m -run '^TestEvery' ./integration/mutants

fuzz: ## every fuzz target for FUZZTIME, one after another, with a table of what each did
	go run ./integration/fuzz -time $(FUZZTIME) -parallel $(PARALLEL) -run '$(FUZZ)'

lint: ## gofmt, go vet and golangci-lint, with the import table of docs/ARCHITECTURE.md
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not formatted (fix: gofmt -w .):"; echo "$$unformatted"; exit 1; }
	go vet $(PACKAGES)
	go run ./integration/testenv/install golangci-lint
	"$$(go run ./integration/testenv/install -path golangci-lint)" run --concurrency $(PARALLEL) $(PACKAGES)

# ROUNDS is how often make crash goes through all of its kills; MINUTES how long make soak goes on.
ROUNDS  ?= 3
MINUTES ?= 30
# RELIABILITY runs the long suites: their tables go to the terminal, the evidence of what fails to the folder EVIDENCE.
EVIDENCE ?= $(abspath evidence)
RELIABILITY = RDIP_LONG=1 RDIP_EVIDENCE=$(EVIDENCE) go test ./integration/reliability -count=1 -timeout 0 -v $(TESTFLAGS)

crash: deps ## kill -9 at every named point and at random moments, ROUNDS=n times
	RDIP_ROUNDS=$(ROUNDS) $(RELIABILITY) -run 'Kill'

faults: deps ## every fault of the servers, the network, the disk and the machine, under load
	$(RELIABILITY) -run 'Fault|CrashAndComeBack'

soak: deps ## kills and faults from random seeds for MINUTES=n, and their table
	RDIP_SOAK=$(MINUTES) RDIP_RACE=0 $(RELIABILITY) -run 'Soak'

bench: deps ## ratios to the reference tools, measured in one run
	go run ./integration/bench $(ARGS)

docs: build ## write docs/CONFIGURATION.md and docs/METRICS.md from the code
	bin/rdip docs configuration > docs/CONFIGURATION.md.new
	mv docs/CONFIGURATION.md.new docs/CONFIGURATION.md
	bin/rdip docs metrics > docs/METRICS.md.new
	mv docs/METRICS.md.new docs/METRICS.md

clean: ## remove what was built; the cache of fetched servers stays
	rm -rf bin dist
