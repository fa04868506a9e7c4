package policy

import (
	"fmt"
	"go/ast"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module    = "porchlight/"
	mostLines = 450 // of a file that a person maintains
	fewLines  = 250 // above this a file is listed, to be looked at
)

// packageComments wants one per folder; a test package's counts where there
// are only tests.
func packageComments(all files) []fault {
	parsed, faults := all.parseGo()
	documented, first := map[string]bool{}, map[string]string{}
	for _, f := range parsed {
		key := f.dir
		if f.test {
			key += " (tests)"
		}
		documented[key] = documented[key] || f.Doc != nil
		if first[key] == "" || f.path < first[key] {
			first[key] = f.path
		}
	}
	for key, file := range first {
		_, hasCode := first[strings.TrimSuffix(key, " (tests)")]
		if tests := strings.HasSuffix(key, " (tests)"); !documented[key] && (!tests || !hasCode) {
			faults = append(faults, fault{file, "its package has no doc comment", "say above the package clause what the package is for"})
		}
	}
	return faults
}

func noInit(all files) []fault {
	parsed, faults := all.parseGo()
	for _, f := range parsed {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "init" && fn.Recv == nil {
				at := fmt.Sprintf("func init at line %d", f.set.Position(fn.Pos()).Line)
				faults = append(faults, fault{f.path, at, "let a constructor do it: nothing happens by importing"})
			}
		}
	}
	return faults
}

// fuzzSeeds wants a committed corpus for every fuzz target, for go test runs
// just that.
func fuzzSeeds(all files) []fault {
	parsed, faults := all.parseGo()
	for _, f := range parsed {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !f.test || !strings.HasPrefix(fn.Name.Name, "Fuzz") {
				continue
			}
			folder := path.Join(f.dir, "testdata/fuzz", fn.Name.Name) + "/"
			if !slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(name string) bool { return strings.HasPrefix(name, folder) }) {
				faults = append(faults, fault{f.path, fn.Name.Name + " has no corpus", "commit a few small inputs in " + folder})
			}
		}
	}
	return faults
}

func cgoInVision(all files) []fault {
	return eachImport(all, func(f goFile, imported string) *fault {
		if imported != "C" || f.dir == "internal/vision" {
			return nil
		}
		return &fault{f.path, "uses cgo", "put the call behind the shield in internal/vision, where C++ exceptions are caught"}
	})
}

func eachImport(all files, look func(f goFile, imported string) *fault) []fault {
	parsed, faults := all.parseGo()
	for _, f := range parsed {
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue
			}
			if found := look(f, imported); found != nil {
				faults = append(faults, *found)
			}
		}
	}
	return faults
}

// edgeRooms are the rooms on the device's side, of docs/architecture.md
// section 4.
func edgeRooms() []string {
	return []string{
		"internal/annotate", "internal/capture", "internal/edge", "internal/greengrass", "internal/inspect", "internal/iot",
		"internal/kvs", "internal/live", "internal/media", "internal/motion", "internal/onvif",
		"internal/pipeline", "internal/privacy", "internal/recording",
		"internal/region", "internal/replay", "internal/things", "internal/track", "internal/vision",
	}
}

// forbidden says that files in from must not import to.
type forbidden struct {
	from, to []string
	except   []string // of to, where the importing file is a test
	outside  []string // of from, of which another entry speaks
	cure     string
}

func forbiddenArrows() []forbidden {
	edge, cloud, local := edgeRooms(), []string{"internal/cloud"}, []string{"internal/localcloud"}
	meet := "let the two meet in internal/event, or wire them in a main package"
	faces := []string{"lambdas/faces"} // which sees
	blind := slices.DeleteFunc(edgeRooms(), func(room string) bool { return room == "internal/vision" })
	dynamo := []string{"internal/localcloud/dynamo/dynamotest"}
	return []forbidden{
		{from: []string{"internal/event"}, to: []string{""}, cure: "event is the vocabulary of all rooms and imports none of them"},
		{from: edge, to: slices.Concat(cloud, local), cure: meet},
		{from: cloud, to: slices.Concat(edge, local), except: dynamo, cure: meet},
		{from: local, to: slices.Concat(edge, cloud), cure: meet},
		{
			from: []string{"lambdas"}, outside: faces, to: slices.Concat(edge, local), except: dynamo,
			cure: "a Lambda wires internal/cloud and nothing else",
		},
		{
			from: faces, to: slices.Concat(blind, local), cure: "the Lambda of faces wires internal/cloud and internal/vision and nothing else",
		},
		{from: []string{"internal"}, to: []string{"cmd", "components", "lambdas"}, cure: "move what is shared from the main package into internal"},
		{
			from: slices.Concat(edge, cloud, local), to: []string{"internal/onemachine"},
			cure: "onemachine joins the rooms and is used by cmd/porchlight alone",
		},
	}
}

func arrows(all files) []fault {
	return eachImport(all, func(f goFile, imported string) *fault {
		target, ours := strings.CutPrefix(imported, module)
		if !ours {
			return nil
		}
		for _, no := range forbiddenArrows() {
			own := in(f.dir, no.from) && sameRoom(f.dir, target, no.from)
			allowed := f.test && slices.Contains(no.except, target)
			if in(f.dir, no.from) && !in(f.dir, no.outside) && in(target, no.to) && !own && !allowed {
				return &fault{f.path, "imports " + imported, no.cure}
			}
		}
		return nil
	})
}

// in says whether dir is one of the rooms or lies in one; "" holds all.
func in(dir string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		return room == "" || dir == room || strings.HasPrefix(dir, room+"/")
	})
}

// sameRoom: an external test imports the package it tests.
func sameRoom(dir, target string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		return in(dir, []string{room}) && in(target, []string{room})
	})
}

func maintained(name string, content []byte) bool {
	return slices.Contains([]string{".go", ".ts", ".tsx", ".mjs", ".cpp", ".h", ".css"}, path.Ext(name)) && handWritten(name, content)
}

func fileSize(all files) (faults []fault) {
	for name, content := range all {
		if n := lines(content); n > mostLines && maintained(name, content) {
			faults = append(faults, fault{name, fmt.Sprintf("%d lines", n), fmt.Sprintf("split it: at most %d, one idea per file", mostLines)})
		}
	}
	return faults
}

// TestLargeFiles lists, with -v, what may soon need to be split.
func TestLargeFiles(t *testing.T) {
	for name, content := range repository(t) {
		if n := lines(content); n > fewLines && maintained(name, content) {
			t.Logf("%4d lines: %s", n, name)
		}
	}
}
