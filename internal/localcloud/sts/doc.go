// Package sts knows who may sign requests to the local cloud: the account's
// root, whose key pair is made at first start, and temporary role sessions.
// A session token is a sealed description of its session, so sessions outlive
// a restart without being stored.
package sts
