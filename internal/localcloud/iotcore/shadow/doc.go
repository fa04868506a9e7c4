// Package shadow keeps the device shadows of things, classic and named, and
// answers requests about them by MQTT and HTTP.
//
// Sources: "Device Shadow service documents", "Device Shadow MQTT topics",
// "Interacting with shadows" and "Device Shadow error messages" in the AWS IoT
// Core developer guide
// (https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-document.html),
// limits from "AWS IoT Core endpoints and quotas".
//
// An answer is given when the change is on disk. Changes of one shadow are
// published in the order of their versions. Where the guide leaves room: an
// update publishes delta whenever desired and reported differ after it; updates
// and deletions by HTTP are published like those by MQTT; objects left empty are
// removed; the metadata of an array has one timestamp per element.
package shadow
