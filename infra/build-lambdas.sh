#!/bin/sh
# Builds every Lambda for AWS (arm64) into bin/lambdas-arm64/<name>/bootstrap at
# the repository root. bin/lambdas holds builds for this machine, which the
# local cloud runs; the two are kept apart so that neither can be taken for the
# other. The CDK command line runs this before each synth.
set -eu
cd "$(dirname "$0")/.."
for main in lambdas/*/main.go; do
	name=$(basename "$(dirname "$main")")
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -tags lambda.norpc -trimpath \
		-ldflags='-s -w -buildid=' -o "bin/lambdas-arm64/$name/bootstrap" "./lambdas/$name"
done
