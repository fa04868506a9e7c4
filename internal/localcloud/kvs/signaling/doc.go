// Package signaling is the WebRTC side of Kinesis Video Streams on one
// machine: signaling channels, the WebSocket through which a master and its
// viewers find each other, and the relay (TURN) for those that cannot reach
// each other otherwise.
//
// It speaks the documented APIs, so the AWS CLI and the official WebRTC SDKs
// work with it. Who signed a request and what they may do has been checked by
// the front door, which leads here with the signer in the request's context.
//
// Sources: Kinesis Video Streams with WebRTC Developer Guide, "API reference"
// (ConnectAsMaster, ConnectAsViewer, SendSdpOffer, "Asynchronous message
// reception") and "Service quotas"; the API reference of GetIceServerConfig.
package signaling
