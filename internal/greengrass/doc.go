// Package greengrass is a client of Greengrass v2 IPC: how a component talks
// to the nucleus it runs under, over a Unix socket, in the event-stream RPC
// protocol.
//
// It keeps to what both nuclei take, the Java one and nucleus lite, so that a
// component built on it is portable; where they differ the comment says how.
// What a lost connection means is told in [Client]. Operations and shapes are those
// of the service model aws.greengrass, described in
// https://docs.aws.amazon.com/greengrass/v2/developerguide/interprocess-communication.html.
package greengrass
