package sensors

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/config"
	"porchlight/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		settings config.Sensor
		payload  string
		want     string // "": not understood; "-": says nothing
	}{
		{config.Sensor{Kind: "contact"}, `open`, "open"},
		{config.Sensor{Kind: "contact"}, `"Closed"`, "closed"},
		{config.Sensor{Kind: "contact"}, `ON`, "open"},
		{config.Sensor{Kind: "contact"}, ` OFF `, "closed"},
		{config.Sensor{Kind: "contact"}, `{"contact":false,"battery":97}`, "open"},
		{config.Sensor{Kind: "contact"}, `{"contact":true}`, "closed"},
		{config.Sensor{Kind: "contact"}, `{"state":"open"}`, "open"},
		{config.Sensor{Kind: "contact"}, `{"kind":"contact","state":"closed"}`, "closed"},
		{config.Sensor{Kind: "contact"}, `true`, ""},
		{config.Sensor{Kind: "contact"}, `{"state":true}`, ""},
		{config.Sensor{Kind: "contact", Field: "open"}, `{"open":true}`, "open"},
		{config.Sensor{Kind: "contact", Field: "door.closed"}, `{"door":{"closed":false}}`, "open"},
		{config.Sensor{Kind: "contact", Field: "door.closed"}, `{"door":true}`, "-"},
		{config.Sensor{Kind: "contact", Field: "door"}, `{"door":{"closed":false}}`, ""},
		{config.Sensor{Kind: "contact", States: map[string]string{"1": "open", "TRUE": "closed"}}, `1`, "open"},
		{config.Sensor{Kind: "contact", States: map[string]string{"1": "open", "TRUE": "closed"}}, `true`, "closed"},
		{config.Sensor{Kind: "contact"}, `{"battery":97}`, "-"},
		{config.Sensor{Kind: "contact"}, `{"contact":null}`, "-"},
		{config.Sensor{Kind: "contact"}, `unavailable`, "unavailable"},
		{config.Sensor{Kind: "motion"}, `{"occupancy":true,"illuminance":12}`, "detected"},
		{config.Sensor{Kind: "motion"}, `0`, "clear"},
		{config.Sensor{Kind: "motion"}, `{"state":"open"}`, ""},
		{config.Sensor{Kind: "water"}, `{"water_leak":false}`, "clear"},
		{config.Sensor{Kind: "smoke"}, `{"smoke":true}`, "detected"},
		{config.Sensor{Kind: "temperature"}, `21.456`, "21.46"},
		{config.Sensor{Kind: "temperature"}, `{"temperature":"-4"}`, "-4"},
		{config.Sensor{Kind: "temperature"}, `21 °C`, ""},
		{config.Sensor{Kind: "temperature"}, `1e300`, ""},
		{config.Sensor{Kind: "temperature"}, `Inf`, ""},
		{config.Sensor{Kind: "temperature"}, `true`, ""},
		{config.Sensor{Kind: "humidity"}, `{"humidity":40}`, "40"},
		{config.Sensor{Kind: "contact"}, ``, ""},
		{config.Sensor{Kind: "contact"}, `{`, ""},
		{config.Sensor{Kind: "contact"}, `{} {}`, ""},
		{config.Sensor{Kind: "contact"}, `[]`, ""},
		{config.Sensor{Kind: "contact"}, strings.Repeat(" ", maxMessage) + "open", ""},
	} {
		state, _, err := newMapping("x", tt.settings).read([]byte(tt.payload))
		switch tt.want {
		case "":
			require.ErrorIs(t, err, ErrMessage, tt.payload)
			require.Less(t, len(err.Error()), 300)
		case "-":
			require.ErrorIs(t, err, errSilent, tt.payload)
		default:
			require.NoError(t, err, tt.payload)
			require.Equal(t, tt.want, state, tt.payload)
		}
	}
	_, at, err := newMapping("x", config.Sensor{Kind: "contact"}).read([]byte(`{"state":"open","at":"2026-05-04T03:02:01Z"}`))
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), at)
}

func FuzzRead(f *testing.F) {
	f.Fuzz(func(t *testing.T, kind int, field string, payload []byte) {
		kinds := event.SensorKinds()
		m := newMapping("x", config.Sensor{Kind: string(kinds[uint(kind)%uint(len(kinds))]), Field: field})
		state, _, err := m.read(payload)
		if err == nil && m.kind.ValidateState(state) != nil {
			t.Fatalf("%q is no state of %s", state, m.kind)
		}
		online(payload)
	})
}

func TestOnline(t *testing.T) {
	for payload, want := range map[string][2]bool{
		"online": {true, true}, "offline": {false, true}, `{"state":"online"}`: {true, true}, `"Offline"`: {false, true},
		"": {}, "1": {}, `{"state":1}`: {}, `{}`: {},
	} {
		is, ok := online([]byte(payload))
		require.Equal(t, want, [2]bool{is, ok}, payload)
	}
}
