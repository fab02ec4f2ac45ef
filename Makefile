# `make` lists what can be made.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo build test setup-demo setup-test unit race lint fmt check-generated bench bench-accuracy bench-judge bench-ingest bench-worker bench-streams bench-verify train-plates attack damage soak walk screenshots test-kafka check-vulnerabilities clean

export CGO_ENABLED = 1

version = $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
assets = $(or $(TIDEWATCH_ASSETS),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tidewatch)
lint = $(assets)/bin/golangci-lint
timeout = 20m
# The linter's cache holds absolute paths: one shared by two clones speaks of
# files of the other.
export GOLANGCI_LINT_CACHE = $(CURDIR)/build/lint

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup-demo build ## Set up, build, and show a camera's two cases; Ctrl-C ends it
	@bin/tidewatch demo

build: ## Build bin/tidewatch and the simulators of a camera and of the police platform
	@echo 'go build: the first one compiles the bindings to OpenCV and takes some minutes' >&2
	@go build -ldflags '-X main.version=$(version)' -o bin/ ./cmd/tidewatch ./cmd/camerasim ./cmd/policesim

test: setup-test build lint check-generated check-vulnerabilities race unit ## Set up and run every check, and every test once

setup-demo: ## Install what building and the demo need
	@script/setup demo

setup-test: ## Install that, and what only the tests need
	@script/setup test

unit: ## Run all other tests, the ones of the built programs too
	go test -count=1 -timeout $(timeout) $$(go list ./... | grep -vxF "$$(script/race-packages)")

race: ## Run the tests that touch no OpenCV with the race detector
	go test -race -timeout $(timeout) $$(script/race-packages)

lint: setup-test ## Check style, mistakes and the direction of imports
	$(lint) run ./...

fmt: setup-test ## Format the Go files
	$(lint) fmt ./...

bench: setup-demo ## Time the vehicle network, one look of a camera, one decoded key unit and one judgement
	go test -run '^$$' -bench . -benchmem ./ingest/decode ./detect/model ./detect/picture ./detect/watch ./enforce

bench-accuracy: setup-test ## Measure how often stops and plates are right; some minutes
	go run ./cmd/accuracybench

bench-judge: ## Measure what it costs to judge a year of stops of 1,000 cameras under nine sections; POLICY=FILE judges them under another policy
	go run ./cmd/judgebench $(if $(POLICY),--policy $(POLICY))

bench-ingest: setup-demo ## Measure how many cameras a core takes in, beside the usual ways; some minutes
	go run ./cmd/ingestbench

bench-worker: setup-demo ## Measure how many cameras a core watches, beside the usual way; some eight minutes
	go run ./cmd/workerbench

bench-streams: setup-test ## Compare what is kept of streams of many encoders with what they sent; STREAMS=DIR adds foreign ones, some minutes
	go run ./cmd/streambench $(if $(STREAMS),--streams $(STREAMS))

bench-verify: ## Damage 1,000 of 10,000 packages of evidence and measure whether a check finds them; some minutes
	go run ./cmd/verifybench

train-plates: ## Draw plates and train our own reader on them; minutes on a graphics card (train/plates)
	go run ./cmd/plateset --stencils --count 70000 build/plates
	$(or $(PYTHON),python3) train/plates/train.py --data build/plates --out build/plates --steps 2633

attack: setup-test build ## Start a whole system and try to get in, as other users of the machine would; needs root, some minutes
	go run ./cmd/attack

damage: setup-test build ## Damage a system's data folder 1,000 times and see whether each damage is said; DAMAGES=n SEED=n, some 20 minutes
	go run ./cmd/damage

soak: setup-test ## Have 50 cameras misbehave for ten minutes; a minute of it is part of the tests
	go test ./ingest/soak -count=1 -v -for 10m -timeout 20m

test-kafka: ## Try the case log on Apache Kafka, with users, rights and TLS; sets it up, then takes some two minutes
	@script/setup kafka
	TIDEWATCH_KAFKA=$(assets)/kafka go test ./storage/kafka -count=1 -v -timeout $(timeout) -run TestApacheKafka

walk: setup-test ## Walk for ten CPU-minutes over what cameras and networks do wrong at once; SEED=n repeats one walk; a minute of it is part of the tests
	go test ./ingest/rtsp -count=1 -v -run TestWalk -timeout 2h $(if $(SEED),-walk-seed $(SEED),-walk 10m)

screenshots: setup-test ## Make the pictures of the review page in docs/images, from the demo
	mkdir -p docs/images
	go test ./e2e -count=1 -run TestDemo -screenshots $(CURDIR)/docs/images

check-vulnerabilities: setup-test ## Look for known vulnerabilities, where their database can be reached
	script/check-vulnerabilities

check-generated: ## Check that go generate changes nothing
	script/check-generated

clean: ## Remove what was built; what was set up stays
	rm -rf bin build
