// Package homeassistant shows cameras, their events and sensors in Home
// Assistant, by MQTT discovery:
// https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery.
//
// Each camera and each sensor is a device of its own, announced with all its
// entities in one retained message on <prefix>/device/<id>/config. States are
// retained on porchlight/v1/<thing>/homeassistant/<device>/<what>. What is
// retained at the broker is kept here as a whole and sent again whenever Home
// Assistant or the broker comes back, so that nothing is lost by either's end.
package homeassistant
