// Package provision is fleet provisioning: a device that holds only a claim asks
// over MQTT for a certificate of its own and takes it up with a provisioning
// template, which makes its thing and attaches its policies.
//
// Sources, all in the AWS IoT Core developer guide: "Device provisioning MQTT
// API", "Provisioning templates", "Pre-provisioning hooks".
//
// What the local cloud cannot honor in a template (thing types, billing groups,
// policies written out in the template, signing requests and foreign
// certificates) is refused when the template is read. Payloads are JSON; the
// CBOR topics answer that they are not served.
package provision
