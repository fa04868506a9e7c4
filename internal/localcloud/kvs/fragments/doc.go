// Package fragments keeps what Kinesis Video Streams stores: streams and their
// fragments. A fragment is a Matroska file of its own, which any player opens;
// the index beside them is one bbolt database. A fragment counts from the
// moment its index entry is on disk, which is after its file is.
package fragments
