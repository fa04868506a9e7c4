package iot

import "crypto/tls"

// MQTTConfig returns the TLS settings of an identity for the MQTT endpoint
// host:port.
func MQTTConfig(identity *tls.Config, endpoint string) (*tls.Config, error) {
	return forEndpoint(identity, endpoint, "x-amzn-mqtt-ca")
}
