package onvif

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the digest that UsernameToken prescribes
	"encoding/base64"
	"encoding/xml"
	"time"
)

const (
	wsse         = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	wsu          = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	digestType   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
	base64Binary = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
)

// usernameToken proves, in the header of a message, that the password is
// known: base64(SHA-1(nonce + created + password)). at is the camera's time:
// one that is more than some seconds away is refused.
// https://docs.oasis-open.org/wss/v1.1/wss-v1.1-spec-os-UsernameTokenProfile.pdf, 3.1.
func usernameToken(user, password string, at time.Time) string {
	nonce := make([]byte, 16)
	rand.Read(nonce) //nolint:errcheck // never fails, crypto/rand says
	created := at.UTC().Format("2006-01-02T15:04:05.000Z")
	return `<wsse:Security xmlns:wsse="` + wsse + `" xmlns:wsu="` + wsu + `" s:mustUnderstand="1"><wsse:UsernameToken>` +
		`<wsse:Username>` + escape(user) + `</wsse:Username>` +
		`<wsse:Password Type="` + digestType + `">` + passwordDigest(nonce, created, password) + `</wsse:Password>` +
		`<wsse:Nonce EncodingType="` + base64Binary + `">` + base64.StdEncoding.EncodeToString(nonce) + `</wsse:Nonce>` +
		`<wsu:Created>` + created + `</wsu:Created></wsse:UsernameToken></wsse:Security>`
}

func passwordDigest(nonce []byte, created, password string) string {
	h := sha1.New() //nolint:gosec // as prescribed
	h.Write(nonce)
	h.Write([]byte(created + password))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func escape(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(text)) // a buffer takes everything
	return out.String()
}
