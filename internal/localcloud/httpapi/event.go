package httpapi

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// event is payload format 2.0:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type event struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"` // decoded, in spite of its name
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies,omitempty"`
	Headers         map[string]string `json:"headers"`
	Query           map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext  requestContext    `json:"requestContext"`
	Body            string            `json:"body,omitempty"`
	PathParameters  map[string]string `json:"pathParameters,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID    string         `json:"accountId"`
	APIID        string         `json:"apiId"`
	Authorizer   *authorization `json:"authorizer,omitempty"`
	DomainName   string         `json:"domainName"`
	DomainPrefix string         `json:"domainPrefix"`
	HTTP         requestHTTP    `json:"http"`
	RequestID    string         `json:"requestId"`
	RouteKey     string         `json:"routeKey"`
	Stage        string         `json:"stage"`
	Time         string         `json:"time"`
	TimeEpoch    int64          `json:"timeEpoch"` // ms
}

type authorization struct {
	JWT identity `json:"jwt"`
}

// identity is what an authorizer found out.
type identity struct {
	Claims map[string]string `json:"claims"`
	Scopes []string          `json:"scopes"` // of the route, those the token has; null without
}

type requestHTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

func (a *API) event(r *http.Request, rt *route, params map[string]string, who *identity, id string, body []byte) []byte {
	now := time.Now().UTC()
	host := hostOnly(r.Host)
	prefix, _, _ := strings.Cut(host, ".")
	ip := hostOnly(r.RemoteAddr)
	e := event{
		Version: "2.0", RouteKey: rt.key, RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery,
		Query: joinQuery(r.URL.RawQuery), PathParameters: params,
		RequestContext: requestContext{
			AccountID: a.cfg.Account, APIID: a.cfg.ID, DomainName: host, DomainPrefix: prefix,
			HTTP: requestHTTP{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: ip, UserAgent: r.UserAgent(),
			},
			RequestID: id, RouteKey: rt.key, Stage: a.cfg.Stage.StageName,
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		},
	}
	if who != nil {
		e.RequestContext.Authorizer = &authorization{*who}
	}
	e.Headers, e.Cookies = joinHeaders(r, ip)
	if len(body) > 0 {
		if isText(r.Header.Get("Content-Type")) && utf8.Valid(body) {
			e.Body = string(body)
		} else {
			e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
	}
	out, _ := json.Marshal(e) // strings and numbers always marshal
	return out
}

// joinHeaders makes names lower case and joins values with commas; cookies are
// a list of their own.
func joinHeaders(r *http.Request, ip string) (headers map[string]string, cookies []string) {
	headers = map[string]string{"host": r.Host}
	for name, values := range r.Header {
		if name == "Cookie" {
			for _, v := range values {
				for c := range strings.SplitSeq(v, ";") {
					cookies = append(cookies, strings.TrimSpace(c))
				}
			}
			continue
		}
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if before := headers["x-forwarded-for"]; before != "" {
		ip = before + ", " + ip
	}
	headers["x-forwarded-for"] = ip
	headers["x-forwarded-proto"] = "http"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		headers["x-forwarded-port"] = port
	}
	return headers, cookies
}

func joinQuery(raw string) map[string]string {
	values, _ := url.ParseQuery(raw) // what does not parse is left out
	if len(values) == 0 {
		return nil
	}
	joined := make(map[string]string, len(values))
	for name, vs := range values {
		joined[name] = strings.Join(vs, ",")
	}
	return joined
}

// isText tells which bodies API Gateway hands over as they are.
func isText(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch media {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml")
}

func hostOnly(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return hostPort
}

// newRequestID returns 16 random characters, the look of API Gateway's ids.
func newRequestID() string { return rand.Text()[:15] + "=" }
