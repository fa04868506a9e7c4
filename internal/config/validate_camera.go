package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"porchlight/internal/polygon"
)

// Bounds of what one camera may have.
const (
	mostZones  = 16
	mostMasks  = 16
	mostLabels = 100 // more than any detector in use knows
)

// validate judges all but the source, which need not be known yet.
func (c Camera) validate(path string) error {
	in := func(key string) string { return join(path, key) }
	switch {
	case c.FPS <= 0 || c.FPS > 60:
		return bad(in("fps"), "%v: want more than 0 and at most 60", c.FPS)
	case c.MaxWidth < 64 || c.MaxWidth > 7680:
		return bad(in("max_width"), "%d: want 64 to 7680 pixels", c.MaxWidth)
	case c.Quiet < time.Second || c.Quiet > time.Hour:
		return bad(in("quiet"), "%v: want 1s to 1h", c.Quiet)
	case c.Cooldown < 0 || c.Cooldown > 24*time.Hour:
		return bad(in("cooldown"), "%v: want 0s to 24h", c.Cooldown)
	}
	return first(
		func() error { return validateLabels(in("labels"), c.Labels) },
		func() error { return validateAliases(in("aliases"), c.Aliases) },
		func() error { return c.Motion.validate(in("motion")) },
		func() error { return validateObjects(in("objects"), c.Objects) },
		func() error { return validateObjectMasks(in("object_masks"), c.ObjectMasks) },
		func() error { return validateZones(in("zones"), c.Zones) },
		func() error { return c.Alerts.validate(in("alerts"), c.Zones) },
		func() error { return validateMasks(in("privacy_masks"), c.PrivacyMasks) },
		func() error { return c.Faces.validate(in("faces")) },
		func() error { return c.Record.validate(in("record")) },
		func() error { return c.Upload.validate(in("upload")) },
		func() error { return c.Live.validate(in("live")) },
	)
}

func (a Alerts) validate(path string, zones map[string]Zone) error {
	if len(a.Zones) > mostZones {
		return bad(join(path, "zones"), "%d zones: want at most %d", len(a.Zones), mostZones)
	}
	for i, name := range a.Zones {
		if _, ok := zones[name]; !ok {
			known := "the camera has none"
			if len(zones) > 0 {
				known = "its zones are " + strings.Join(sortedKeys(zones), ", ")
			}
			return bad(fmt.Sprintf("%s.zones[%d]", path, i), "there is no zone %q; %s", brief(name), known)
		}
	}
	return validateLabels(join(path, "labels"), a.Labels)
}

func (m Motion) validate(path string) error {
	if m.Threshold < 1 || m.Threshold > 255 {
		return bad(join(path, "threshold"), "%d: want 1 to 255 gray levels", m.Threshold)
	}
	if m.MinArea < 0 || m.MinArea > 0.5 {
		return bad(join(path, "min_area"), "%v: want a fraction of the picture, 0 to 0.5", m.MinArea)
	}
	return validateMasks(join(path, "masks"), m.Masks)
}

func validateAliases(path string, aliases map[string]string) error {
	if len(aliases) > mostLabels {
		return bad(path, "%d labels: want at most %d", len(aliases), mostLabels)
	}
	for _, label := range sortedKeys(aliases) {
		if err := first(
			func() error { return validateLabel(path, label) },
			func() error { return validateLabel(join(path, label), aliases[label]) },
		); err != nil {
			return err
		}
	}
	return nil
}

