// Package policy holds the rules of the repository that no compiler or linter
// checks, as tests: each failure names a file, what is wrong with it and the
// cure.
//
// A rule is a function from files to faults, so that a second test can show it
// a bad file and see it object.
package policy
