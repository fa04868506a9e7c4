// Package sqs is the local cloud's queue service: the standard queues of the
// template, kept in one bbolt file, with visibility timeouts, long polling,
// redrive to a dead-letter queue and retention. It speaks both protocols that
// clients use, JSON and the older query form.
//
// Source: Amazon SQS API Reference. Not offered: FIFO queues, tags, queue
// creation (queues come from the template).
package sqs
