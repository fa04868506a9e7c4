// Package sensors takes what the home's other devices sense to the cloud, and
// what the cloud wants of them back.
//
// Devices speak on porchlight/v1/<thing>/sensors/<sensor>, over MQTT on the
// local network or over Greengrass' local pub/sub, in the form of
// event.Sensor. Devices that speak otherwise are mapped by the configuration.
// What they say is validated, made plain, freed of repetitions, bounded in
// rate without losing the last word, and put into the spool.
package sensors
