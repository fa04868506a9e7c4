// Package vision decodes pictures and finds objects in them. It is the only
// package of Porchlight that uses cgo.
//
// It runs OpenCV through GoCV. OpenCV reports trouble with C++ exceptions, and
// one that reaches Go ends the process, so every call that can throw goes
// through the shield of shield.cpp, which turns exceptions into Go errors.
// Without cgo this package is empty.
package vision
