// Package event is Porchlight's vocabulary: frames, detections and events,
// the device's status, their identifiers, and their wire forms on MQTT.
//
// Every other package speaks in these words, and this package imports none
// of them. Edge and cloud meet here and nowhere else.
package event
