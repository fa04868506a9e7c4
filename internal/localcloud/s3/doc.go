// Package s3 is the local cloud's object store: the buckets of the template,
// served by gofakes3 over one bbolt file.
//
// A single bbolt file was chosen over gofakes3's directory backend because a
// put there is one synced transaction: after a crash an object is the old one
// or the new one, content and metadata together. The directory backend writes
// the two as separate files and syncs neither. The price, objects held in
// memory while they are served, is small for thumbnails.
//
// The package trusts its caller: signatures and permissions are the front
// door's business. It offers whole objects only: no multipart uploads, no
// server-side copies, no sub-resources such as ?acl or ?tagging. Queues are
// told of objects that are put, nobody is of anything else.
package s3
