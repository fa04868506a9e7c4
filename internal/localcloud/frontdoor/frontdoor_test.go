package frontdoor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/sts"
)

// The secret belongs to no account anywhere.
const (
	keyID  = "AKIDTEST"
	secret = "test-secret-that-signs-nothing-real"
	role   = "arn:aws:iam::000000000000:role/r"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

type keyring struct{ root bool }

func (k keyring) Lookup(id, token string) (sts.Principal, string, error) {
	switch {
	case id != keyID:
		return sts.Principal{}, "", sts.ErrUnknownKey
	case token == "old":
		return sts.Principal{}, "", sts.ErrExpired
	case token != "":
		return sts.Principal{}, "", sts.ErrInvalidToken
	}
	return sts.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/r/s", RoleARN: role, Root: k.root}, secret, nil
}

// asked records what it is asked and denies what is listed.
type asked struct {
	needs []string
	deny  string
}

func (a *asked) Authorize(_ sts.Principal, action, resource string) error {
	a.needs = append(a.needs, action+" "+resource)
	if a.deny == action {
		return errors.New("no statement allows it")
	}
	return nil
}

// echo is a service that gives back the body it was handed.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	p, ok := sts.PrincipalFrom(r.Context())
	if !ok || p.ARN == "" {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	w.Header().Set("Seen-Encoding", r.Header.Get("Content-Encoding"))
	_, _ = io.Copy(w, r.Body)
})

func door(t testing.TB, a Authorizer, k Keys) *Door {
	t.Helper()
	handlers := map[string]http.Handler{}
	for name, svc := range services() {
		if name == svc.name {
			handlers[name] = echo
		}
	}
	d, err := New(Config{Region: "us-east-1", AccountID: "000000000000", Keys: k, Authorizer: a, Handlers: handlers,
		SecretARN: func(id string) string { return "arn:secret:" + id }, MaxBody: 1 << 16,
		Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return d
}

type call struct {
	service, method, url, body string
	headers                    map[string]string
	at                         time.Time
	secret                     string
	payload                    string // declared hash; "": that of the body
}

// request signs a call with the signer of the AWS SDK.
func (c call) request(t testing.TB) *http.Request {
	t.Helper()
	if c.at.IsZero() {
		c.at = noon
	}
	if c.secret == "" {
		c.secret = secret
	}
	r := httptest.NewRequest(c.method, "http://127.0.0.1:4566"+c.url, strings.NewReader(c.body))
	for k, v := range c.headers {
		r.Header.Set(k, v)
	}
	if c.payload == "" {
		c.payload = hexSHA256([]byte(c.body))
	}
	if c.service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", c.payload)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = c.service == "s3" })
	require.NoError(t, signer.SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: c.secret}, r,
		c.payload, c.service, "us-east-1", c.at))
	return r
}

