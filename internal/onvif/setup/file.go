package setup

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"porchlight/internal/onvif"
)

// ErrFile says that cameras cannot be written into a configuration.
var ErrFile = errors.New("cannot add to the configuration")

// mostCameras is how many a configuration may have.
const mostCameras = 32

// File is a configuration that cameras are added to. The zero value is an
// empty one.
type File struct {
	text  string
	names map[string]bool
	at    map[string]string // where a stream is → name of the camera
}

// ParseFile reads a configuration: the whole of one, or one with its cameras
// alone. It fails with ErrFile.
func ParseFile(text []byte) (*File, error) {
	f := &File{text: string(text), names: map[string]bool{}, at: map[string]string{}}
	tree, err := parse(f.text)
	if err != nil {
		return nil, err
	}
	cameras, ok := tree["cameras"].(map[string]any)
	if !ok && tree["cameras"] != nil {
		return nil, fmt.Errorf("%w: its cameras are no mapping of names to settings", ErrFile)
	}
	for name, settings := range cameras {
		f.names[name] = true
		camera, _ := settings.(map[string]any)
		record, _ := camera["record"].(map[string]any)
		for _, source := range []any{camera["source"], record["source"]} {
			if text, ok := source.(string); ok && text != "" {
				f.at[onvif.Place(text)] = name
			}
		}
	}
	return f, nil
}

func parse(text string) (map[string]any, error) {
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		// Without the lines around the fault, which may hold a camera's password.
		return nil, fmt.Errorf("%w: %s", ErrFile, yaml.FormatError(err, false, false))
	}
	if tree == nil {
		tree = map[string]any{}
	}
	return tree, nil
}

// claim returns the name of the camera that has one of these streams already,
// or else a new name like the one that is wished for, which is then taken.
func (f *File) claim(wish string, streams []Stream) (name string, known bool) {
	if f.names == nil {
		f.names, f.at = map[string]bool{}, map[string]string{}
	}
	for _, s := range streams {
		if name, ok := f.at[onvif.Place(s.Profile.Stream.SignedOut())]; ok {
			return name, true
		}
	}
	name = wish
	for n := 2; f.names[name]; n++ {
		name = wish + "-" + strconv.Itoa(n)
	}
	f.names[name] = true
	for _, s := range streams {
		f.at[onvif.Place(s.Profile.Stream.SignedOut())] = name
	}
	return name, false
}

// Merge adds cameras to the configuration's text, which else stays as it is
// to the letter, and gives the cameras in it that are known new sources when
// told to by force. It fails with ErrFile rather than to change anything else.
func (f *File) Merge(cameras []Entry, force bool) ([]byte, error) {
	tree, err := parse(f.text)
	if err != nil {
		return nil, err
	}
	section, _ := tree["cameras"].(map[string]any)
	if section == nil {
		section = map[string]any{}
		tree["cameras"] = section
	}
	doc := newDocument(f.text)
	for _, c := range cameras {
		old, there := section[c.Name].(map[string]any)
		switch {
		case there && !force:
			continue
		case there:
			record, _ := old["record"].(map[string]any)
			c.Source, c.Record = signedInAs(old["source"], c.Source), signedInAs(cmp.Or(record["source"], old["source"]), c.Record)
			old["source"] = c.Source
			if c.Record != "" {
				if record == nil {
					record = map[string]any{}
				}
				record["source"], old["record"] = c.Record, record
			}
			doc.replace(c)
		default:
			section[c.Name] = c.tree()
			doc.add(c)
		}
	}
	if len(section) > mostCameras {
		return nil, fmt.Errorf("%w: it would have %d cameras; %d is the most", ErrFile, len(section), mostCameras)
	}
	out := doc.text()
	if len(section) == 0 {
		return []byte(out), nil
	}
	if got, err := parse(out); err != nil || !reflect.DeepEqual(got, tree) {
		return nil, fmt.Errorf("%w: it is written in a way that cannot be added to by a program; add the cameras by hand, as they are printed without --write", ErrFile)
	}
	return []byte(out), nil
}

// signedInAs gives a source without a sign-in that of the old one, which it
// takes the place of.
func signedInAs(old any, source string) string {
	text, _ := old.(string)
	before, err := url.Parse(text)
	if err != nil || before.User == nil {
		return source
	}
	now, err := url.Parse(source)
	if err != nil || source == "" || now.User != nil || !strings.HasPrefix(before.Scheme, "rtsp") || !strings.EqualFold(now.Hostname(), before.Hostname()) {
		return source
	}
	now.User = before.User
	return now.String()
}
