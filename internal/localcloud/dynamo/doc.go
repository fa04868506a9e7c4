// Package dynamo is the local cloud's DynamoDB: a supervised dynalite (a
// DynamoDB on LevelDB, run by Node) behind an http.Handler.
//
// It adds what dynalite lacks: tables made from CloudFormation properties,
// items that expire, and a database that comes back after either process is
// killed. An acknowledged write survives kill -9 of both.
//
// dynalite is pinned by node/package-lock.json and installed with
//
//	npm ci --prefix internal/localcloud/dynamo/node
package dynamo
