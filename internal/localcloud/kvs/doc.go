// Package kvs is Kinesis Video Streams on one machine: streams, PutMedia, and
// everything that plays recordings back. It speaks the documented APIs, so the
// AWS CLI, the SDKs and producers made for the real service work with it. All
// APIs are served at one address, whatever GetDataEndpoint is asked for.
//
// What is stored is in package fragments, uploads are in package ingest,
// recordings are read in package playback and live video finds its viewers in
// package signaling; this package holds the control plane of streams and what
// happens to fragments that carry tags for images and notices.
//
// Sources: Kinesis Video Streams Developer Guide, its API reference and
// "Quotas".
package kvs
