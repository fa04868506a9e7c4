# Porchlight. `make help` lists what there is to do.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
BIN     := bin
LAMBDAS := $(notdir $(patsubst %/,%,$(wildcard lambdas/*/)))
DATA    ?= data
GOLANGCI_VERSION := v2.6.2

# Where tests find footage and models; unset, what needs them is skipped.
# It may be relative to this folder.
TESTDATA := $(if $(PORCHLIGHT_TESTDATA),$(abspath $(PORCHLIGHT_TESTDATA)))
override export PORCHLIGHT_TESTDATA := $(TESTDATA)
ifneq ($(TESTDATA),)
export PORCHLIGHT_MODELS ?= $(TESTDATA)/models
endif

# The camera `make run` watches: an rtsp:// URL, /dev/video0, a file or folder.
SAMPLE := /usr/share/doc/opencv-doc/examples/data/vtest.avi
MODEL  ?= yolox-nano
CAMERA ?= $(if $(TESTDATA),$(TESTDATA)/footage/one-by-one-person-detection.mp4,$(SAMPLE))

RUN_PACKAGES  := g++ pkg-config libopencv-dev ffmpeg opencv-doc
TEST_PACKAGES := $(RUN_PACKAGES) chromium mosquitto-clients awscli python3-awscrt mkvtoolnix

.PHONY: help run model test test-go test-infra test-web build lambdas web deps test-deps node-deps lint vet race fuzz bench vuln fmt generate template deploy destroy clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

run: deps build model ## build and start everything on this machine, with a camera (CAMERA=rtsp://…|/dev/video0|file)
	@exec $(BIN)/porchlight up --data "$(DATA)" --camera "$(CAMERA)" $(UP_FLAGS)

build: $(BIN)/.node lambdas web ## build the programs, the Lambdas and the app
	@echo "==> building bin/porchlight and bin/camera"
	@$(GO) build -trimpath -o $(BIN)/ ./cmd/porchlight ./components/camera

# Without a model the built-in detector does, weakly, and says so itself.
model:
	@$(BIN)/porchlight models verify $(MODEL) >/dev/null 2>&1 || { \
	  echo "==> fetching the detection model $(MODEL)"; \
	  $(BIN)/porchlight models pull $(MODEL) || echo "==> going on without it"; }

lambdas: ## build the Lambda bootstraps for this machine (GOARCH=arm64 for AWS)
	@echo "==> building Lambdas: $(LAMBDAS)"
	@for name in $(LAMBDAS); do \
	  cgo=0; [ $$name != faces ] || cgo=1; \
	  CGO_ENABLED=$$cgo GOOS=linux $(GO) build -tags lambda.norpc -trimpath -ldflags='-s -w -buildid=' \
	    -o $(BIN)/lambdas/$$name/bootstrap ./lambdas/$$name; done

web: web/dist/index.html ## build the app

web/dist/index.html: $(shell find web/src web/public web/index.html web/*.json web/*.ts 2>/dev/null | grep -v node_modules) | web/node_modules/.stamp
	@echo "==> building the app"
	@npm --prefix web run --silent build -- --logLevel warn

web/node_modules/.stamp: web/package-lock.json
	@echo "==> installing the app's npm packages"
	@npm --prefix web ci --no-audit --no-fund --loglevel=error
	@touch $@

DYNAMO_NODE := internal/localcloud/dynamo/node
$(BIN)/.node: $(DYNAMO_NODE)/package-lock.json
	@echo "==> installing the local DynamoDB (npm)"
	@npm --prefix $(DYNAMO_NODE) ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(BIN) && touch $@

infra/node_modules/.stamp: infra/package-lock.json
	@echo "==> installing the CDK's npm packages"
	@npm --prefix infra ci --no-audit --no-fund --loglevel=error
	@touch $@

# $(call apt,packages): install what is missing, say so, and be quick when nothing is.
define apt
missing=""; for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
if [ -n "$$missing" ]; then \
  echo "==> installing Debian packages:$$missing"; \
  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
  $$sudo apt-get update -qq; \
  DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
fi
endef

deps: ## install the Debian packages that running needs
	@command -v $(GO) >/dev/null || { echo "Go is missing: install Go 1.26 or newer from https://go.dev/dl"; exit 1; }
	@command -v npm >/dev/null || { echo "Node.js is missing: install Node 20 or newer from https://nodejs.org"; exit 1; }
	@$(call apt,$(RUN_PACKAGES))

test-deps: ## install the Debian packages that testing needs
	@$(call apt,$(TEST_PACKAGES))

test: deps test-deps build vet test-web test-infra test-go ## run every test
	@echo "==> all tests passed"

vet:
	@echo "==> go vet"
	@$(GO) vet ./...
	@CGO_ENABLED=0 $(GO) vet ./cmd/porchlight ./lambdas/... # what must build without a C compiler; faces then only says so

test-go: ## run the Go tests
	@echo "==> Go tests$(if $(TESTDATA),, (PORCHLIGHT_TESTDATA is not set: tests on real footage are skipped))"
	@$(GO) test -timeout 30m ./... # of a busy machine, for the slowest package
	@$(GO) test -tags matprofile ./internal/vision/...

test-web: web/node_modules/.stamp ## check and test the app
	@echo "==> app: types, tests, size"
	@npm --prefix web run --silent check
	@npm --prefix web run --silent test
	@npm --prefix web run --silent build -- --logLevel warn
	@npm --prefix web run --silent size
	@npm --prefix web run --silent test:browser

test-infra: infra/node_modules/.stamp ## test the CDK app and its committed template
	@echo "==> infrastructure"
	@cd infra && export PATH="$$PWD/node_modules/.bin:$$PATH" && $(GO) vet ./... && $(GO) test ./...

race: ## run the Go tests that have goroutines and no OpenCV under the race detector
	@$(GO) test -race $$($(GO) list ./internal/... | grep -v -e /vision -e /dynamo)

fuzz: ## fuzz every fuzz target for FUZZTIME (10s)
	@for p in $$(grep -rl --include=*_test.go '^func Fuzz' internal | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$p/*_test.go | sed 's/func //'); do \
	    echo "==> $$p $$f"; $(GO) test ./$$p -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-10s} | tail -1; done; done

bench: deps build ## measure the budgets of docs/architecture.md
	@$(GO) build -o $(BIN)/bench ./test/bench
	@$(BIN)/bench $(BENCH_FLAGS)
	@$(GO) test -run '^$$' -bench . -benchmem ./internal/...

lint: $(BIN)/golangci-lint-$(GOLANGCI_VERSION) ## run golangci-lint
	@$< run ./...
	@cd infra && ../$< run ./...

$(BIN)/golangci-lint-$(GOLANGCI_VERSION):
	@echo "==> building golangci-lint $(GOLANGCI_VERSION)"
	@mkdir -p $(BIN)
	@GOBIN=$(abspath $(BIN)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(BIN)/golangci-lint $@

vuln: ## look for known vulnerabilities, where the databases can be reached
	@test/vuln.sh

template: infra/node_modules/.stamp ## renew the committed CloudFormation template from the CDK app
	@npm --prefix infra run --silent snapshot

fmt: ## format the Go code
	@gofmt -w $$(git ls-files '*.go')

generate: web/node_modules/.stamp ## regenerate what is generated
	@$(GO) generate ./...
	@npm --prefix web run --silent generate

clean: ## remove what was built (not the data folder)
	@rm -rf $(BIN) web/dist
