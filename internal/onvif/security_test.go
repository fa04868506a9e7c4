package onvif

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
)

// The example of RFC 7616, 3.9.1, with POST for GET.
func TestHTTPDigest(t *testing.T) {
	const header = `Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", algorithm=`
	c := parseChallenge([]string{header + "MD5", header + "SHA-256", "Basic realm=x"})
	require.True(t, c.sha256)
	answer := c.respond("Mufasa", "Circle of Life", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzxpuMDsBVgTLSk", 1)
	secret, request := sha256Hex("Mufasa:http-auth@example.org:Circle of Life"), sha256Hex("POST:/dir/index.html")
	require.Contains(t, answer, `response="`+sha256Hex(secret+":7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v:00000001:f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzxpuMDsBVgTLSk:auth:"+request)+`"`)
	require.Nil(t, parseChallenge([]string{"Basic realm=x", `Digest realm="x"`, `Digest nonce="x", algorithm=SHA-512`, `Digest nonce="x", qop="auth-int"`}))
	require.Contains(t, parseChallenge([]string{`Digest realm="r", nonce="n"`}).respond("u", "p", "/", "", 1), md5Hex(md5Hex("u:r:p")+":n:"+md5Hex("POST:/")))
}

// The example of the ONVIF Programmer's Guide, 6.1.1.3.
func TestPasswordDigest(t *testing.T) {
	nonce, err := base64.StdEncoding.DecodeString("LKqI6G/AikKCQrN0zqZFlg==")
	require.NoError(t, err)
	require.Equal(t, "tuOSpGlFlIXsozq4HFNeeGeFLEI=", passwordDigest(nonce, "2010-09-16T07:50:45Z", "userpassword"))
}
