package onvif

import (
	"math"
	"net/url"
	"strconv"
	"strings"
)

// number is one that a camera wrote, in whatever way: 25, 25.0, " 25 ", or
// nothing. What cannot be read is 0: one field is not worth all the others.
type number string

// int is the number, 0 where it is none or no sensible one.
func (n number) int() int {
	if f := n.float(); f <= math.MaxInt32 {
		return int(f)
	}
	return 0
}

func (n number) float() float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(string(n)), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
		return 0
	}
	return f
}

// token names something of the camera's, and is sent back as it came.
type token string

func (t token) usable() bool { return t != "" && len(t) <= maxAddress }

// unescape reads a percent-encoded text; one that is encoded wrongly stays as
// it is.
func unescape(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		text = plain
	}
	return clean(text)
}
