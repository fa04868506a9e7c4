// Package awsapi holds the wire shapes that the AWS services of the local
// cloud share: how each protocol wraps a result and how it spells an error.
//
// Sources: Smithy's AWS protocol specifications (awsJson1_0, awsJson1_1,
// awsQuery, restJson1, restXml).
package awsapi

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Protocol is the way a service speaks.
type Protocol int

// The protocols of the services that the local cloud serves.
const (
	JSON10   Protocol = iota // DynamoDB
	JSON10Q                  // SQS: JSON whose errors also carry the code of the older query form
	JSON11                   // Secrets Manager, Rekognition
	RESTJSON                 // IoT data plane, Kinesis Video Streams
	Query                    // SNS, STS, older SQS clients
	S3XML                    // S3
)

// RequestIDHeader carries the id of a request in every answer.
const RequestIDHeader = "X-Amzn-Requestid"

// Error is an answer that tells the client what went wrong and what to do.
type Error struct {
	Code      string // as the JSON protocols spell it
	QueryCode string // as XML protocols spell it; empty: Code
	Message   string // cause and cure
	Status    int    // HTTP status of XML protocols and of RESTJSON
	// JSONStatus is the HTTP status of the JSON protocols other than RESTJSON; 0: Status.
	JSONStatus int
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// NewRequestID returns a fresh random id in UUID form.
func NewRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// requestID returns the id the front door gave this answer, giving one where it did not.
func requestID(w http.ResponseWriter) string {
	id := w.Header().Get(RequestIDHeader)
	if id == "" {
		id = NewRequestID()
		w.Header().Set(RequestIDHeader, id)
	}
	return id
}

// WriteError answers with an error in the protocol's own shape.
func WriteError(w http.ResponseWriter, p Protocol, e *Error) {
	id := requestID(w)
	queryCode := e.QueryCode
	if queryCode == "" {
		queryCode = e.Code
	}
	switch p {
	case Query:
		writeXML(w, e.Status, queryError{
			Error:     queryErrorBody{Type: fault(e.Status), Code: queryCode, Message: e.Message},
			RequestID: id,
		})
	case S3XML:
		w.Header().Set("X-Amz-Request-Id", id)
		writeXML(w, e.Status, s3Error{Code: queryCode, Message: e.Message, RequestID: id})
	default:
		status := e.JSONStatus
		if status == 0 || p == RESTJSON { // REST services use the statuses of HTTP
			status = e.Status
		}
		w.Header().Set("X-Amzn-Errortype", e.Code)
		if p == JSON10Q {
			w.Header().Set("X-Amzn-Query-Error", queryCode+";"+fault(e.Status))
		}
		WriteJSON(w, p, status, map[string]string{"__type": e.Code, "message": e.Message})
	}
}

// lingers is how long a client that is still sending has to take notice of an answer.
const lingers = 500 * time.Millisecond

// Unread ends an answer to a request whose body goes on: without it, net/http
// would wait for the rest, and a close at once could lose the answer on its
// way. Call it before the answer is written and what it returns thereafter.
func Unread(w http.ResponseWriter, r *http.Request) (done func()) {
	rc := http.NewResponseController(w)
	_ = rc.EnableFullDuplex() // where it is not possible, net/http reads what it must
	w.Header().Set("Connection", "close")
	return func() {
		if rc.Flush() != nil || rc.SetReadDeadline(time.Now().Add(lingers)) != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_ = rc.SetReadDeadline(time.Now())
	}
}

func fault(status int) string {
	if status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

// WriteJSON answers in one of the JSON protocols.
func WriteJSON(w http.ResponseWriter, p Protocol, status int, v any) {
	requestID(w)
	kind := map[Protocol]string{JSON10: "application/x-amz-json-1.0", JSON10Q: "application/x-amz-json-1.0",
		JSON11: "application/x-amz-json-1.1"}[p]
	if kind == "" {
		kind = "application/json"
	}
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"__type":"InternalFailure"}`)
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// WriteQuery answers an action of the query protocol; a nil result leaves the result element out.
func WriteQuery(w http.ResponseWriter, namespace, action string, result any) {
	id := requestID(w)
	var b strings.Builder
	fmt.Fprintf(&b, `<%sResponse xmlns=%q>`, action, namespace)
	if result != nil {
		name := xml.Name{Local: action + "Result"}
		if err := xml.NewEncoder(&b).EncodeElement(result, xml.StartElement{Name: name}); err != nil {
			WriteError(w, Query, &Error{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError})
			return
		}
	}
	fmt.Fprintf(&b, `<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>`, id, action)
	w.Header().Set("Content-Type", "text/xml")
	_, _ = io.WriteString(w, b.String())
}

func writeXML(w http.ResponseWriter, status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header+string(body))
}

type queryError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Error     queryErrorBody
	RequestID string `xml:"RequestId"`
}

type queryErrorBody struct {
	Type, Code, Message string
}

type s3Error struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	RequestID string `xml:"RequestId"`
}
