// Package recipe reads, fills in and checks Greengrass component recipes,
// format 2020-01-25.
//
// A recipe is checked twice: its shape against a JSON Schema, and what no
// schema can say by rules in Go. Most of these are the limits of Nucleus Lite,
// which accepts a recipe with an unknown or unsupported part and then fails on
// the device.
//
// Sources: AWS IoT Greengrass V2 developer guide, component recipe reference;
// the sources of the Java nucleus 2.18 and of nucleus lite 2.6.0.
package recipe
