// Package assertions holds tests of the committed template: what must be true
// of the deployment whatever shape its constructs take. That the template is
// what the constructs make is the snapshot package's test.
package assertions
