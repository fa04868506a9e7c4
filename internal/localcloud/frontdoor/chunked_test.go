package frontdoor

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// upload builds an aws-chunked upload of two chunks. The seed signature comes
// from the SDK's signer, the chunk signatures from the S3 documentation;
// TestPublishedChunkExample checks them against the example printed there.
func upload(t *testing.T, form, checksum string) (*http.Request, string) {
	t.Helper()
	body := strings.Repeat("a", 1000) + "tail"
	c := call{service: "s3", method: "PUT", url: "/b/k", payload: form, headers: map[string]string{
		"X-Amz-Decoded-Content-Length": fmt.Sprint(len(body)), "Content-Encoding": "aws-chunked", "X-Amz-Trailer": "x-amz-checksum-crc32"}}
	if form == streamSigned {
		delete(c.headers, "X-Amz-Trailer")
	}
	c.body = strings.Repeat("x", 2000) // only its length is signed
	r := c.request(t)
	sig, err := parseSignature(r)
	require.NoError(t, err)
	key, previous := sig.signingKey(secret), sig.hex
	sign := func(kind, last string) string {
		previous = hex.EncodeToString(hmacSHA256(key, kind+"\n"+sig.at.Format(timeFormat)+"\n"+sig.scope()+"\n"+previous+"\n"+last))
		return previous
	}
	var b strings.Builder
	for _, chunk := range []string{body[:1000], body[1000:], ""} {
		fmt.Fprintf(&b, "%x", len(chunk))
		if form != streamUnsignedTrailer {
			b.WriteString(";chunk-signature=" + sign("AWS4-HMAC-SHA256-PAYLOAD", hexSHA256(nil)+"\n"+hexSHA256([]byte(chunk))))
		}
		b.WriteString("\r\n" + chunk)
		if chunk != "" {
			b.WriteString("\r\n")
		}
	}
	if form != streamSigned {
		b.WriteString("x-amz-checksum-crc32:" + checksum + "\r\n")
	}
	if form == streamSignedTrailer {
		b.WriteString("x-amz-trailer-signature:" + sign("AWS4-HMAC-SHA256-TRAILER", hexSHA256([]byte("x-amz-checksum-crc32:"+checksum+"\n"))) + "\r\n")
	}
	b.WriteString("\r\n")
	return r, b.String()
}

func crc(body string) string {
	h := crc32.NewIEEE()
	h.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// send replaces the body; the length that was signed stays, as the test server never sees the wire.
func send(r *http.Request, body string) *http.Request {
	r.Body = readCloser{strings.NewReader(body)}
	return r
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestChunkedUploads(t *testing.T) {
	body := strings.Repeat("a", 1000) + "tail"
	for _, form := range []string{streamSigned, streamSignedTrailer, streamUnsignedTrailer} {
		t.Run(form, func(t *testing.T) {
			r, raw := upload(t, form, crc(body))
			w := serve(door(t, &asked{}, keyring{}), send(r, raw))
			require.Equal(t, 200, w.Code, w.Body.String())
			require.Equal(t, body, w.Body.String())
			require.Empty(t, w.Header().Get("Seen-Encoding"), "the handler gets a plain upload")
		})
	}
	cut := func(s string) string { return s[:len(s)/2] }
	for name, c := range map[string]struct {
		form, checksum string
		change         func(string) string
		says           string
	}{
		"altered chunk":           {streamSigned, "", func(s string) string { return strings.Replace(s, "aaa", "bbb", 1) }, "SignatureDoesNotMatch"},
		"altered last chunk":      {streamSigned, "", func(s string) string { return strings.Replace(s, "tail", "tale", 1) }, "SignatureDoesNotMatch"},
		"altered trailer":         {streamSignedTrailer, crc(body), func(s string) string { return strings.Replace(s, "crc32:", "crc32:x", 1) }, "SignatureDoesNotMatch"},
		"altered unsigned body":   {streamUnsignedTrailer, crc(body), func(s string) string { return strings.Replace(s, "tail", "tale", 1) }, "IncompleteBody"},
		"wrong checksum":          {streamSignedTrailer, crc("else"), func(s string) string { return s }, "IncompleteBody"},
		"broken off":              {streamSigned, "", cut, "IncompleteBody"},
		"broken off, no checksum": {streamUnsignedTrailer, "", cut, "IncompleteBody"},
		"size beyond the body":    {streamUnsignedTrailer, crc(body), func(string) string { return "7fffffff\r\nx" }, "IncompleteBody"},
		"negative size":           {streamUnsignedTrailer, crc(body), func(string) string { return "-1\r\nx\r\n0\r\n\r\n" }, "IncompleteBody"},
		"shorter than declared":   {streamUnsignedTrailer, crc("x"), func(string) string { return "1\r\nx\r\n0\r\n\r\n" }, "IncompleteBody"},
	} {
		t.Run(name, func(t *testing.T) {
			r, raw := upload(t, c.form, c.checksum)
			w := serve(door(t, &asked{}, keyring{}), send(r, c.change(raw)))
			require.GreaterOrEqual(t, w.Code, 400)
			require.Contains(t, w.Body.String(), c.says)
		})
	}
}

// TestPublishedChunkExample replays the example of the S3 documentation,
// "Signature Calculations for the Authorization Header: Transferring Payload
// in Multiple Chunks": 64 KiB and then 1 KiB of the letter a.
func TestPublishedChunkExample(t *testing.T) {
	at := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	s := &signature{at: at, day: "20130524", region: "us-east-1", service: "s3",
		hex: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"}
	body := "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + strings.Repeat("a", 65536) +
		"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + strings.Repeat("a", 1024) +
		"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
	key := s.signingKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	out, err := s.decodeChunks(key, streamSigned, http.Header{}, []byte(body))
	require.NoError(t, err)
	require.Len(t, out, 66560)
}

func TestChecksumsAgreeWithPublishedCheckValues(t *testing.T) {
	// The check value of a CRC is that of "123456789" (catalogue of parametrised CRC algorithms).
	for name, want := range map[string]string{
		"x-amz-checksum-crc32": "cbf43926", "x-amz-checksum-crc32c": "e3069283", "x-amz-checksum-crc64nvme": "ae8b14860a799888",
		"x-amz-checksum-sha1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
	} {
		h := checksum(name)
		h.Write([]byte("123456789"))
		require.Equal(t, want, hex.EncodeToString(h.Sum(nil)), name)
	}
}

func FuzzDecodeChunks(f *testing.F) {
	f.Add([]byte("1\r\nx\r\n0\r\n\r\n"), streamUnsignedTrailer)
	f.Add([]byte("1;chunk-signature=a\r\nx\r\n0\r\n\r\n"), streamSigned)
	f.Add([]byte("0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"), streamUnsignedTrailer)
	f.Fuzz(func(t *testing.T, body []byte, form string) {
		s := &signature{hex: strings.Repeat("a", 64), at: noon, day: "20261120", region: "us-east-1", service: "s3"}
		out, err := s.decodeChunks([]byte("key"), form, http.Header{"X-Amz-Trailer": {"x-amz-checksum-crc32"}}, body)
		if err == nil {
			require.LessOrEqual(t, len(out), len(body))
		}
	})
}
