package onvif

import (
	"context"
	"time"

	"github.com/IOTechSystems/onvif/device"
)

// systemTime is the answer to GetSystemDateAndTime.
// https://www.onvif.org/ver10/device/wsdl/devicemgmt.wsdl.
type systemTime struct {
	SystemDateAndTime struct {
		UTCDateTime *struct {
			Time struct{ Hour, Minute, Second number }
			Date struct{ Year, Month, Day number }
		}
	}
}

// time is the camera's time; false when it does not know.
func (s *systemTime) time() (time.Time, bool) {
	utc := s.SystemDateAndTime.UTCDateTime
	if utc == nil {
		return time.Time{}, false
	}
	year, month, day := utc.Date.Year.int(), utc.Date.Month.int(), utc.Date.Day.int()
	if year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, utc.Time.Hour.int(), utc.Time.Minute.int(), utc.Time.Second.int(), 0, time.UTC), true
}

// readClock asks by how much the camera's clock is ahead, to a second. It
// needs no sign-in: it is how one begins.
func (d *Device) readClock(ctx context.Context) (time.Duration, error) {
	var answer systemTime
	asked := time.Now()
	err := d.transport.call(ctx, request{
		service: d.address, message: device.GetSystemDateAndTime{}, want: "GetSystemDateAndTimeResponse", answer: &answer, open: true,
	})
	if err != nil {
		return 0, err
	}
	at, ok := answer.time()
	if !ok {
		return 0, nil
	}
	// A camera's seconds are whole ones: half a second is the best guess.
	return at.Add(500 * time.Millisecond).Sub(asked.Add(time.Since(asked) / 2)), nil
}
