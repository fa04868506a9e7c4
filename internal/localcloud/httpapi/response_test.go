package httpapi

import (
	"net/http/httptest"
	"testing"
)

// FuzzRespond: whatever a function answers, the gateway writes a whole
// response or nothing.
func FuzzRespond(f *testing.F) {
	for _, answer := range []string{
		`{"statusCode":200,"body":"x"}`, `{"statusCode":"x"}`, `"text"`, `null`, ``, `{`, `[]`, ` "x"`,
		`{"statusCode":200,"headers":{"a\nb":"c\nd","":"x"},"cookies":["\u0000"]}`, `{"statusCode":100}`, `{"statusCode":204,"body":"x"}`,
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		rec := httptest.NewRecorder()
		rec.Code = 0
		err := respond(rec, answer, false)
		if err != nil && (rec.Code != 0 || rec.Body.Len() != 0) {
			t.Fatalf("wrote %d and then failed: %v", rec.Code, err)
		}
		if err == nil && (rec.Code < 200 || rec.Code > 599) {
			t.Fatalf("status %d", rec.Code)
		}
	})
}
