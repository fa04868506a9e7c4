package store

// OptionalFields is for the test that compares it with the wire form.
var OptionalFields = optionalFields //nolint:gochecknoglobals // a test's view of what is not exported
