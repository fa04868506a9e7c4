// Package rulesql parses and runs the part of AWS IoT rules SQL (version
// 2016-03-23) that Porchlight's rules use.
//
// Supported: SELECT of *, paths (a.b.c), literals and the functions topic(),
// topic(n), timestamp() and clientid(), each with AS name; FROM 'filter' with +
// and #; WHERE with = <> < <= > >=, AND, OR, NOT and parentheses. Anything else
// is refused by name when the statement is parsed, never ignored.
//
// Source: "AWS IoT SQL reference" in the AWS IoT Core developer guide.
package rulesql
