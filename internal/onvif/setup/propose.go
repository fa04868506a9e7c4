// Package setup makes cameras of a configuration out of what cameras say of
// themselves: it chooses the streams, finds a name, proves both with a picture
// and writes them into porchlight.yaml without touching what is there.
package setup

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"porchlight/internal/onvif"
)

// ErrNoStream says that a camera offers nothing that can be watched.
var ErrNoStream = errors.New("camera offers no H.264 or H.265 video")

// goodWidth is from where on a picture is worth looking at, in pixels.
const goodWidth = 640

// Camera is one camera of the configuration, as it is proposed.
type Camera struct {
	Name   string
	Known  bool           // it is in the configuration already
	Source onvif.Profile  // that is looked at
	Record *onvif.Profile // that is recorded; nil: the same
	About  []string       // lines for people
}

// Streams are what is looked at and what is recorded, by configuration key.
func (c *Camera) Streams() []Stream {
	list := []Stream{{Key: "source", Profile: c.Source}}
	if c.Record != nil {
		list = append(list, Stream{Key: "record.source", Profile: *c.Record})
	}
	return list
}

// Stream is one of the streams of a camera.
type Stream struct {
	Key     string // of the configuration: source or record.source
	Profile onvif.Profile
}

// Propose makes a camera of each video source of a device: a recorder has
// many. Names are new to the file, which may be empty; those of cameras that
// are in it stay. It fails with ErrNoStream.
func Propose(d *onvif.Description, file *File) ([]Camera, error) {
	var order []string
	sources := map[string][]onvif.Profile{}
	for _, p := range d.Profiles {
		if p.Codec != "h264" && p.Codec != "h265" {
			continue
		}
		if sources[p.Source] == nil {
			order = append(order, p.Source)
		}
		sources[p.Source] = append(sources[p.Source], p)
	}
	if len(order) == 0 {
		return nil, fmt.Errorf("%w: %s; choose H.264 in its settings", ErrNoStream, d.Address)
	}
	var cameras []Camera
	for i, source := range order {
		main, sub := choose(sources[source])
		c := Camera{Source: sub, About: about(d, sources[source])}
		if sub.Token != main.Token {
			c.Record = &main
		}
		name := nameOf(d)
		if len(order) > 1 {
			name = fmt.Sprintf("%s-%d", name, i+1)
		}
		c.Name, c.Known = file.claim(name, c.Streams())
		cameras = append(cameras, c)
	}
	return cameras, nil
}

// choose picks the best stream, and the one that costs least to look at and
// still shows enough: the smallest of H.264 that is 640 wide or more.
func choose(list []onvif.Profile) (main, sub onvif.Profile) {
	pixels := func(p onvif.Profile) int { return min(p.Width, 1<<15) * min(p.Height, 1<<15) }
	larger := func(a, b onvif.Profile) int { return cmp.Or(pixels(a)-pixels(b), a.Kbps-b.Kbps) }
	main = slices.MaxFunc(list, larger)
	for _, codec := range []string{"h264", "h265"} {
		same := slices.DeleteFunc(slices.Clone(list), func(p onvif.Profile) bool { return p.Codec != codec })
		if len(same) == 0 {
			continue
		}
		good := slices.DeleteFunc(slices.Clone(same), func(p onvif.Profile) bool { return p.Width < goodWidth })
		if len(good) > 0 {
			return main, slices.MinFunc(good, larger)
		}
		return main, slices.MaxFunc(same, larger)
	}
	return main, main
}

// about describes a camera for people, a line for itself and one for each stream.
func about(d *onvif.Description, profiles []onvif.Profile) []string {
	words := []string{strings.TrimSpace(d.Manufacturer + " " + d.Model)}
	if d.Firmware != "" {
		words[0] += ", firmware " + d.Firmware
	}
	for word, has := range map[string]bool{"PTZ": d.PTZ, "talk-back": d.Backchannel, "events of its own": d.Events} {
		if has {
			words = append(words, word)
		}
	}
	slices.Sort(words[1:])
	if off := time.Duration(d.ClockAhead * float64(time.Second)); off.Abs() >= time.Minute {
		side := "ahead"
		if off < 0 {
			side = "behind"
		}
		words = append(words, fmt.Sprintf("its clock is %s %s: set it to the network's time", off.Abs(), side))
	}
	lines := []string{strings.TrimLeft(strings.Join(words, ", "), ", ")}
	for _, p := range profiles {
		line := fmt.Sprintf("%s: %dx%d %s", cmp.Or(p.Name, "stream"), p.Width, p.Height, p.Codec)
		if p.FPS > 0 {
			line += fmt.Sprintf(", %g/s", p.FPS)
		}
		if p.Kbps > 0 {
			line += fmt.Sprintf(", %d kbit/s", p.Kbps)
		}
		if p.Audio != "" {
			line += ", sound " + p.Audio
		}
		lines = append(lines, line)
	}
	return lines
}
