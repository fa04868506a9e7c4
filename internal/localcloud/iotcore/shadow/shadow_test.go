package shadow_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore/shadow"
)

// TestDocuments follows the examples of "Device Shadow service documents",
// "Interacting with shadows" and "Delta state" in the developer guide.
func TestDocuments(t *testing.T) {
	type step struct{ op, payload, want string } // want: {"topic":document,...}
	for name, steps := range map[string][]step{
		"delta state": {
			{"update", `{"state":{"desired":{"color":"RED","state":"STOP"},"reported":{"color":"GREEN","engine":"ON"}}}`, `{
			 "update/accepted":{"state":{"desired":{"color":"RED","state":"STOP"},"reported":{"color":"GREEN","engine":"ON"}},
			  "metadata":{"desired":{"color":{"timestamp":12345},"state":{"timestamp":12345}},"reported":{"color":{"timestamp":12345},"engine":{"timestamp":12345}}},
			  "version":1,"timestamp":12345},
			 "update/delta":{"state":{"color":"RED","state":"STOP"},"metadata":{"color":{"timestamp":12345},"state":{"timestamp":12345}},"version":1,"timestamp":12345},
			 "update/documents":{"previous":{"state":{},"metadata":{},"version":0},
			  "current":{"state":{"desired":{"color":"RED","state":"STOP"},"reported":{"color":"GREEN","engine":"ON"}},
			   "metadata":{"desired":{"color":{"timestamp":12345},"state":{"timestamp":12345}},"reported":{"color":{"timestamp":12345},"engine":{"timestamp":12345}}},"version":1},
			  "timestamp":12345}}`},
			{"get", ``, `{"get/accepted":{"state":{"desired":{"color":"RED","state":"STOP"},"reported":{"color":"GREEN","engine":"ON"},"delta":{"color":"RED","state":"STOP"}},
			 "metadata":{"desired":{"color":{"timestamp":12345},"state":{"timestamp":12345}},"reported":{"color":{"timestamp":12345},"engine":{"timestamp":12345}}},
			 "version":1,"timestamp":12345}}`},
		},
		"nested delta has the path to the root": {
			{"update", `{"state":{"desired":{"lights":{"color":{"r":255,"g":255,"b":255}}},"reported":{"lights":{"color":{"r":255,"g":0,"b":255}}}}}`, ``},
			{"get", `{"clientToken":"c"}`, `{"get/accepted":{"state":{"desired":{"lights":{"color":{"r":255,"g":255,"b":255}}},"reported":{"lights":{"color":{"r":255,"g":0,"b":255}}},
			 "delta":{"lights":{"color":{"g":255}}}},
			 "metadata":{"desired":{"lights":{"color":{"r":{"timestamp":12345},"g":{"timestamp":12345},"b":{"timestamp":12345}}}},
			  "reported":{"lights":{"color":{"r":{"timestamp":12345},"g":{"timestamp":12345},"b":{"timestamp":12345}}}}},
			 "version":1,"timestamp":12345,"clientToken":"c"}}`},
		},
		"an update changes what it names": {
			{"update", `{"state":{"desired":{"color":{"r":10},"engine":"ON"}}}`, ``},
			{"update", `{"state":{"reported":{"color":{"r":10},"engine":"ON"}},"clientToken":"t"}`, `{
			 "update/accepted":{"state":{"reported":{"color":{"r":10},"engine":"ON"}},"metadata":{"reported":{"color":{"r":{"timestamp":12345}},"engine":{"timestamp":12345}}},
			  "version":2,"timestamp":12345,"clientToken":"t"},
			 "update/documents":{"previous":{"state":{"desired":{"color":{"r":10},"engine":"ON"}},"metadata":{"desired":{"color":{"r":{"timestamp":12345}},"engine":{"timestamp":12345}}},"version":1},
			  "current":{"state":{"desired":{"color":{"r":10},"engine":"ON"},"reported":{"color":{"r":10},"engine":"ON"}},
			   "metadata":{"desired":{"color":{"r":{"timestamp":12345}},"engine":{"timestamp":12345}},"reported":{"color":{"r":{"timestamp":12345}},"engine":{"timestamp":12345}}},"version":2},
			  "timestamp":12345,"clientToken":"t"}}`},
			{"update", `{"state":{"desired":{"engine":null}}}`, ``},
			{"get", ``, `{"get/accepted":{"state":{"desired":{"color":{"r":10}},"reported":{"color":{"r":10},"engine":"ON"}},
			 "metadata":{"desired":{"color":{"r":{"timestamp":12345}}},"reported":{"color":{"r":{"timestamp":12345}},"engine":{"timestamp":12345}}},"version":3,"timestamp":12345}}`},
		},
		"deleted from reported it is delta": {
			{"update", `{"state":{"desired":{"a":1},"reported":{"a":1}}}`, ``},
			{"update", `{"state":{"reported":{"a":null}}}`, `{
			 "update/accepted":{"state":{"reported":{"a":null}},"metadata":{"reported":{"a":{"timestamp":12345}}},"version":2,"timestamp":12345},
			 "update/delta":{"state":{"a":1},"metadata":{"a":{"timestamp":12345}},"version":2,"timestamp":12345},
			 "update/documents":{"previous":{"state":{"desired":{"a":1},"reported":{"a":1}},"metadata":{"desired":{"a":{"timestamp":12345}},"reported":{"a":{"timestamp":12345}}},"version":1},
			  "current":{"state":{"desired":{"a":1}},"metadata":{"desired":{"a":{"timestamp":12345}}},"version":2},"timestamp":12345}}`},
		},
		"null removes a section": {
			{"update", `{"state":{"desired":{"color":"RED"},"reported":{"color":"GREEN"}}}`, ``},
			{"update", `{"state":{"reported":{"color":"red"},"desired":null}}`, ``},
			{"get", ``, `{"get/accepted":{"state":{"reported":{"color":"red"}},"metadata":{"reported":{"color":{"timestamp":12345}}},"version":2,"timestamp":12345}}`},
			{"update", `{"state":null}`, ``},
			{"get", ``, `{"get/accepted":{"state":{},"metadata":{},"version":3,"timestamp":12345}}`},
		},
		"arrays are values": {
			{"update", `{"state":{"desired":{"colors":["RED","GREEN","BLUE"]}}}`, ``},
			{"update", `{"state":{"desired":{"colors":["RED"]}}}`, ``},
			{"get", ``, `{"get/accepted":{"state":{"desired":{"colors":["RED"]},"delta":{"colors":["RED"]}},"metadata":{"desired":{"colors":[{"timestamp":12345}]}},"version":2,"timestamp":12345}}`},
			{"update", `{"state":{"desired":{"colors":[null,"RED"]}}}`, `{"update/rejected":{"code":400,"message":"State contains an invalid node: null in an array","timestamp":12345}}`},
			{"update", `{"state":{"reported":{"colors":["RED"]}}}`, ``},
			{"get", ``, `{"get/accepted":{"state":{"desired":{"colors":["RED"]},"reported":{"colors":["RED"]}},
			 "metadata":{"desired":{"colors":[{"timestamp":12345}]},"reported":{"colors":[{"timestamp":12345}]}},"version":3,"timestamp":12345}}`},
		},
		"optimistic locking": {
			{"update", `{"state":{"desired":{"colors":["RED"]}},"version":0}`, ``},
			{"update", `{"state":{"desired":{"colors":["BLUE"]}},"version":9,"clientToken":"426bfd96"}`, `{"update/rejected":{"code":409,"message":"Version conflict","timestamp":12345,"clientToken":"426bfd96"}}`},
			{"update", `{"state":{"desired":{"colors":["BLUE"]}},"version":1}`, ``},
			{"get", ``, `{"get/accepted":{"state":{"desired":{"colors":["BLUE"]},"delta":{"colors":["BLUE"]}},"metadata":{"desired":{"colors":[{"timestamp":12345}]}},"version":2,"timestamp":12345}}`},
		},
		"deleting keeps the version": {
			{"get", `{"clientToken":"t"}`, `{"get/rejected":{"code":404,"message":"No shadow exists with name: 'config'","timestamp":12345,"clientToken":"t"}}`},
			{"delete", ``, `{"delete/rejected":{"code":404,"message":"No shadow exists with name: 'config'","timestamp":12345}}`},
			{"update", `{"state":{"desired":{"a":1}}}`, ``},
			{"update", `{"state":{"desired":{"a":2}}}`, ``},
			{"delete", `ignored`, `{"delete/accepted":{"version":2,"timestamp":12345}}`},
			{"get", ``, `{"get/rejected":{"code":404,"message":"No shadow exists with name: 'config'","timestamp":12345}}`},
			{"update", `{"state":{"desired":{"b":1}},"version":1}`, `{"update/rejected":{"code":409,"message":"Version conflict","timestamp":12345}}`},
			{"update", `{"state":{"desired":{"b":1}}}`, ``},
			{"get", ``, `{"get/accepted":{"state":{"desired":{"b":1},"delta":{"b":1}},"metadata":{"desired":{"b":{"timestamp":12345}}},"version":3,"timestamp":12345}}`},
		},
		"values change their kind": {
			{"update", `{"state":{"desired":{"a":{"b":{"c":1}},"x":{"y":1},"n":1.0,"big":12345678901234567890,"s":"<&>é"},"reported":{"n":1,"big":12345678901234567890,"s":"<&>é"}}}`, ``},
			{"update", `{"state":{"desired":{"a":[{"b":1}],"x":{"y":null},"none":{},"deep":{"none":{"at":null}}}}}`, ``},
			{"get", ``, `{"get/accepted":{"state":{"desired":{"a":[{"b":1}],"n":1.0,"big":12345678901234567890,"s":"<&>é"},"reported":{"n":1,"big":12345678901234567890,"s":"<&>é"},"delta":{"a":[{"b":1}]}},
			 "metadata":{"desired":{"a":[{"b":{"timestamp":12345}}],"n":{"timestamp":12345},"big":{"timestamp":12345},"s":{"timestamp":12345}},
			  "reported":{"n":{"timestamp":12345},"big":{"timestamp":12345},"s":{"timestamp":12345}}},"version":2,"timestamp":12345}}`},
			{"update", `{"state":{"desired":{"a":{"timestamp":5}}}}`, ``},
			{"update", `{"state":{"desired":{"a":{"b":6}, "n":null,"big":null,"s":null},"reported":null}}`, ``},
			{"get", ``, `{"get/accepted":{"state":{"desired":{"a":{"timestamp":5,"b":6}},"delta":{"a":{"timestamp":5,"b":6}}},
			 "metadata":{"desired":{"a":{"timestamp":{"timestamp":12345},"b":{"timestamp":12345}}}},"version":4,"timestamp":12345}}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			for i, s := range steps {
				got := w.ask(t, named+s.op, s.payload)
				if s.want == "" {
					require.Contains(t, got, "update/accepted", "step %d: %v", i, got)
					continue
				}
				var want map[string]json.RawMessage
				require.NoError(t, json.Unmarshal([]byte(s.want), &want))
				require.Len(t, got, len(want), "step %d: %v", i, got)
				for topic, document := range want {
					require.JSONEq(t, string(document), got[topic], "step %d: %s", i, topic)
				}
			}
		})
	}
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	w := open(t)
	w.ask(t, classic+"update", `{"state":{"reported":{"big":12345678901234567890123,"f":1.10}}}`)
	w.reopen(t)
	require.Contains(t, w.ask(t, classic+"get", "")["get/accepted"], `{"big":12345678901234567890123,"f":1.10}`)
}

func TestTimestampsAreOfEachValue(t *testing.T) {
	w := open(t)
	w.ask(t, classic+"update", `{"state":{"desired":{"a":1,"b":1}}}`)
	w.now = 20000
	got := w.ask(t, classic+"update", `{"state":{"desired":{"b":2}}}`)
	require.JSONEq(t, `{"state":{"a":1,"b":2},"metadata":{"a":{"timestamp":12345},"b":{"timestamp":20000}},"version":2,"timestamp":20000}`, got["update/delta"])
}

// TestRefused has the messages of "Device Shadow error messages".
func TestRefused(t *testing.T) {
	nested := func(levels int) string {
		return strings.Repeat(`{"k":`, levels) + "1" + strings.Repeat("}", levels)
	}
	wide := func(bytes int) string {
		return `{"state":{"desired":{"k":"` + strings.Repeat("x", bytes-len(`{"desired":{"k":""}}`)) + `"}}}`
	}
	w := open(t)
	for payload, want := range map[string]string{
		``:                                  "400 Invalid JSON",
		`{`:                                 "400 Invalid JSON",
		`{} {}`:                             "400 Invalid JSON",
		`[]`:                                "400 Invalid JSON",
		`{"state":{},"x":"\xff"}`:           "400 Invalid JSON",
		"{\"state\":{},\"x\":\"\xff\"}":     "415 Unsupported documented encoding; supported encoding is UTF-8",
		`{}`:                                "400 Missing required node: state",
		`{"State":{}}`:                      "400 Missing required node: state",
		`{"state":1}`:                       "400 State node must be an object",
		`{"state":{"desired":1}}`:           "400 Desired node must be an object",
		`{"state":{"reported":[]}}`:         "400 Reported node must be an object",
		`{"state":{"delta":{}}}`:            "400 State contains an invalid node: 'delta'",
		`{"state":{"desired":{"":1}}}`:      "400 State contains an invalid node: ''",
		`{"state":{"desired":{"a":1e999}}}`: "400 State contains an invalid node: 1e999",
		`{"state":{},"version":"1"}`:        "400 Invalid version",
		`{"state":{},"version":1.5}`:        "400 Invalid version",
		`{"state":{},"version":-1}`:         "400 Invalid version",
		`{"state":{},"clientToken":1}`:      "400 Invalid clientToken",
		`{"state":{},"clientToken":"` + strings.Repeat("x", 65) + `"}`:                              "400 Invalid clientToken",
		`{"state":{"desired":` + nested(9) + `}}`:                                                   "400 JSON contains too many levels of nesting; maximum is 8",
		`{"state":{"desired":{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}}`: "400 JSON contains too many levels of nesting; maximum is 8",
		wide(8193): "413 The payload exceeds the maximum size allowed",
	} {
		got := w.ask(t, classic+"update", payload)
		require.Len(t, got, 1, "%.60s", payload)
		var answer struct {
			Code    int
			Message string
		}
		require.NoError(t, json.Unmarshal([]byte(got["update/rejected"]), &answer))
		require.Equal(t, want, fmt.Sprint(answer.Code, " ", answer.Message), "%.60s", payload)
	}
	require.Contains(t, w.ask(t, classic+"update", `{"state":{"desired":`+nested(8)+`}}`), "update/accepted")
	require.Contains(t, w.ask(t, classic+"delete", ``), "delete/accepted")
	require.Contains(t, w.ask(t, classic+"update", wide(8192)), "update/accepted")
	require.Contains(t, w.ask(t, classic+"update", `{"state":{"reported":{"k":1}}}`)["update/rejected"], `"code":413`, "both together are too large")

	require.Contains(t, w.ask(t, "$aws/things/nobody/shadow/get", ``)["get/rejected"], "Thing not found")
	require.Contains(t, w.ask(t, "$aws/things/porch/shadow/name/a b/get", ``)["get/rejected"], `"code":400`)
	require.Contains(t, w.ask(t, "$aws/things/a b/shadow/get", ``)["get/rejected"], `"code":400`)
}

func TestTopics(t *testing.T) {
	for _, topic := range []string{
		"$aws/things/porch/shadow", "$aws/things/porch/shadow/", "$aws/things/porch/shadow/get/accepted", "$aws/things/porch/shadow/update/delta",
		"$aws/things//shadow/get", "$aws/things/porch/shadow/name/get", "$aws/things/porch/shadow/name//get", "$aws/things/porch/shadow/name/config/list",
		"$aws/things/porch/jobs/get", "$aws/rules/x/shadow/get", "things/porch/shadow/get", "",
	} {
		_, ok := shadow.ParseTopic(topic)
		require.False(t, ok, topic)
	}
}

func TestRestartAndForgetting(t *testing.T) {
	w := open(t)
	w.ask(t, named+"update", `{"state":{"desired":{"a":1}}}`)
	w.ask(t, classic+"update", `{"state":{"desired":{"a":2}}}`)
	w.reopen(t)
	require.Contains(t, w.ask(t, named+"get", "")["get/accepted"], `"desired":{"a":1}`)
	require.Contains(t, w.ask(t, classic+"get", "")["get/accepted"], `"desired":{"a":2}`)
	w.ask(t, named+"delete", "")
	w.reopen(t)
	w.now += 48 * 3600
	require.Contains(t, w.ask(t, named+"update", `{"state":{}}`)["update/accepted"], `"version":2`)
	w.ask(t, named+"delete", "")
	w.now += 48*3600 + 1
	require.Contains(t, w.ask(t, named+"update", `{"state":{}}`)["update/accepted"], `"version":1`)
}

func TestShadowsOfAThingAreBounded(t *testing.T) {
	w := open(t)
	update := func(i int) map[string]string {
		return w.ask(t, fmt.Sprintf("$aws/things/porch/shadow/name/s%d/update", i), `{"state":{}}`)
	}
	for i := range 100 {
		require.Contains(t, update(i), "update/accepted")
	}
	require.Contains(t, update(100)["update/rejected"], `"code":429`)
	require.Contains(t, update(5), "update/accepted")
	w.ask(t, "$aws/things/porch/shadow/name/s5/delete", "")
	require.Contains(t, update(100)["update/rejected"], `"code":429`, "its version is remembered")
	w.now += 48*3600 + 1
	require.Contains(t, update(100), "update/accepted")
}

func TestDamagedStore(t *testing.T) {
	w := open(t)
	cfg := w.cfg
	cfg.Path = t.TempDir()
	_, err := shadow.Open(cfg)
	require.ErrorContains(t, err, cfg.Path)
}

func TestConcurrentUpdatesAreAllCounted(t *testing.T) {
	w := open(t)
	r, _ := shadow.ParseTopic(named + "update")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 5 {
				w.Handle(r, fmt.Appendf(nil, `{"state":{"reported":{"k%d":%d}}}`, i, j), 1)
			}
		})
	}
	wg.Wait()
	version := 0
	for _, s := range w.sent {
		if strings.HasSuffix(s.topic, "/accepted") {
			version++
			require.Contains(t, s.payload, fmt.Sprintf(`"version":%d}`, version), "in order")
		}
	}
	require.Equal(t, 40, version)
}
