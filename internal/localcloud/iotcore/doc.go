// Package iotcore is a local AWS IoT Core: a certificate authority and a
// registry of things, an MQTT broker over mutual TLS that enforces IoT policies,
// the rules engine, the HTTP publish call and the credentials provider.
//
// # Delivery
//
// Rules run inside the publish call, before the PUBACK. A QoS 1 message is
// acknowledged only when each matching rule's actions, or else its error
// action, have returned without error; the Actions given to New must be durable
// when they return. If neither succeeds the connection is closed without an
// acknowledgment, so the client sends the message again: nothing that was
// acknowledged is lost, and anything may arrive twice. (AWS acknowledges first
// and retries behind the scenes; to devices the contract is the same.)
//
// # Differences from AWS, all on the strict side or noted in the code
//
// Topic aliases, shared subscriptions, topics beginning with $ (presence, Basic
// Ingest) other than those of shadows and jobs, and retained messages over a
// restart are not served. Rules do not see what is published on shadows and jobs.
// Sessions outlive connections by an hour, not the process.
package iotcore
