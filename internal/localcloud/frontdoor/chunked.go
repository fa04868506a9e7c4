package frontdoor

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // S3 defines it as an integrity check, not a seal
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The values of x-amz-content-sha256 that announce an aws-chunked body.
const (
	streamSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

func isStreaming(payload string) bool {
	return payload == streamSigned || payload == streamSignedTrailer || payload == streamUnsignedTrailer
}

// decodeChunks unwraps an aws-chunked body, checking the signature of each
// chunk and of the trailer where the form has them, the declared length and
// the checksum in the trailer. It leaves the headers of a plain upload.
func (s *signature) decodeChunks(key []byte, form string, h http.Header, body []byte) ([]byte, error) {
	signed := form != streamUnsignedTrailer
	previous := s.hex
	var out []byte
	for {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		if !ok {
			return nil, errChunk("a chunk header is missing")
		}
		sizeText, extension, _ := strings.Cut(string(line), ";")
		size, err := strconv.ParseUint(sizeText, 16, 31)
		if err != nil || size > uint64(len(rest)) {
			return nil, errChunk("a chunk size is wrong")
		}
		chunk := rest[:size]
		if signed {
			want := hmacSHA256(key, "AWS4-HMAC-SHA256-PAYLOAD\n"+s.at.Format(timeFormat)+"\n"+s.scope()+"\n"+
				previous+"\n"+hexSHA256(nil)+"\n"+hexSHA256(chunk))
			given, ok := strings.CutPrefix(extension, "chunk-signature=")
			if !ok || !equalHex(given, want) {
				return nil, errMismatch("the signature of a chunk does not match")
			}
			previous = given
		}
		out = append(out, chunk...)
		body = rest[size:]
		if size == 0 {
			break
		}
		if body, ok = bytes.CutPrefix(body, []byte("\r\n")); !ok {
			return nil, errChunk("a chunk does not end where its size says")
		}
	}
	if want := h.Get("X-Amz-Decoded-Content-Length"); want != "" && want != strconv.Itoa(len(out)) {
		return nil, errChunk("the decoded length is not the declared one")
	}
	if form != streamSigned {
		if err := s.checkTrailer(key, previous, signed, body, out, h.Get("X-Amz-Trailer")); err != nil {
			return nil, err
		}
	}
	encodings := slices.DeleteFunc(strings.Split(h.Get("Content-Encoding"), ","), func(e string) bool {
		return strings.TrimSpace(e) == "aws-chunked" || e == ""
	})
	h.Del("Content-Encoding")
	if len(encodings) > 0 {
		h.Set("Content-Encoding", strings.Join(encodings, ","))
	}
	return out, nil
}

func (s *signature) checkTrailer(key []byte, previous string, signed bool, raw, body []byte, announced string) error {
	var canonical strings.Builder
	given := ""
	found := map[string]string{}
	for _, line := range strings.Split(string(raw), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "x-amz-trailer-signature" {
			given = value
			continue
		}
		found[name] = value
		canonical.WriteString(name + ":" + value + "\n")
	}
	if signed {
		want := hmacSHA256(key, "AWS4-HMAC-SHA256-TRAILER\n"+s.at.Format(timeFormat)+"\n"+s.scope()+"\n"+
			previous+"\n"+hexSHA256([]byte(canonical.String())))
		if !equalHex(given, want) {
			return errMismatch("the signature of the trailer does not match")
		}
	}
	for _, name := range strings.Split(announced, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		h := checksum(name)
		if h == nil {
			continue
		}
		h.Write(body)
		if base64.StdEncoding.EncodeToString(h.Sum(nil)) != found[name] {
			return errChunk("the checksum in the trailer is not that of the body")
		}
	}
	return nil
}

// checksum returns the algorithm an x-amz-checksum-* trailer names, nil when unknown.
func checksum(trailer string) hash.Hash {
	const nvme = 0x9a6c9329ac4bc9b5 // CRC-64/NVME, reflected
	switch trailer {
	case "x-amz-checksum-crc32":
		return crc32.NewIEEE()
	case "x-amz-checksum-crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "x-amz-checksum-crc64nvme":
		return crc64.New(crc64.MakeTable(nvme))
	case "x-amz-checksum-sha1":
		return sha1.New() //nolint:gosec // see the import
	case "x-amz-checksum-sha256":
		return sha256.New()
	}
	return nil
}
