package shadow

import "strings"

// Key names one shadow.
type Key struct {
	Thing string
	Name  string // empty: the classic shadow
}

// check holds the names against the patterns of the iot-data API.
func (k Key) check() error {
	if !wellNamed(k.Thing, 128, ":_-") {
		return invalid("Invalid thing name: want 1 to 128 of a-z A-Z 0-9 : _ -")
	}
	if k.Name != "" && !wellNamed(k.Name, 64, "$:_-") {
		return invalid("Invalid shadow name: want 1 to 64 of a-z A-Z 0-9 : _ - $")
	}
	return nil
}

func wellNamed(name string, most int, signs string) bool {
	return name != "" && len(name) <= most && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(signs, r)
	}) < 0
}

// topics begins every topic of the shadow.
func (k Key) topics() string {
	prefix := "$aws/things/" + k.Thing + "/shadow/"
	if k.Name != "" {
		prefix += "name/" + k.Name + "/"
	}
	return prefix
}

// Operations on a shadow, as topics name them.
const (
	opGet    = "get"
	opUpdate = "update"
	opDelete = "delete"
)

// Request is what a topic asks for.
type Request struct {
	Key
	op string
}

// ParseTopic tells which request is published on a topic; false means that the
// topic is not one that takes requests about shadows.
func ParseTopic(topic string) (Request, bool) {
	rest, ok := strings.CutPrefix(topic, "$aws/things/")
	if !ok {
		return Request{}, false
	}
	parts := strings.Split(rest, "/")
	var r Request
	switch {
	case len(parts) == 3 && parts[1] == "shadow":
		r = Request{Key{Thing: parts[0]}, parts[2]}
	case len(parts) == 5 && parts[1] == "shadow" && parts[2] == "name" && parts[3] != "":
		r = Request{Key{Thing: parts[0], Name: parts[3]}, parts[4]}
	default:
		return Request{}, false
	}
	if r.op != opGet && r.op != opUpdate && r.op != opDelete || r.Thing == "" {
		return Request{}, false
	}
	return r, true
}
