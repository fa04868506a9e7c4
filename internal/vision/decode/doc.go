// Package decode turns the raw outputs of detection networks into labeled
// boxes. It is pure arithmetic on slices and needs no cgo.
//
// Every function returns boxes clipped to the frame, the best score first, and
// refuses outputs whose shape does not fit the labels. Numbers that are not
// finite are skipped, as an overflow somewhere in a network says nothing about
// the rest of the picture.
package decode
