// Package playback reads recordings of Kinesis Video Streams: ListFragments,
// GetMedia, GetMediaForFragmentList, HLS and DASH sessions, clips and images.
// What browsers play is made from the stored Matroska when they ask for it;
// frames are never re-encoded.
//
// Sources: Kinesis Video Streams Developer Guide (API reference of archived
// media and of GetMedia); RFC 8216 (HLS); ISO/IEC 23009-1 (DASH); RFC 6381
// (codecs parameter); ISO/IEC 14496-15 (codec private data).
package playback
