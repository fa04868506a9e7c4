// Package ingest is PutMedia of Kinesis Video Streams: it takes Matroska of
// unknown length from a producer, holds it to the service's rules, stores it
// fragment by fragment and answers each with acknowledgments while the
// producer is still sending.
//
// Sources: Kinesis Video Streams Developer Guide "PutMedia" and "Quotas"; the
// error numbers of the C producer's platform independent code (its
// SERVICE_CALL_RESULT values).
package ingest
