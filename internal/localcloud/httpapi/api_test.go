package httpapi

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

func TestEventIsPayloadFormat2(t *testing.T) {
	w := newWorld(t, nil)
	r := bearer(get("http://home.example:8080/v1/events/01%20A?b=2&a=1&b=3&e="), sign(t, jwt.SigningMethodRS256, w.keys.key, "k1", claims()))
	r.Header.Add("X-Many", "one")
	r.Header.Add("X-Many", "two")
	r.Header.Set("Cookie", "a=1; b=2")
	r.Header.Set("User-Agent", "test/1")
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	res := w.do(r)
	require.Equal(t, http.StatusOK, res.Code, res.Body.String())

	e := w.event
	require.Equal(t, "2.0", e.Version)
	require.Equal(t, "GET /v1/events/{event_id}", e.RouteKey)
	require.Equal(t, "/v1/events/01 A", e.RawPath)
	require.Equal(t, "b=2&a=1&b=3&e=", e.RawQueryString)
	require.Equal(t, map[string]string{"a": "1", "b": "2,3", "e": ""}, e.QueryStringParameters)
	require.Equal(t, map[string]string{"event_id": "01 A"}, e.PathParameters)
	require.Equal(t, []string{"a=1", "b=2"}, e.Cookies)
	require.Equal(t, "one,two", e.Headers["x-many"])
	require.Equal(t, "203.0.113.9, 192.0.2.1", e.Headers["x-forwarded-for"])
	require.Equal(t, "home.example:8080", e.Headers["host"])
	require.NotContains(t, e.Headers, "cookie")
	require.False(t, e.IsBase64Encoded)
	rc := e.RequestContext
	require.Equal(t, "000000000000", rc.AccountID)
	require.Equal(t, "abc", rc.APIID)
	require.Equal(t, "$default", rc.Stage)
	require.Equal(t, e.RouteKey, rc.RouteKey)
	require.Equal(t, "home.example", rc.DomainName)
	require.Equal(t, "home", rc.DomainPrefix)
	require.Equal(t, "GET", rc.HTTP.Method)
	require.Equal(t, "/v1/events/01 A", rc.HTTP.Path)
	require.Equal(t, "HTTP/1.1", rc.HTTP.Protocol)
	require.Equal(t, "192.0.2.1", rc.HTTP.SourceIP)
	require.Equal(t, "test/1", rc.HTTP.UserAgent)
	require.Equal(t, res.Header().Get("Apigw-Requestid"), rc.RequestID)
	require.Regexp(t, `^\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000$`, rc.Time)
	require.Greater(t, rc.TimeEpoch, int64(1_600_000_000_000))
	require.NotContains(t, w.raw, "body")

	require.Equal(t, []string{"openid"}, rc.Authorizer.JWT.Scopes)
	got := rc.Authorizer.JWT.Claims
	require.Equal(t, "0f5a", got["sub"])
	require.Equal(t, "[admin family]", got["cognito:groups"])
	require.Equal(t, "true", got["email_verified"])
	require.Regexp(t, `^\d{10}$`, got["exp"])
}

func TestBodies(t *testing.T) {
	w := newWorld(t, nil)
	for _, tc := range []struct {
		kind, body string
		encoded    bool
	}{
		{"application/json", `{"a":"ü"}`, false},
		{"text/csv; charset=utf-8", "a,b", false},
		{"application/problem+json", "{}", false},
		{"", "plain", false},
		{"application/octet-stream", "\x00\x01", true},
		{"application/x-www-form-urlencoded", "a=b", true},
		{"image/jpeg", "\xff\xd8", true},
		{"text/plain", "\xff", true},
	} {
		r := httptest.NewRequest(http.MethodPost, "/open/form", reader(tc.body))
		if tc.kind != "" {
			r.Header.Set("Content-Type", tc.kind)
		}
		require.Equal(t, http.StatusOK, w.do(r).Code)
		want := tc.body
		if tc.encoded {
			want = base64.StdEncoding.EncodeToString([]byte(tc.body))
		}
		require.Equal(t, want, w.event.Body, tc.kind)
		require.Equal(t, tc.encoded, w.event.IsBase64Encoded, tc.kind)
		require.Nil(t, w.event.RequestContext.Authorizer)
	}
	res := w.do(httptest.NewRequest(http.MethodPost, "/open/form", reader(strings.Repeat("x", maxBody+1))))
	require.Equal(t, http.StatusRequestEntityTooLarge, res.Code)
	require.JSONEq(t, `{"message":"Request Entity Too Large"}`, res.Body.String())
}

