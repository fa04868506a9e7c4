package rulesql_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore/rulesql"
)

func TestRun(t *testing.T) {
	message := func(payload string) rulesql.Message {
		return rulesql.Message{Topic: "porchlight/v1/front/events", Payload: []byte(payload), ClientID: "front", Received: time.UnixMilli(1700000000123)}
	}
	const payload = `{"a":1,"s":"x","n":12345678901234567890,"f":0.50,"o":{"p":{"q":[1,2]},"t":true},"num":"7","z":null}`
	tests := []struct {
		sql, payload, want string // want "" means not selected
	}{
		{`SELECT * FROM 'porchlight/v1/+/events'`, `{"b":[1, {"c":"é"}],"n":1e2}`, `{"b":[1,{"c":"é"}],"n":1e2}`},
		{`select *, topic() as topic, timestamp() AS received_at FROM 'porchlight/v1/+/events'`, `{"a":1}`, `{"a":1,"topic":"porchlight/v1/front/events","received_at":1700000000123}`},
		{`SELECT topic(3) AS thing, topic(9) AS none, clientid() AS c FROM '#'`, `{}`, `{"thing":"front","c":"front"}`},
		{`SELECT n, f, o.p AS p, o.p.q, a.b AS gone, z FROM '#'`, payload, `{"n":12345678901234567890,"f":0.50,"p":{"q":[1,2]},"q":[1,2],"z":null}`},
		{`SELECT 'it''s' AS s, 1.5 AS n, -2 AS m, true AS b FROM '#'`, `{}`, `{"s":"it's","n":1.5,"m":-2,"b":true}`},
		{`SELECT s AS a, a AS s FROM '#'`, payload, `{"a":"x","s":1}`},
		{`SELECT *, a AS s, s AS a FROM '#'`, `{"a":1,"s":"x"}`, `{"a":"x","s":1}`},
		{`SELECT a FROM '#' WHERE a = 1 AND s = 'x'`, payload, `{"a":1}`},
		{`SELECT a FROM '#' WHERE a > 1 OR s <> 'x'`, payload, ``},
		{`SELECT a FROM '#' WHERE NOT (a >= 2)`, payload, `{"a":1}`},
		{`SELECT a FROM '#' WHERE NOT NOT o.t`, payload, `{"a":1}`},
		{`SELECT a FROM '#' WHERE o.t = true AND a < 2 AND a <= 1`, payload, `{"a":1}`},
		{`SELECT a FROM '#' WHERE missing = 1`, payload, ``},
		{`SELECT a FROM '#' WHERE NOT missing = 1`, payload, ``},
		{`SELECT a FROM '#' WHERE a`, payload, ``},
		{`SELECT a FROM '#' WHERE num = 7 AND num < 8`, payload, `{"a":1}`},
		{`SELECT a FROM '#' WHERE s < 'y'`, payload, ``},
		{`SELECT a FROM '#' WHERE o.t <> false`, payload, `{"a":1}`},
		{`SELECT a FROM '#' WHERE o = o`, payload, ``},
		{`SELECT a FROM '#' WHERE s = 'x' OR s = 'y' AND a = 2`, payload, `{"a":1}`},
		{`SELECT (a = 1) AS one FROM '#'`, payload, `{"one":true}`},
	}
	for _, tt := range tests {
		t.Run(tt.sql, func(t *testing.T) {
			q, err := rulesql.Parse(tt.sql)
			require.NoError(t, err)
			require.True(t, q.Matches("porchlight/v1/front/events"))
			out, selected, err := q.Run(message(tt.payload))
			require.NoError(t, err)
			require.Equal(t, tt.want != "", selected)
			if selected {
				require.JSONEq(t, tt.want, string(out))
				require.Equal(t, strings.Contains(tt.want, "12345678901234567890"), strings.Contains(string(out), "12345678901234567890"))
			}
		})
	}
}

func TestRunWithoutMQTT(t *testing.T) {
	q, err := rulesql.Parse(`SELECT clientid() AS c FROM 'a'`)
	require.NoError(t, err)
	out, _, err := q.Run(rulesql.Message{Topic: "a", Payload: []byte(`{}`)})
	require.NoError(t, err)
	require.JSONEq(t, `{"c":"n/a"}`, string(out))
}

