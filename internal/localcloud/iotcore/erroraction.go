package iotcore

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
)

// errorActionMessage is what an error action is given. Source: "Error handling
// (error action)" in the AWS IoT Core developer guide.
type errorActionMessage struct {
	RuleName              string    `json:"ruleName"`
	Topic                 string    `json:"topic"`
	CloudwatchTraceID     string    `json:"cloudwatchTraceId"`
	ClientID              string    `json:"clientId"`
	Base64OriginalPayload []byte    `json:"base64OriginalPayload"`
	Failures              []failure `json:"failures"`
}

type failure struct {
	FailedAction   string `json:"failedAction"`
	FailedResource string `json:"failedResource"`
	ErrorMessage   string `json:"errorMessage"`
}

func errorMessage(rule string, m message, failures []failure) []byte {
	if m.clientID == "" {
		m.clientID = "n/a"
	}
	b, err := json.Marshal(errorActionMessage{rule, m.topic, traceID(), m.clientID, m.payload, failures})
	if err != nil { // strings and bytes always encode
		panic(err)
	}
	return b
}

// traceID is a random UUID (RFC 9562, version 4).
func traceID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