func TestResponses(t *testing.T) {
	w := newWorld(t, nil)
	for _, tc := range []struct {
		name, answer, failed string
		err                  error
		status               int
		kind, body           string
	}{
		{"structured", `{"statusCode":201,"headers":{"content-type":"application/json"},"body":"{\"a\":1}"}`, "", nil, 201, "application/json", `{"a":1}`},
		{"no type", `{"statusCode":200,"body":"hi"}`, "", nil, 200, "text/plain; charset=utf-8", "hi"},
		{"base64", `{"statusCode":200,"isBase64Encoded":true,"body":"AAE="}`, "", nil, 200, "text/plain; charset=utf-8", "\x00\x01"},
		{"no content", `{"statusCode":204}`, "", nil, 204, "text/plain; charset=utf-8", ""},
		{"object", `{"a":[1]}`, "", nil, 200, "application/json", `{"a":[1]}`},
		{"string", `"hello"`, "", nil, 200, "application/json", "hello"},
		{"list", `[1]`, "", nil, 200, "application/json", "[1]"},
		{"null", `null`, "", nil, 200, "application/json", "null"},
		{"not JSON", `<html>`, "", nil, 500, "application/json", `{"message":"Internal Server Error"}`},
		{"bad base64", `{"statusCode":200,"isBase64Encoded":true,"body":"?"}`, "", nil, 500, "application/json", `{"message":"Internal Server Error"}`},
		{"bad status", `{"statusCode":42}`, "", nil, 500, "application/json", `{"message":"Internal Server Error"}`},
		{"wrong type", `{"statusCode":"x"}`, "", nil, 500, "application/json", `{"message":"Internal Server Error"}`},
		{"failed", `{"errorType":"x"}`, "Unhandled", nil, 500, "application/json", `{"message":"Internal Server Error"}`},
		{"not run", ``, "", errors.New("no credentials"), 500, "application/json", `{"message":"Internal Server Error"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.answer, w.failed, w.err = tc.answer, tc.failed, tc.err
			res := w.do(get("/open/x"))
			require.Equal(t, tc.status, res.Code)
			require.Equal(t, tc.kind, res.Header().Get("Content-Type"))
			require.Equal(t, tc.body, res.Body.String())
		})
	}
	w.answer, w.failed, w.err = `{"statusCode":200,"headers":{"x-a":"1","content-length":"99"},"cookies":["a=1; Secure","b=2"]}`, "", nil
	res := w.do(get("/open/x"))
	require.Equal(t, []string{"a=1; Secure", "b=2"}, res.Header().Values("Set-Cookie"))
	require.Equal(t, "1", res.Header().Get("X-A"))
	require.Empty(t, res.Header().Get("Content-Length"))
}

func TestSlowFunctionIsUnavailable(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		in := c.Integrations["i1"]
		in.TimeoutInMillis = 50
		c.Integrations["i1"] = in
		c.Invoke = func(ctx context.Context, _ string, _ []byte) ([]byte, string, error) {
			<-ctx.Done()
			return nil, "", ctx.Err()
		}
	})
	res := w.do(get("/open/x"))
	require.Equal(t, http.StatusServiceUnavailable, res.Code)
	require.JSONEq(t, `{"message":"Service Unavailable"}`, res.Body.String())
}

func TestPermissionIsNeeded(t *testing.T) {
	var asked []string
	w := newWorld(t, func(c *Config) {
		c.Permitted = func(function, source string) bool {
			require.Equal(t, functionARN, function)
			asked = append(asked, source)
			return false
		}
	})
	const arn = "arn:aws:execute-api:us-east-1:000000000000:abc/$default"
	require.Equal(t, []string{arn + "/GET/v1/events", arn + "/GET/v1/events/{event_id}", arn + "/*/open/{proxy+}", arn + "/POST/open/form"}, asked)
	require.Equal(t, http.StatusInternalServerError, w.do(get("/open/x")).Code)
}

func TestThrottling(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Stage.RouteSettings = map[string]RouteSettings{"POST /open/form": {ThrottlingBurstLimit: 2, ThrottlingRateLimit: 0.001}}
	})
	post := func() int { return w.do(httptest.NewRequest(http.MethodPost, "/open/form", nil)).Code }
	require.Equal(t, []int{200, 200, 429}, []int{post(), post(), post()})
	require.Equal(t, 200, w.do(get("/open/x")).Code)
}

func TestCORS(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.API.CorsConfiguration = &Cors{
			AllowOrigins: []string{"https://app.example"}, AllowMethods: []string{"GET", "POST"}, AllowCredentials: true,
			AllowHeaders: []string{"authorization"}, ExposeHeaders: []string{"x-a"}, MaxAge: 60,
		}
	})
	w.answer = `{"statusCode":200,"headers":{"access-control-allow-origin":"*"},"body":""}`
	ask := func(method, origin string) http.Header {
		r := httptest.NewRequest(method, "/open/x", nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "GET")
		res := w.do(r)
		require.Equal(t, map[string]int{"OPTIONS": 204, "GET": 200}[method], res.Code)
		return res.Header()
	}
	h := ask("OPTIONS", "https://app.example")
	require.Equal(t, "https://app.example", h.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "GET,POST", h.Get("Access-Control-Allow-Methods"))
	require.Equal(t, "authorization", h.Get("Access-Control-Allow-Headers"))
	require.Equal(t, "60", h.Get("Access-Control-Max-Age"))
	h = ask("GET", "https://app.example")
	require.Equal(t, "https://app.example", h.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "x-a", h.Get("Access-Control-Expose-Headers"))
	for _, method := range []string{"OPTIONS", "GET"} {
		require.Empty(t, ask(method, "https://evil.example").Get("Access-Control-Allow-Origin"))
	}
}

func TestNewRefusesWhatItDoesNotKnow(t *testing.T) {
	good := newWorld(t, nil).cfg
	for name, change := range map[string]func(*Config){
		"websocket":     func(c *Config) { c.API.ProtocolType = "WEBSOCKET" },
		"stage":         func(c *Config) { c.Stage.StageName = "prod" },
		"target":        func(c *Config) { c.Routes = []RouteProperties{{RouteKey: "GET /", Target: "integrations/x"}} },
		"key":           func(c *Config) { c.Routes = []RouteProperties{{RouteKey: "GET", Target: "integrations/i1"}} },
		"parameter":     func(c *Config) { c.Routes = []RouteProperties{{RouteKey: "GET /{a", Target: "integrations/i1"}} },
		"greedy middle": func(c *Config) { c.Routes = []RouteProperties{{RouteKey: "GET /{a+}/b", Target: "integrations/i1"}} },
		"IAM": func(c *Config) {
			c.Routes = []RouteProperties{{RouteKey: "GET /", Target: "integrations/i1", AuthorizationType: "AWS_IAM"}}
		},
		"no authorizer": func(c *Config) {
			c.Routes = []RouteProperties{{RouteKey: "GET /", Target: "integrations/i1", AuthorizationType: "JWT", AuthorizerID: "x"}}
		},
		"payload 1.0": func(c *Config) {
			c.Integrations = map[string]IntegrationProperties{"i1": {IntegrationType: "AWS_PROXY", PayloadFormatVersion: "1.0"}}
		},
		"unknown issuer": func(c *Config) { c.IssuerFor = func(string) (string, KeySource) { return "", nil } },
	} {
		cfg := good
		change(&cfg)
		_, err := New(cfg)
		require.ErrorIs(t, err, ErrTemplate, name)
	}
}
