// Package lan is MQTT on the local network: an embedded broker for the home's
// other devices, or a connection to a broker that is there already.
//
// A Broker and a Client offer the same: Publish, and Subscribe, which hands
// over the messages of a filter one at a time. Every client of the broker is
// bounded in what it may say and hear, how much and how fast; nothing that a
// client sends can end the process or touch another client.
//
// Protocols: MQTT 3.1.1 and 5.0,
// https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html.
package lan
