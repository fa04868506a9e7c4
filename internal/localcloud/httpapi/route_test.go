package httpapi

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	var routes []*route
	for _, key := range []string{
		"$default", "ANY /{proxy+}", "GET /pets/{proxy+}", "GET /pets/dog/{id}", "GET /pets/dog/1",
		"ANY /pets/dog/2", "POST /pets/{kind}/{id}", "GET /",
	} {
		r, err := parseRoute(key)
		require.NoError(t, err)
		routes = append(routes, r)
	}
	for _, tc := range []struct {
		method, path, want string
		params             map[string]string
	}{
		{"GET", "/", "GET /", nil},
		{"POST", "/", "$default", nil},
		{"GET", "/pets/dog/1", "GET /pets/dog/1", nil},
		{"GET", "/pets/dog/2", "ANY /pets/dog/2", nil},
		{"GET", "/pets/dog/3", "GET /pets/dog/{id}", map[string]string{"id": "3"}},
		{"GET", "/pets/dog/a%2Fb", "GET /pets/dog/{id}", map[string]string{"id": "a/b"}},
		{"GET", "/pets/dog/", "GET /pets/{proxy+}", map[string]string{"proxy": "dog/"}},
		{"GET", "/pets/cat/1", "GET /pets/{proxy+}", map[string]string{"proxy": "cat/1"}},
		{"POST", "/pets/cat/1", "POST /pets/{kind}/{id}", map[string]string{"kind": "cat", "id": "1"}},
		{"POST", "/pets/dog/2", "ANY /pets/dog/2", nil},
		{"POST", "/pets/dog/1", "POST /pets/{kind}/{id}", map[string]string{"kind": "dog", "id": "1"}},
		{"PUT", "/pets/dog/1", "ANY /{proxy+}", map[string]string{"proxy": "pets/dog/1"}},
		{"GET", "/pets", "ANY /{proxy+}", map[string]string{"proxy": "pets"}},
	} {
		r, params := match(routes, tc.method, tc.path)
		require.NotNil(t, r, tc.path)
		require.Equal(t, tc.want, r.key, tc.method+tc.path)
		require.Equal(t, tc.params, params, tc.method+tc.path)
	}
	r, _ := match(routes[2:], "DELETE", "/pets/dog/1")
	require.Nil(t, r)
}

// FuzzMatch: no path makes matching panic, and a match covers the path.
func FuzzMatch(f *testing.F) {
	for _, path := range []string{"/", "//", "/a/b", "/a/%zz", "/pets/dog/", "/%2F/x", ""} {
		f.Add(path)
	}
	var routes []*route
	for _, key := range []string{"ANY /a/{b}", "GET /a/{b}/c/{d+}", "GET /a/x"} {
		r, err := parseRoute(key)
		require.NoError(f, err)
		routes = append(routes, r)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r, params := match(routes, "GET", path)
		if r == nil {
			return
		}
		for _, seg := range r.segments {
			if seg.kind != literal && params[seg.text] == "" {
				t.Fatalf("%q matched %s without %s", path, r.key, seg.text)
			}
		}
	})
}
