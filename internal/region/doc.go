// Package region chooses which parts of a frame the detector looks at, and
// puts together what it found in them. It is pure Go.
//
// A detector has a small input, so an object that is far away is too small in
// it when it is shown the whole frame. Cutting out the parts where something
// moves, or where an object should be by now, shows it large, at the price of
// one inference for each part.
package region