func serve(d *Door, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

func listTables() call {
	return call{service: "dynamodb", method: "POST", url: "/", body: `{}`,
		headers: map[string]string{"X-Amz-Target": "DynamoDB_20120810.ListTables"}}
}

func TestRefusals(t *testing.T) {
	s3Get := call{service: "s3", method: "GET", url: "/b/k"}
	listTopics := call{service: "sns", method: "POST", url: "/", body: "Action=ListTopics",
		headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
	with := func(c call, f func(*call)) call { f(&c); return c }
	cases := map[string]struct {
		call   call
		change func(*http.Request)
		status int
		says   string
	}{
		"wrong secret, json":  {with(listTables(), func(c *call) { c.secret = "x" }), nil, 400, `"__type":"InvalidSignatureException"`},
		"wrong secret, query": {with(listTopics, func(c *call) { c.secret = "x" }), nil, 403, "<Code>SignatureDoesNotMatch</Code>"},
		"wrong secret, s3":    {with(s3Get, func(c *call) { c.secret = "x" }), nil, 403, "<Code>SignatureDoesNotMatch</Code>"},
		"unsigned":            {s3Get, func(r *http.Request) { r.Header.Del("Authorization") }, 403, "not signed"},
		"unknown key": {s3Get, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), keyID, "AKIDOTHER", 1))
		}, 403, "<Code>InvalidClientTokenId</Code>"},
		"unknown service": {call{service: "ec2", method: "POST", url: "/"}, nil, 404, "does not serve"},
		"tampered body": {listTables(), func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`[]`))
		}, 400, "InvalidSignatureException"},
		"tampered path":   {s3Get, func(r *http.Request) { r.URL.Path = "/b/other" }, 403, "SignatureDoesNotMatch"},
		"tampered query":  {s3Get, func(r *http.Request) { r.URL.RawQuery = "acl=" }, 403, "SignatureDoesNotMatch"},
		"tampered method": {s3Get, func(r *http.Request) { r.Method = "DELETE" }, 403, "SignatureDoesNotMatch"},
		"tampered host":   {s3Get, func(r *http.Request) { r.Host = "evil" }, 403, "SignatureDoesNotMatch"},
		"tampered target": {listTables(), func(r *http.Request) {
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810.DeleteTable")
		}, 400, "InvalidSignatureException"},
		"unsigned x-amz header": {s3Get, func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }, 403, "x-amz-acl is not signed"},
		"signed long ago":       {with(s3Get, func(c *call) { c.at = noon.Add(-6 * time.Minute) }), nil, 403, "RequestTimeTooSkewed"},
		"signed for later":      {with(listTables(), func(c *call) { c.at = noon.Add(6 * time.Minute) }), nil, 400, "set the clock"},
		"oversize, announced":   {with(listTables(), func(c *call) { c.body = strings.Repeat("x", 1<<16+1) }), nil, 413, "larger than"},
		"oversize, unannounced": {with(s3Get, func(c *call) { c.method, c.body = "PUT", strings.Repeat("x", 8<<16+1) }),
			func(r *http.Request) { r.ContentLength = -1 }, 413, "EntityTooLarge"},
		"unsigned payload outside s3": {with(listTables(), func(c *call) {
			c.payload, c.headers["X-Amz-Content-Sha256"] = unsigned, unsigned
		}), nil, 400, "InvalidSignatureException"},
		"expired session": {s3Get, func(r *http.Request) { resign(r, "old") }, 403, "<Code>ExpiredToken</Code>"},
		"garbage":         {s3Get, func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=///") }, 400, "IncompleteSignature"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := c.call.request(t)
			if c.change != nil {
				c.change(r)
			}
			a := &asked{}
			w := serve(door(t, a, keyring{}), r)
			require.Equal(t, c.status, w.Code, w.Body.String())
			require.Contains(t, w.Body.String(), c.says)
			require.NotEmpty(t, w.Header().Get("X-Amzn-Requestid"))
			require.Empty(t, a.needs, "nobody is authorized before the signature is verified")
		})
	}
}

// resign signs a request again with a session token.
func resign(r *http.Request, token string) {
	_ = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: token},
		r, hexSHA256(nil), "s3", "us-east-1", noon)
}

func TestAccepts(t *testing.T) {
	for name, c := range map[string]call{
		"json":             listTables(),
		"odd path":         {service: "s3", method: "PUT", url: "/b/a%20b%2Bc%C3%A9~%281%29", body: "x"},
		"unsigned payload": {service: "s3", method: "PUT", url: "/b/k", body: "x", payload: unsigned},
		"query order":      {service: "s3", method: "GET", url: "/b?prefix=a%2Fb&list-type=2&delimiter=%2F&a=2&a=1"},
		"encoded topic":    {service: "iotdata", method: "POST", url: "/topics/porchlight%2Fv1%2Fporch%2Fevents?qos=1", body: "{}"},
		"slow clock":       {service: "s3", method: "GET", url: "/b/k", at: noon.Add(-4 * time.Minute)},
		"spaces in header": {service: "s3", method: "PUT", url: "/b/k", headers: map[string]string{"X-Amz-Meta-A": "  a   b "}},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(door(t, &asked{}, keyring{}), c.request(t))
			require.Equal(t, http.StatusOK, w.Code, w.Body.String())
			require.Equal(t, c.body, w.Body.String())
		})
	}
}

