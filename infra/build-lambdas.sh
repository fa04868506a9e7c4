#!/bin/sh
# Builds every Lambda for AWS (arm64) into bin/lambdas-arm64/<name>/bootstrap at
# the repository root. bin/lambdas holds builds for this machine, which the
# local cloud runs; the two are kept apart so that neither can be taken for the
# other. A Lambda with a Dockerfile is a container image, which the CDK command
# line builds when it deploys: of that the folder gets the build's context, the
# packages that the program imports and nothing else, so that the image is new
# only when one of them is. The CDK command line runs this before each synth.
set -eu
cd "$(dirname "$0")/.."
for main in lambdas/*/main.go; do
	name=$(basename "$(dirname "$main")")
	out="bin/lambdas-arm64/$name"
	if [ ! -f "lambdas/$name/Dockerfile" ]; then
		CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -tags lambda.norpc -trimpath \
			-ldflags='-s -w -buildid=' -o "$out/bootstrap" "./lambdas/$name"
		continue
	fi
	rm -rf "$out"
	mkdir -p "$out"
	cp go.mod go.sum "lambdas/$name/Dockerfile" "$out"
	root=$(pwd)
	CGO_ENABLED=1 GOOS=linux GOARCH=amd64 go list -deps -f '{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}' "./lambdas/$name" | while read -r dir; do
		package=${dir#"$root/"}
		mkdir -p "$out/$package"
		find "$package" -maxdepth 1 -type f ! -name '*_test.go' ! -name Dockerfile -exec cp {} "$out/$package" \;
	done
	mkdir -p "$out/lambdas/$name/models"
	cp -L "lambdas/$name/models"/* "$out/lambdas/$name/models"
done
