package homeassistant

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// idPrefix begins the ids of all devices of ours.
const idPrefix = "porchlight_"

// mostReadable bounds an id, and with it the topics that it is part of.
const mostReadable = 96

// deviceID is stable over restarts and unique among all things of one broker:
// the names in it are for people, the digits of a hash part "a_b" and "c" from
// "a" and "b_c". It has characters only that a discovery topic may have.
func deviceID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	readable := regexp.MustCompile(`[^A-Za-z0-9_-]`).ReplaceAllString(strings.Join(parts, "_"), "_")
	if len(readable) > mostReadable {
		readable = readable[:mostReadable]
	}
	return idPrefix + strings.ToLower(readable) + "_" + hex.EncodeToString(sum[:4])
}

// title makes a name for people of one for programs: "front-door" is Front door.
func title(name string) string {
	text := strings.TrimSpace(strings.NewReplacer("-", " ", "_", " ").Replace(name))
	if text == "" {
		return name
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