func TestPresigned(t *testing.T) {
	presign := func(at time.Time, expires string, service string) *http.Request {
		r := httptest.NewRequest("GET", "http://127.0.0.1:4566/b/k?X-Amz-Expires="+expires, nil)
		link, _, err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).PresignHTTP(context.Background(),
			aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, r, unsigned, service, "us-east-1", at)
		require.NoError(t, err)
		return httptest.NewRequest("GET", link, nil)
	}
	for name, c := range map[string]struct {
		r      *http.Request
		status int
		says   string
	}{
		"fresh":                  {presign(noon, "60", "s3"), 200, ""},
		"old but alive":          {presign(noon.Add(-time.Hour), "3601", "s3"), 200, ""},
		"expired":                {presign(noon.Add(-2*time.Minute), "60", "s3"), 403, "Request has expired"},
		"from the future":        {presign(noon.Add(time.Hour), "60", "s3"), 403, "not yet valid"},
		"too long":               {presign(noon, "604801", "s3"), 400, "604800"},
		"unsigned body, not s3":  {presign(noon, "60", "sns"), 403, "SignatureDoesNotMatch"},
		"no lifetime":            {presign(noon, "", "s3"), 400, "X-Amz-Expires"},
		"lifetime beyond number": {presign(noon, "99999999999999999999", "s3"), 400, "X-Amz-Expires"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(door(t, &asked{}, keyring{}), c.r)
			require.Equal(t, c.status, w.Code, w.Body.String())
			require.Contains(t, w.Body.String(), c.says)
		})
	}
}

func TestAuthorization(t *testing.T) {
	a := &asked{deny: "dynamodb:ListTables"}
	w := serve(door(t, a, keyring{}), listTables().request(t))
	require.Equal(t, 400, w.Code)
	require.Contains(t, w.Body.String(), "AccessDeniedException")
	require.Contains(t, w.Body.String(), `add {\"Effect\":\"Allow\",\"Action\":\"dynamodb:ListTables\",\"Resource\":\"*\"}`)

	a = &asked{deny: "dynamodb:ListTables"}
	w = serve(door(t, a, keyring{root: true}), listTables().request(t))
	require.Equal(t, 200, w.Code)
	require.Empty(t, a.needs, "root is never asked about")
}

func TestNewChecksItsWiring(t *testing.T) {
	_, err := New(Config{})
	require.Error(t, err)
	_, err = New(Config{Region: "r", AccountID: "a", Keys: keyring{}, Authorizer: &asked{}, Logger: slog.New(slog.DiscardHandler),
		Handlers: map[string]http.Handler{"ec2": echo}})
	require.ErrorContains(t, err, `"ec2"`)
}

// FuzzDoor: whatever a client sends unsigned or badly signed is refused without a panic.
func FuzzDoor(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIDTEST/20261120/us-east-1/s3/aws4_request, SignedHeaders=host, Signature="+strings.Repeat("a", 64), "/b/k", []byte("x"))
	f.Add("", "/b/k?X-Amz-Signature=a&X-Amz-Expires=1&X-Amz-Algorithm=AWS4-HMAC-SHA256", []byte{})
	f.Fuzz(func(t *testing.T, auth, target string, body []byte) {
		r, err := http.NewRequest("POST", "http://127.0.0.1"+target, bytes.NewReader(body))
		if err != nil {
			t.Skip("not a URL that a request can have")
		}
		r.Header.Set("Authorization", auth)
		r.Header.Set("X-Amz-Date", noon.Format(timeFormat))
		w := serve(door(t, &asked{}, keyring{}), r)
		require.GreaterOrEqual(t, w.Code, 400)
	})
}
