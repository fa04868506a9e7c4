// Package mkv reads and writes the part of Matroska that Kinesis Video Streams
// speaks: one segment of tracks, tags and clusters of blocks, as it arrives.
//
// The reader takes input from anyone: it believes no size it is told until the
// bytes have come, and holds one block at a time.
//
// Sources: RFC 8794 (EBML), RFC 9559 (Matroska); Kinesis Video Streams
// Developer Guide "Kinesis video streams data model".
package mkv
