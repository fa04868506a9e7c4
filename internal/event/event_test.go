package event_test

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/event"
)

func sample() *event.Event {
	at := time.Date(2026, 5, 4, 3, 2, 1, 234567890, time.UTC)
	return &event.Event{
		EventID: event.NewID(at), Sequence: 1, State: event.Started, Camera: "home.front-door",
		StartedAt: event.At(at), UpdatedAt: event.At(at.Add(time.Second)),
		Labels: map[string]float64{"person": 0.91}, Zones: []string{}, Score: 0.91,
		Box: event.Box{X0: 0.1, Y0: 0.2, X1: 0.3, Y1: 0.4}, Faces: []event.Face{}, Model: "yolox-nano",
	}
}

func TestEventWireForm(t *testing.T) {
	e := sample()
	payload, err := e.Marshal()
	require.NoError(t, err)
	require.JSONEq(t, `{"event_id":"`+e.EventID+`","sequence":1,"state":"started","camera":"home.front-door",
		"started_at":"2026-05-04T03:02:01.234Z","updated_at":"2026-05-04T03:02:02.234Z","labels":{"person":0.91},
		"zones":[],"score":0.91,"box":[0.1,0.2,0.3,0.4],"faces":[],"model":"yolox-nano"}`, string(payload))
	back, err := event.Parse(payload)
	require.NoError(t, err)
	require.Equal(t, e, back)
}

func TestEventRefusesNonsense(t *testing.T) {
	end := event.At(time.Now())
	for name, spoil := range map[string]func(*event.Event){
		"id":              func(e *event.Event) { e.EventID = "x" },
		"lower-case id":   func(e *event.Event) { e.EventID = strings.ToLower(e.EventID) },
		"sequence":        func(e *event.Event) { e.Sequence = 0 },
		"state":           func(e *event.Event) { e.State = "done" },
		"camera":          func(e *event.Event) { e.Camera = "a/b.c" },
		"no camera":       func(e *event.Event) { e.Camera = "home" },
		"no start":        func(e *event.Event) { e.StartedAt = event.Time{} },
		"end too soon":    func(e *event.Event) { e.EndedAt = &end },
		"ended, no end":   func(e *event.Event) { e.State = event.Ended },
		"score":           func(e *event.Event) { e.Score = 1.1 },
		"label score":     func(e *event.Event) { e.Labels["cat"] = -1 },
		"label name":      func(e *event.Event) { e.Labels[""] = 1 },
		"not a number":    func(e *event.Event) { e.Box.X0 = nan() },
		"box outside":     func(e *event.Event) { e.Box.X1 = 1.001 },
		"box upside down": func(e *event.Event) { e.Box.Y0, e.Box.Y1 = 0.4, 0.2 },
		"endless box":     func(e *event.Event) { e.Box.X0 = math.Inf(-1) },
		"score not one":   func(e *event.Event) { e.Score = nan() },
		"label not one":   func(e *event.Event) { e.Labels["cat"] = nan() },
		"long label":      func(e *event.Event) { e.Labels[strings.Repeat("ü", event.MaxName+1)] = 1 },
		"many labels":     func(e *event.Event) { e.Labels = labels(event.MaxLabels + 1) },
		"severity":        func(e *event.Event) { e.Severity = "panic" },
		"many zones":      func(e *event.Event) { e.Zones = make([]string, event.MaxZones+1) },
		"nameless zone":   func(e *event.Event) { e.Zones = []string{""} },
		"long zone":       func(e *event.Event) { e.Zones = []string{strings.Repeat("z", event.MaxName+1)} },
		"appeared":        func(e *event.Event) { e.Appeared = []string{"drive", ""} },
		"removed":         func(e *event.Event) { e.Removed = make([]string, event.MaxZones+1) },
		"many faces":      func(e *event.Event) { e.Faces = make([]event.Face, event.MaxFaces+1) },
		"long face":       func(e *event.Event) { e.Faces = []event.Face{{Name: strings.Repeat("x", event.MaxName+1)}} },
		"face near":       func(e *event.Event) { e.Faces = []event.Face{{Distance: -1}} },
		"face far":        func(e *event.Event) { e.Faces = []event.Face{{Distance: math.Inf(1)}} },
		"face nowhere":    func(e *event.Event) { e.Faces = []event.Face{{Distance: nan()}} },
		"long model":      func(e *event.Event) { e.Model = strings.Repeat("m", event.MaxName+1) },
		"enormous camera": func(e *event.Event) { e.Camera = "h." + strings.Repeat("x", 1000) },
	} {
		t.Run(name, func(t *testing.T) {
			e := sample()
			spoil(e)
			_, err := e.Marshal()
			require.ErrorIs(t, err, event.ErrInvalid)
			require.Less(t, len(err.Error()), 300)
		})
	}
}

