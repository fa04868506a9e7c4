// Package modelstore keeps neural networks on disk: it knows them from a
// manifest, fetches them, and hands out only contents whose hash is right.
//
// A store is one directory. Files are looked up by name anywhere below it, so
// that a directory someone else filled, read-only or not, serves as well as
// one that Pull filled.
package modelstore
