package pipeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/pipeline"
)

func TestWhatDoesNotCountIsIgnoredWithTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		kind   uint8
		change func(*config.Camera)
		reason string
	}{
		"a label that is not wanted": {bike, nil, "its label is not wanted"},
		"a low score":                {mistake, nil, "score 0.40 is under 0.50, the least for person"},
		"a label's own least score": {guest, func(c *config.Camera) {
			c.Objects = map[string]config.Object{"person": {MinScore: 0.88}}
		}, "score 0.85 is under 0.88, the least for person"},
		"too small": {person, func(c *config.Camera) {
			c.Objects = map[string]config.Object{"person": {MinArea: 0.07}}
		}, "is under 0.0700, the least for person"},
		"too large": {person, func(c *config.Camera) {
			c.Objects = map[string]config.Object{"person": {MaxArea: 0.01}}
		}, "is over 0.0100, the most for person"},
		"in a mask for all labels": {person, func(c *config.Camera) {
			c.ObjectMasks = []config.ObjectMask{{Polygon: shape(t, "0,0; 0.1,0; 0,0.1")}, {Polygon: shape(t, "0,0.8; 1,0.8; 1,1; 0,1")}}
		}, "in object mask 2"},
		"in a mask for its label": {person, func(c *config.Camera) {
			c.ObjectMasks = []config.ObjectMask{{Polygon: shape(t, "0,0.8; 1,0.8; 1,1; 0,1"), Labels: []string{"person"}}}
		}, "in object mask 1"},
		"under another name": {car, func(c *config.Camera) { c.Aliases = map[string]string{"car": "cell_phone"} }, "its label is not wanted"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, func(p *pipeline.Config) {
				if c.change != nil {
					c.change(&p.Settings)
				}
			})
			reasons := map[string]bool{}
			s.check = func(v *pipeline.View) {
				for _, i := range v.Ignored {
					reasons[i.Reason] = true
				}
			}
			s.pass(c.kind, 4*time.Second)
			s.idle(4 * time.Second)
			require.Empty(t, s.out.events)
			require.NotEmpty(t, reasons)
			for reason := range reasons {
				require.True(t, strings.Contains(reason, c.reason), reason)
			}
		})
	}
}

func TestWhatCounts(t *testing.T) {
	for name, c := range map[string]struct {
		kind   uint8
		change func(*config.Camera)
		label  string
	}{
		"a mask for another label": {person, func(c *config.Camera) {
			c.ObjectMasks = []config.ObjectMask{{Polygon: shape(t, "0,0; 1,0; 1,1; 0,1"), Labels: []string{"car"}}}
		}, "person"},
		"a mask elsewhere": {person, func(c *config.Camera) {
			c.ObjectMasks = []config.ObjectMask{{Polygon: shape(t, "0,0; 1,0; 1,0.8; 0,0.8")}}
		}, "person"},
		"a label's own low score": {guest, func(c *config.Camera) {
			c.Objects = map[string]config.Object{"person": {MinScore: 0.3, MinArea: 0.05, MaxArea: 0.07}}
		}, "person"},
		"limits of another label": {person, func(c *config.Camera) {
			c.Objects = map[string]config.Object{"car": {MinScore: 0.99, MinArea: 0.9}}
		}, "person"},
		"another name": {bike, func(c *config.Camera) { c.Aliases = map[string]string{"bicycle": "car"} }, "car"},
		"all labels":   {bike, func(c *config.Camera) { c.Labels = nil }, "bicycle"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, func(p *pipeline.Config) { c.change(&p.Settings) })
			s.pass(c.kind, 4*time.Second)
			s.idle(4 * time.Second)
			require.Contains(t, s.only().Labels, c.label)
			require.Len(t, s.only().Labels, 1)
		})
	}
}

// A weak detection makes nothing, but goes on with a track.
func TestAWeakDetectionContinuesATrack(t *testing.T) {
	s := newStage(t, nil)
	s.move(at(walker(person), -0.12), 0.3, 2*time.Second)
	weak := s.detector.kinds[person]
	weak.Score = 0.3
	s.detector.kinds[person] = weak
	seen := 0
	s.check = func(v *pipeline.View) {
		for _, tr := range v.Tracks {
			if tr.Seen && tr.Score == 0.3 {
				seen++
			}
		}
	}
	s.move(at(walker(person), 0.3), 0.8, 4*time.Second)
	require.Greater(t, seen, 5)
	s.idle(4 * time.Second)
	s.only()
}
