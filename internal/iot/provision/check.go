package provision

import (
	"fmt"
	"os"
	"strings"

	"porchlight/internal/event"
)

// Bounds of what a device sends.
const (
	mostParameters = 32
	longestValue   = 256 // bytes of a parameter
	longestSerial  = 4096
)

// serialParameter is the template's parameter that tells devices apart.
const serialParameter = "SerialNumber"

// check returns the serial, or an error that wraps ErrConfig.
func (c *Config) check() (serial string, err error) {
	for name, value := range map[string]string{
		"folder": c.Dir, "endpoint": c.Endpoint, "template": c.Template, "claim certificate": c.ClaimCertificate, "claim key": c.ClaimKey,
	} {
		if value == "" {
			return "", fmt.Errorf("%w: no %s is configured", ErrConfig, name)
		}
	}
	if strings.ContainsAny(c.Template, "/+#") {
		return "", fmt.Errorf("%w: template %q: want the name of a provisioning template", ErrConfig, c.Template)
	}
	if len(c.Parameters) > mostParameters {
		return "", fmt.Errorf("%w: %d parameters: want at most %d", ErrConfig, len(c.Parameters), mostParameters)
	}
	for name, value := range c.Parameters {
		if name == serialParameter || len(value) > longestValue {
			return "", fmt.Errorf("%w: parameter %q: want another name than %s, and at most %d bytes", ErrConfig, name, serialParameter, longestValue)
		}
	}
	return readSerial(c.Serial)
}

// readSerial returns the serial itself, or the first line of the file that an
// absolute path names: boards show theirs in /proc/device-tree/serial-number,
// with a zero byte after it.
func readSerial(serial string) (string, error) {
	source := serial
	if strings.HasPrefix(serial, "/") {
		f, err := os.Open(serial)
		if err != nil {
			return "", fmt.Errorf("%w: serial: %w", ErrConfig, err)
		}
		defer f.Close()
		text := make([]byte, longestSerial)
		n, _ := f.Read(text) // what cannot be read is no serial, which is told below
		serial, _, _ = strings.Cut(string(text[:n]), "\n")
		serial = strings.Trim(serial, " \t\r\x00")
	}
	if err := event.ValidateThing(serial); err != nil {
		return "", fmt.Errorf("%w: serial from %q: want 1 to 64 letters, digits, _ and -", ErrConfig, source)
	}
	return serial, nil
}
