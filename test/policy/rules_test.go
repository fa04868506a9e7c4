package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rules by name, each with files that break it once.
func rules() map[string]struct {
	check  rule
	broken []files
} {
	type r = struct {
		check  rule
		broken []files
	}
	long := []byte(strings.Repeat("x\n", mostLines+1))
	return map[string]r{
		"package comment": {packageComments, []files{
			{"a/a.go": []byte("package a\n"), "a/a_test.go": []byte("// Package a_test.\npackage a_test\n")},
		}},
		"no init":       {noInit, []files{{"a/a.go": []byte("package a\nfunc init() {}\n")}}},
		"cgo in vision": {cgoInVision, []files{imports("internal/edge/a.go", "C")}},
		"fuzz corpus":   {fuzzSeeds, []files{{"a/a_test.go": []byte("package a\nfunc FuzzIt(f *testing.F) {}\n")}}},
		"arrows": {arrows, []files{
			imports("internal/cloud/x/a.go", "porchlight/internal/track"),
			imports("internal/pipeline/a_test.go", "porchlight/internal/localcloud/s3"),
			imports("internal/localcloud/a.go", "porchlight/internal/cloud/store"),
			imports("internal/x/a.go", "porchlight/lambdas/api"),
			imports("internal/event/a.go", "porchlight/internal/config"),
			imports("lambdas/x/main.go", "porchlight/internal/vision"),
			imports("lambdas/faces/main.go", "porchlight/internal/capture"),
			imports("internal/cloud/x/a.go", "porchlight/internal/localcloud/dynamo/dynamotest"),
			imports("internal/localcloud/a.go", "porchlight/internal/onemachine"),
		}},
		"file size":   {fileSize, []files{{"web/src/a.tsx": long}}},
		"README size": {readmeSize, []files{{"README.md": long}}},
		"links": {links, []files{
			{"docs/a.md": []byte("[b](b.md)")},
			{"a.md": []byte("[b](b.md#two)"), "b.md": []byte("# One\n")},
		}},
		"markers": {noMarkers, []files{{"a.go": []byte("// TO" + "DO later")}}},
		"machine": {noMachine, []files{
			{"a.md": []byte("see /wo" + "rk/main")},
			{"package-lock.json": []byte(`"resolved": "https://regis` + `try.npmjs.org/x"`)},
		}},
	}
}

func imports(file, imported string) files {
	return files{file: fmt.Appendf(nil, "package a\nimport _ %q\n", imported)}
}

func TestRepository(t *testing.T) {
	all := repository(t)
	for name, rule := range rules() {
		t.Run(name, func(t *testing.T) {
			faults := rule.check(all)
			slices.SortFunc(faults, func(a, b fault) int { return strings.Compare(a.String(), b.String()) })
			for _, f := range faults {
				t.Error(f)
			}
		})
	}
}

// A rule that finds nothing in a file that breaks it checks nothing.
func TestRulesObject(t *testing.T) {
	for name, rule := range rules() {
		t.Run(name, func(t *testing.T) {
			for _, broken := range rule.broken {
				if faults := rule.check(broken); len(faults) != 1 {
					t.Errorf("%q: found %v, want one fault", broken, faults)
				}
			}
		})
	}
}

func TestRulesAllow(t *testing.T) {
	fine := files{
		"README.md":              []byte("# One thing\n[a](docs/a.md#Two-things) [w](https://example.org/x) `[c](none.md)`\n```\n[d](none.md)\n```\n"),
		"docs/a.md":              []byte("## Two things\n[up](../README.md) [folder](.)\n"),
		"internal/vision/cgo.go": []byte("// Package vision sees.\npackage vision\nimport \"C\"\n"),
		"internal/edge/a.go":     []byte("// Package edge runs.\npackage edge\nimport _ \"porchlight/internal/vision\"\n"),
		"lambdas/faces/main.go":  []byte("// Command faces sees.\npackage main\nimport _ \"porchlight/internal/vision\"\n"),
		"internal/cloud/x/x.go":  []byte("// Package x stores.\npackage x\n"),
		"internal/cloud/x/x_test.go": []byte("package x_test\nimport _ \"porchlight/internal/localcloud/dynamo/dynamotest\"\n" +
			"type y struct{}\nfunc (y) init() {}\n"),
	}
	for name, rule := range rules() {
		if faults := rule.check(fine); len(faults) != 0 {
			t.Errorf("%s: found %v in files that are fine", name, faults)
		}
	}
}
