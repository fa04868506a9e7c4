package region

import (
	"cmp"
	"math"
	"slices"

	"porchlight/internal/event"
)

// Look is what the detector found in one region: boxes in fractions of the crop.
type Look struct {
	Region Region
	Found  []event.Detection
}

// Found is a detection in fractions of the frame.
type Found struct {
	event.Detection
	// Cut tells that the object goes on beyond the region in which it was
	// found, so that its box is only a part of it.
	Cut bool
}

const (
	// joinIoU is how much two boxes of a group overlap that are of one object.
	// It is the detector's own threshold, so that two objects which it told
	// apart in one look stay apart. Vehicles stand in rows, and overlap more.
	joinIoU         = 0.45
	joinVehicles    = 0.6
	inside          = 0.9 // share of a box within a larger one that makes it a part of that
	insideVehicles  = 0.8
	tiny            = 0.05 // a box of less than this share of the larger one is no part of it
	borderPixels    = 5    // a box that ends so near to its region's border is cut by it
	borderShare     = 80   // and so is one nearer than the side over this: a large region is scaled down
	cutWeight       = 0.6  // what the score of a cut box counts against others
	alignedHeads    = 0.1  // in heights of the larger box: tops this near are of one body
	tooClose        = 0.6  // share of a region's sides that an object may fill to be seen well; measured, as ideal
	secondObjectMin = 0.5  // share of the larger box's score that a second object in it needs
)

// sighting is one box on its way through Merge.
type sighting struct {
	Found
	group  string
	shown  event.Box // the region it was found in
	looks  uint64    // in which this object was found: a bit for each
	weight float64   // decides between two
}

// Merge maps what was found in the regions of one frame back to fractions of
// the frame, clips it, and joins what was seen twice: of a group (event.Group)
// the best box stays, and a whole one always before a cut one. A box mostly
// inside a larger one is taken for a part of it, unless it is tiny against it,
// or the detector told both apart in one look and it does not look like a
// part, or a closer look at all of the larger one found it alone and with a
// better score: then that one goes. Scores are as found. The order of looks and of what was found in them
// changes nothing. Best first, by the score or, for a cut box, 0.6 of it.
//
// Follows Frigate's merging of regions, with the care for cut boxes changed:
// one is compared with what its region shows of a whole one.
func Merge(width, height int, looks []Look) []Found {
	list := sightings(width, height, looks)
	// Whole ones come first, so that they are kept.
	slices.SortFunc(list, func(a, b sighting) int {
		return cmp.Or(compareBool(a.Cut, b.Cut), compareSightings(a, b))
	})
	var kept []sighting
	for _, s := range list {
		if i := slices.IndexFunc(kept, func(k sighting) bool { return same(k, s) }); i >= 0 {
			kept[i].looks |= s.looks
			continue
		}
		kept = append(kept, s)
	}
	slices.SortFunc(kept, compareSightings)
	var out []Found
	for _, s := range kept {
		if !slices.ContainsFunc(kept, func(k sighting) bool { return partOf(s, k) || blurOf(s, k) }) {
			out = append(out, s.Found)
		}
	}
	return out
}

func sightings(width, height int, looks []Look) []sighting {
	var list []sighting
	if width < 1 || height < 1 {
		return nil
	}
	for i, l := range looks {
		if !l.Region.usable() {
			continue
		}
		for _, d := range l.Found {
			cut := l.Region.cuts(d.Box, width, height)
			d.Box = l.Region.toFrame(d.Box, width, height)
			if !usableBox(d.Box) || math.IsNaN(d.Score) {
				continue
			}
			d.Box = d.Box.Clip()
			s := sighting{
				Found: Found{d, cut}, group: event.Group(d.Label),
				shown: l.Region.Box(width, height), looks: 1 << min(i, 63), weight: d.Score,
			}
			if cut {
				s.weight *= cutWeight
			}
			list = append(list, s)
		}
	}
	return list
}

// cuts tells that a box, in fractions of the region, ends at a border of the
// region that is not one of the frame.
func (r Region) cuts(b event.Box, width, height int) bool {
	near := math.Max(borderPixels, float64(r.side())/borderShare)
	w, h := float64(r.Width), float64(r.Height)
	return r.X > 0 && b.X0*w < near || r.X+r.Width < width && (1-b.X1)*w < near ||
		r.Y > 0 && b.Y0*h < near || r.Y+r.Height < height && (1-b.Y1)*h < near
}

// same tells that a sighting is of the object that was kept.
func same(kept, s sighting) bool {
	if kept.group != s.group {
		return false
	}
	limit := joinIoU
	if s.group == "vehicle" {
		limit = joinVehicles
	}
	a, b := kept.Box, s.Box
	if kept.Cut {
		b = overlap(b, kept.shown)
	}
	if s.Cut {
		a = overlap(a, s.shown)
	}
	return a.IoU(b) > limit
}

// partOf tells that a box is only a part of a larger one.
func partOf(s, larger sighting) bool {
	switch {
	case !within(s, larger), larger.Cut && !s.Cut, blurOf(larger, s): // a cut box is not sure to be one object
		return false
	}
	return s.group == "vehicle" || !inFront(s, larger)
}

// within tells that a box lies in a larger one of its group, and is not tiny
// against it.
func within(s, larger sighting) bool {
	limit := inside
	if s.group == "vehicle" {
		limit = insideVehicles
	}
	area, whole := s.Box.Area(), larger.Box.Area()
	return s.group == larger.group && area < whole && area >= tiny*whole && s.Box.Intersect(larger.Box) > limit*area
}

// blurOf tells that a box is a closer one seen less well, say a person together
// with the post beside: a region that shows all of it closer, and so better,
// had only the other box in its place.
func blurOf(s, closer sighting) bool {
	return within(closer, s) && !closer.Cut && closer.Score > s.Score && closer.looks&s.looks == 0 &&
		closer.shown.Area() < s.shown.Area() && s.Box.Intersect(closer.shown) >= inside*s.Box.Area() &&
		s.Box.Width() <= tooClose*closer.shown.Width() && s.Box.Height() <= tooClose*closer.shown.Height()
}

// inFront tells that a box inside a larger one is a second object in front of
// it or behind it: one look showed both, it is scored well, and its top is not
// at the larger one's, as that of a head and chest would be.
func inFront(s, larger sighting) bool {
	return s.looks&larger.looks != 0 && s.Score >= secondObjectMin*larger.Score &&
		s.Box.Y0-larger.Box.Y0 > alignedHeads*larger.Box.Height()
}

func overlap(a, b event.Box) event.Box {
	return event.Box{X0: max(a.X0, b.X0), Y0: max(a.Y0, b.Y0), X1: min(a.X1, b.X1), Y1: min(a.Y1, b.Y1)}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// compareSightings is a total order but for sightings that are alike in all
// that Merge returns.
func compareSightings(a, b sighting) int {
	return cmp.Or(
		cmp.Compare(b.weight, a.weight), compareBool(a.Cut, b.Cut), cmp.Compare(a.Label, b.Label),
		compareBoxes(a.Box, b.Box), compareBoxes(a.shown, b.shown),
	)
}

func compareBoxes(a, b event.Box) int {
	return cmp.Or(cmp.Compare(a.X0, b.X0), cmp.Compare(a.Y0, b.Y0), cmp.Compare(a.X1, b.X1), cmp.Compare(a.Y1, b.Y1))
}
