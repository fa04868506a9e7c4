// Package lambda runs unmodified provided.al2023 bootstraps on this machine.
//
// Each execution environment is one process that talks to its own loopback
// Runtime API, is kept warm between invocations, and is killed as a process
// group when it times out. Synchronous calls wait for a free environment;
// asynchronous ones return once their payload is on disk and are delivered at
// least once, as AWS does it: retries, then the on-failure destination.
//
// Sources: the Lambda developer guide's pages on the Runtime API, the
// execution environment, asynchronous invocation and the Invoke operation.
package lambda
