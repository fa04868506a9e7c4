package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"porchlight/internal/publish"
)

// plannedComponent is one component of a dry run as JSON.
type plannedComponent struct {
	Component string            `json:"component"`
	Version   string            `json:"version"`
	Digest    string            `json:"digest"` // of recipe and artifacts
	Artifacts []plannedArtifact `json:"artifacts"`
	Recipe    map[string]any    `json:"recipe"`
}

type plannedArtifact struct {
	publish.Artifact
	URI string `json:"uri"`
}

// printPlan prints what would be done: JSON Lines, or YAML whose documents are
// the recipes and whose comments are the rest.
func printPlan(w io.Writer, asJSON bool, components []*publish.Component, calls []publish.Call) error {
	if asJSON {
		return printPlanJSON(w, components, calls)
	}
	for i, c := range components {
		if i > 0 {
			fmt.Fprintln(w, "---")
		}
		fmt.Fprintf(w, "# component %s %s, digest %s\n", c.Name, c.Version, c.Digest())
		for _, a := range c.Artifacts {
			fmt.Fprintf(w, "# artifact s3://%s/%s: %d bytes, SHA-256 %s\n", c.Bucket, c.Key(a), a.Bytes, a.SHA256)
		}
		fmt.Fprintf(w, "# recipe, %d bytes:\n%s", len(c.YAML), c.YAML)
	}
	for _, call := range calls {
		var words []string
		for _, key := range slices.Sorted(maps.Keys(call.Parameters)) {
			words = append(words, key+"="+call.Parameters[key])
		}
		line := strings.TrimSpace(call.Call + " " + strings.Join(words, " "))
		if call.When != "" {
			line += " (if " + call.When + ")"
		}
		fmt.Fprintln(w, "# call", line)
	}
	return nil
}

func printPlanJSON(w io.Writer, components []*publish.Component, calls []publish.Call) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, c := range components {
		line := plannedComponent{Component: c.Name, Version: c.Version, Digest: c.Digest(), Recipe: c.Recipe.Value()}
		for _, a := range c.Artifacts {
			line.Artifacts = append(line.Artifacts, plannedArtifact{a, "s3://" + c.Bucket + "/" + c.Key(a)})
		}
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	for _, call := range calls {
		if err := enc.Encode(call); err != nil {
			return err
		}
	}
	return nil
}