func TestRunRefusesOtherPayloads(t *testing.T) {
	q, err := rulesql.Parse(`SELECT * FROM 'a'`)
	require.NoError(t, err)
	for _, payload := range []string{``, `null`, `[1]`, `"x"`, `{`, `{"a":1}x`, "\xff\x00", strings.Repeat(`{"a":`, 20000)} {
		_, _, err := q.Run(rulesql.Message{Topic: "a", Payload: []byte(payload)})
		require.ErrorIs(t, err, rulesql.ErrPayload)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ sql, names string }{
		{``, "end of statement"},
		{`SELECT *`, "FROM"},
		{`SELECT * FROM topic`, `"topic"`},
		{`SELECT * FROM "topic"`, `"\""`},
		{`SELECT * FROM 'a'; DROP`, `";"`},
		{`SELECT * FROM 'a/#/b'`, "#"},
		{`SELECT * FROM 'a/b+'`, "+"},
		{`SELECT * FROM ''`, "empty"},
		{`SELECT * FROM 'a`, "without an end"},
		{`SELECT a + 1 AS b FROM 'a'`, `"+"`},
		{`SELECT a - 1 AS b FROM 'a'`, `"-"`},
		{`SELECT a[0] AS b FROM 'a'`, `"["`},
		{`SELECT topic() FROM 'a'`, "AS"},
		{`SELECT get_thing_shadow() AS s FROM 'a'`, `"get_thing_shadow"`},
		{`SELECT topic(0) AS t FROM 'a'`, `"0"`},
		{`SELECT topic(a) AS t FROM 'a'`, `"a"`},
		{`SELECT timestamp(1) AS t FROM 'a'`, `"timestamp"`},
		{`SELECT VALUE a FROM 'a'`, `"VALUE"`},
		{`SELECT a AS b, c AS b FROM 'a'`, "two fields"},
		{`SELECT a, * FROM 'a'`, `"*"`},
		{`SELECT * AS data FROM 'a'`, `"AS"`},
		{`SELECT * FROM 'a' WHERE a IN [1]`, `"["`},
		{`SELECT * FROM 'a' WHERE a LIKE 'b'`, `"LIKE"`},
		{`SELECT * FROM 'a' WHERE a = null`, `"null"`},
		{`SELECT * FROM 'a' WHERE`, "end of statement"},
		{`SELECT * FROM 'a' WHERE (a = 1`, "want )"},
		{`SELECT 1.2.3 AS a FROM 'a'`, "not a number"},
		{`SELECT * FROM 'a' WHERE ` + strings.Repeat("(", 100), "deeply"},
		{`SELECT * FROM 'a' WHERE ` + strings.Repeat("NOT ", 100) + "a", "deeply"},
		{strings.Repeat("x", 9000), "longer"},
	}
	for _, tt := range tests {
		t.Run(tt.sql, func(t *testing.T) {
			_, err := rulesql.Parse(tt.sql)
			require.ErrorIs(t, err, rulesql.ErrSyntax)
			require.ErrorContains(t, err, tt.names)
		})
	}
}

func TestMatchTopic(t *testing.T) {
	tests := []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true}, {"a/b", "a/c", false}, {"a/b", "a", false}, {"a", "a/b", false},
		{"a/+/c", "a/b/c", true}, {"a/+", "a/b/c", false}, {"+", "a", true}, {"a/+", "a/", true},
		{"a/#", "a/b/c", true}, {"a/#", "a", false}, {"a/#", "a/", true}, {"#", "a/b", true},
		{"#", "$aws/things", false}, {"+/things", "$aws/things", false}, {"$aws/#", "$aws/things", true},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, rulesql.MatchTopic(tt.filter, tt.topic), "%s %s", tt.filter, tt.topic)
	}
}

// FuzzParse: no crash, and whatever parses runs and yields a JSON object.
func FuzzParse(f *testing.F) {
	f.Add(`SELECT *, topic() AS topic, timestamp() AS received_at FROM 'porchlight/v1/+/events'`, []byte(`{"a":{"b":1}}`))
	f.Add(`SELECT a.b AS c, topic(2) AS t, clientid() AS i FROM 'a/#' WHERE NOT (a.b >= 1.5 OR x = 'y''z') AND true`, []byte(`{"a":{"b":2},"x":"y'z"}`))
	f.Add(`SELECT -1 AS n FROM '+' WHERE a <> false`, []byte("{\"a\":tru"))
	f.Fuzz(func(t *testing.T, sql string, payload []byte) {
		q, err := rulesql.Parse(sql)
		if err != nil {
			require.ErrorIs(t, err, rulesql.ErrSyntax)
			return
		}
		out, selected, err := q.Run(rulesql.Message{Topic: "a/b", Payload: payload})
		if err == nil && selected {
			var object map[string]any
			require.NoError(t, json.Unmarshal(out, &object))
		}
	})
}
