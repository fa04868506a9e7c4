// Package models holds the list of neural networks that Porchlight can use:
// where each comes from, what its files must hash to, its license, and how
// pictures go in and boxes come out. The networks themselves are not here;
// "porchlight models pull" fetches them.
package models

import _ "embed" // for the manifest

//go:embed manifest.json
var manifest string

// Manifest returns the built-in manifest, JSON in the form that
// modelstore.ParseManifest reads.
func Manifest() []byte { return []byte(manifest) }
