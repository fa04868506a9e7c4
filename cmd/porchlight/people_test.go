//go:build cgo

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/dynamo/dynamotest"
)

// What is enrolled in the cloud is the owner's: the file and other owners know
// nothing of it.
func TestGalleryInTheCloud(t *testing.T) {
	file := galleryDir(t)
	server := dynamotest.Start(t)
	require.NoError(t, server.Provision(t.Context(), dynamotest.Table()))
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.Endpoint(), "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	} {
		t.Setenv(name, value)
	}
	ok := func(args ...string) result {
		t.Helper()
		r := porchlight(t, append([]string{"faces"}, args...)...)
		require.Equal(t, 0, r.code, r.stderr)
		return r
	}
	obama, again := photo(t, "obama/obama.jpg"), photo(t, "obama/obama2.jpg")
	r := ok("enroll", "--cloud", "--owner", "alice", "Barack", obama)
	require.Contains(t, r.stderr, "Barack is enrolled from 1 pictures in table porchlight, owner alice")
	ok("enroll", "--cloud", "--owner", "alice", "--table", "porchlight", "Barack", again)
	require.NoFileExists(t, file)
	for owner, name := range map[string]string{"alice": `"name":"Barack"`, "bob": `"name":null`} {
		require.Contains(t, ok("identify", "--json", "--cloud", "--owner", owner, again).stdout, name)
	}
	persons := lines[personLine](t, ok("list", "--json", "--cloud", "--owner", "alice"))
	require.Len(t, persons, 1)
	require.Equal(t, 2, persons[0].Pictures)
	require.Empty(t, ok("list", "--json").stdout)

	refused := func(code int, says string, args ...string) {
		t.Helper()
		r := porchlight(t, append([]string{"faces"}, args...)...)
		require.Equal(t, code, r.code, r.stderr)
		require.Contains(t, r.stderr, says)
	}
	refused(1, "enrolled already, as Barack", "enroll", "--cloud", "--owner", "alice", "Barry", again)
	refused(1, "nobody of that name", "remove", "--cloud", "--owner", "bob", "Barack")
	refused(2, "name the owner with --owner", "list", "--cloud")
	refused(2, "goes with --cloud", "remove", "--owner", "alice", "Barack")
	refused(2, "reserved", "enroll", "--cloud", "--owner", "alice", "No-Face", obama)
	require.Contains(t, ok("remove", "--cloud", "--owner", "alice", "Barack").stderr, "no longer in table porchlight, owner alice")
	require.Contains(t, ok("identify", "--json", "--cloud", "--owner", "alice", again).stdout, `"name":null`)

	second := dynamotest.Table()
	second.TableName = "Porchlight-dev"
	require.NoError(t, server.Provision(t.Context(), second))
	refused(1, "2 tables have a name that begins with porchlight", "list", "--cloud", "--owner", "alice")
	ok("list", "--cloud", "--owner", "alice", "--table", "porchlight")
}
