// Package publish makes Greengrass component versions of Porchlight: it packs
// the artifacts, fills in and checks the recipes, and takes both to AWS.
//
// Everything is done at most once. An artifact that is in the bucket with the
// same digest is not sent again, a component version that exists with the same
// content is left as it is, and a deployment that already has the wanted
// versions is not repeated. What exists with other content is an error, never
// overwritten: devices may run it.
package publish
