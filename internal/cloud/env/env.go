// Package env reads the configuration that the template gives a Lambda.
package env

import (
	"fmt"
	"strconv"
	"time"
)

// Lookup is os.LookupEnv or a test's stand-in.
type Lookup func(name string) (value string, ok bool)

// String returns a variable that must be there.
func (l Lookup) String(name string) (string, error) {
	v, ok := l(name)
	if !ok || v == "" {
		return "", fmt.Errorf("environment variable %s is not set: the template of the function must set it", name)
	}
	return v, nil
}

// Strings returns variables that must all be there, in the order asked for.
func (l Lookup) Strings(names ...string) ([]string, error) {
	values := make([]string, len(names))
	for i, name := range names {
		v, err := l.String(name)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// Or returns a variable that need not be there.
func (l Lookup) Or(name, otherwise string) string {
	if v, ok := l(name); ok && v != "" {
		return v
	}
	return otherwise
}

// Number returns a variable that may be a number from 0 to most, and is 0
// when it is not there.
func (l Lookup) Number(name string, most float64) (float64, error) {
	text := l.Or(name, "0")
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v <= most) {
		return 0, fmt.Errorf("environment variable %s is %q: want a number from 0 to %v", name, text, most)
	}
	return v, nil
}

// Days returns a variable that must be a whole number of days, 1 or more.
func (l Lookup) Days(name string) (time.Duration, error) {
	v, err := l.String(name)
	if err != nil {
		return 0, err
	}
	const most = 36500 // a century still fits a time.Duration
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("environment variable %s is %q: want a whole number of days from 1 to %d", name, v, most)
	}
	return time.Duration(n) * 24 * time.Hour, nil
}