func validateObjects(path string, objects map[string]Object) error {
	if len(objects) > mostLabels {
		return bad(path, "%d labels: want at most %d", len(objects), mostLabels)
	}
	for _, label := range sortedKeys(objects) {
		if err := validateLabel(join(path, label), label); err != nil {
			return err
		}
		o, at := objects[label], join(path, label)
		switch {
		case o.MinScore < 0 || o.MinScore > 1:
			return bad(join(at, "min_score"), "%v: want 0 to 1", o.MinScore)
		case o.MinArea < 0 || o.MinArea >= 1:
			return bad(join(at, "min_area"), "%v: want a fraction of the picture, 0 to less than 1", o.MinArea)
		case o.MaxArea < 0 || o.MaxArea > 1:
			return bad(join(at, "max_area"), "%v: want a fraction of the picture, 0 to 1", o.MaxArea)
		case o.MaxArea > 0 && o.MaxArea <= o.MinArea:
			return bad(join(at, "max_area"), "%v: want more than min_area, which is %v, or 0 for no limit", o.MaxArea, o.MinArea)
		}
	}
	return nil
}

func validateObjectMasks(path string, masks []ObjectMask) error {
	if len(masks) > mostMasks {
		return bad(path, "%d masks: want at most %d", len(masks), mostMasks)
	}
	for i, mask := range masks {
		at := fmt.Sprintf("%s[%d]", path, i)
		if err := first(
			func() error { return validatePolygon(join(at, "polygon"), mask.Polygon) },
			func() error { return validateLabels(join(at, "labels"), mask.Labels) },
		); err != nil {
			return err
		}
	}
	return nil
}

func validateZones(path string, zones map[string]Zone) error {
	if len(zones) > mostZones {
		return bad(path, "%d zones: want at most %d", len(zones), mostZones)
	}
	for _, name := range sortedKeys(zones) {
		zone, at := zones[name], join(path, name)
		if !regexp.MustCompile(`^[a-z0-9_-]{1,32}$`).MatchString(name) {
			return bad(path, "the name %q: want 1 to 32 of a-z, 0-9, _ and -", brief(name))
		}
		if err := first(
			func() error { return validatePolygon(join(at, "polygon"), zone.Polygon) },
			func() error { return validateLabels(join(at, "labels"), zone.Labels) },
		); err != nil {
			return err
		}
		if zone.Loiter < 0 || zone.Loiter > time.Hour {
			return bad(join(at, "loiter"), "%v: want 0s to 1h", zone.Loiter)
		}
	}
	return nil
}

func validateMasks(path string, masks []polygon.Polygon) error {
	if len(masks) > mostMasks {
		return bad(path, "%d masks: want at most %d", len(masks), mostMasks)
	}
	for i, mask := range masks {
		if err := validatePolygon(fmt.Sprintf("%s[%d]", path, i), mask); err != nil {
			return err
		}
	}
	return nil
}

func (f Faces) validate(path string) error {
	switch f.Detector {
	case "", "mtcnn", "yunet":
	default:
		return bad(join(path, "detector"), `%q: want mtcnn, yunet or "" for off`, brief(f.Detector))
	}
	if f.MinSize < 20 || f.MinSize > 1000 {
		return bad(join(path, "min_size"), "%d: want 20 to 1000 pixels", f.MinSize)
	}
	return nil
}

func validatePolygon(path string, poly polygon.Polygon) error {
	if len(poly) == 0 {
		return bad(path, "missing: give its corners, [[x,y], …] in fractions of the frame")
	}
	if err := poly.Validate(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, path, err)
	}
	return nil
}

func validateLabels(path string, labels []string) error {
	if len(labels) > mostLabels {
		return bad(path, "%d labels: want at most %d", len(labels), mostLabels)
	}
	for i, label := range labels {
		if err := validateLabel(fmt.Sprintf("%s[%d]", path, i), label); err != nil {
			return err
		}
	}
	return nil
}

// validateLabel takes the form of the labels in the model manifest.
func validateLabel(path, label string) error {
	if !regexp.MustCompile(`^[a-z0-9]([a-z0-9 _-]{0,30}[a-z0-9])?$`).MatchString(label) {
		return bad(path, "%q: want a label in lower case, like person or traffic light", brief(label))
	}
	return nil
}

// first runs checks until one finds something.
func first(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}