func nan() float64 { var zero float64; return zero / zero }

// What fits the wire's rounding fits.
func TestEventTakesTheBounds(t *testing.T) {
	e := sample()
	e.Severity, e.Labels = event.Alert, labels(event.MaxLabels)
	e.Box = event.Box{X0: -1e-6, Y0: 0, X1: 1 + 1e-6, Y1: 1}
	for range event.MaxZones {
		e.Zones = append(e.Zones, strings.Repeat("ü", event.MaxName))
		e.Faces = append(e.Faces, event.Face{Name: strings.Repeat("x", event.MaxName), Distance: 4})
	}
	e.Appeared, e.Removed = e.Zones[:1], e.Zones[1:2]
	require.NoError(t, e.Validate())
}

func TestSeverityAndThingsOnTheWire(t *testing.T) {
	e := sample()
	e.Severity, e.Zones, e.Appeared, e.Removed = event.Notice, []string{"porch", "drive"}, []string{"porch"}, []string{"drive"}
	payload, err := e.Marshal()
	require.NoError(t, err)
	require.Contains(t, string(payload), `"severity":"detection","zones":["porch","drive"],"appeared":["porch"],"removed":["drive"]`)
	back, err := event.Parse(payload)
	require.NoError(t, err)
	require.Equal(t, e, back)
}

func labels(n int) map[string]float64 {
	out := map[string]float64{}
	for i := range n {
		out[strings.Repeat("l", 50)+strconv.Itoa(i)] = 0.5
	}
	return out
}

func TestEventTooLarge(t *testing.T) {
	e := sample()
	e.Labels = labels(event.MaxLabels)
	_, err := e.Marshal()
	require.ErrorIs(t, err, event.ErrTooLarge)
}

func TestStatusWireForm(t *testing.T) {
	s := &event.Status{
		State: event.Online, Session: event.NewID(time.Now()), Version: "1", At: event.At(time.Now()),
		Detector: &event.Detector{Model: "m", Weak: true},
		Cameras:  []event.CameraStatus{{Camera: "home.a", State: event.CameraRunning}},
	}
	payload, err := s.Marshal()
	require.NoError(t, err)
	back, err := event.ParseStatus(payload)
	require.NoError(t, err)
	require.Equal(t, s, back)
	for _, bad := range []string{`{}`, `[]`, `{"state":"online","session":"x"}`, `{"state":"asleep"}`, `nope`} {
		_, err := event.ParseStatus([]byte(bad))
		require.ErrorIs(t, err, event.ErrInvalid, bad)
	}
}

func TestTopics(t *testing.T) {
	require.Equal(t, "porchlight/v1/home/events", event.Topic("home", event.ChannelEvents))
	thing, c, err := event.SplitTopic("porchlight/v1/home/status")
	require.NoError(t, err)
	require.Equal(t, "home", thing)
	require.Equal(t, event.ChannelStatus, c)
	for _, bad := range []string{"", "porchlight/v1/home", "porchlight/v1//events", "other/v1/home/events", "porchlight/v1/a/b/c"} {
		_, _, err := event.SplitTopic(bad)
		require.Error(t, err, bad)
	}
}

func TestBox(t *testing.T) {
	a := event.Box{X0: 0, Y0: 0, X1: 0.5, Y1: 0.5}
	require.InDelta(t, 1, a.IoU(a), 1e-12)
	require.Zero(t, a.IoU(event.Box{X0: 0.6, Y0: 0.6, X1: 0.9, Y1: 0.9}))
	require.InDelta(t, 1.0/7, a.IoU(event.Box{X0: 0.25, Y0: 0.25, X1: 0.75, Y1: 0.75}), 1e-12)
	require.Equal(t, event.Box{X0: 0, Y0: 0, X1: 1, Y1: 1}, event.Box{X0: -1, Y0: -1, X1: 2, Y1: 2}.Clip())
	var b event.Box
	require.Error(t, json.Unmarshal([]byte(`[1,2,3]`), &b))
}

func FuzzParse(f *testing.F) {
	good, _ := sample().Marshal()
	f.Add(good)
	f.Add([]byte(`{"event_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","sequence":1e99}`))
	f.Add([]byte(`{"box":[1,2,3,4,5]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := event.Parse(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(e)
		if err != nil {
			return
		}
		if _, err := event.Parse(again); err != nil {
			t.Fatalf("%s does not parse again: %v", again, err)
		}
	})
}

func TestNewIDOfAnyTime(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(-1, 0), time.Unix(0, 0), time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		require.NoError(t, event.ValidateID(event.NewID(at)), at)
	}
	require.Less(t, event.NewID(time.UnixMilli(1)), event.NewID(time.UnixMilli(2)))
}
