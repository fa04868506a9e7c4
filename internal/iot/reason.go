package iot

import (
	"errors"
	"fmt"
)

// reason explains a reason code of CONNACK, DISCONNECT, PUBACK or SUBACK:
// https://docs.aws.amazon.com/iot/latest/developerguide/mqtt.html#mqtt5-reason-codes.
func (at circumstances) reason(code byte, err error) *faultError {
	if err == nil {
		err = fmt.Errorf("reason code 0x%02x", code)
	} else {
		err = fmt.Errorf("reason code 0x%02x: %w", code, err)
	}
	switch code {
	case 0x87, 0x86, 0x8c: // not authorized, bad user name or password, bad authentication method
		return &faultError{
			ErrNotAuthorized, "the certificate's policy does not allow it",
			"allow it in the IoT policy, for the client id " + at.clientID + " (the thing's name)", err,
		}
	case 0x8e: // session taken over
		return &faultError{
			ErrTakenOver, "two devices use the name " + at.clientID,
			"give each a thing, and a certificate, of its own", err,
		}
	case 0x85: // client identifier not valid
		return &faultError{ErrNotAuthorized, "the name " + at.clientID + " is not accepted", "use the thing's name, of at most 128 bytes", err}
	case 0x95: // packet too large
		return &faultError{ErrTooLarge, fmt.Sprintf("IoT Core takes no more than %d bytes", MaxPayload), "send less", err}
	case 0x88, 0x89, 0x8b, 0x9c, 0x9d: // unavailable, busy, shutting down, use another server, server moved
		return &faultError{ErrUnreachable, "the service is busy or restarts", "nothing, it is tried again", err}
	case 0x8d: // keep alive timeout
		return &faultError{ErrUnreachable, "the endpoint has not heard of this device for long", "check the network", err}
	case 0x93, 0x96, 0x97, 0x9f: // receive maximum, message rate, quota, connection rate exceeded
		return &faultError{ErrLimit, "this device, or its account, asks for more than IoT Core allows", "see the quotas of IoT Core; it is tried again", err}
	case 0x98: // administrative action
		return &faultError{ErrCertificate, "an administrator ended the connection", "check that the certificate is active", err}
	}
	return &faultError{ErrHungUp, "it refused what this device sent", "it is tried again; if it stays, report it with this code", err}
}

// permanent tells the PUBACK reason codes that another try does not change:
// MQTT 5.0, 3.4.2.1.
func permanent(reason byte) bool {
	switch reason {
	case 0x87, 0x90, 0x99: // not authorized, topic name invalid, payload format invalid
		return true
	}
	return false
}

// lostError is why a connection ended.
type lostError struct {
	code      byte // of the server's DISCONNECT; 0: there was none
	waiting   int  // requests that had no answer
	explained error
}

func (l *lostError) Error() string {
	if l.explained == nil {
		return "the connection was lost"
	}
	return "the connection was lost: " + l.explained.Error()
}

func (l *lostError) Unwrap() error { return l.explained }

// convicts reports whether the server ended the connection because of a
// request, and it can only have been the one that asks.
func convicts(err error) bool {
	var lost *lostError
	return errors.As(err, &lost) && lost.waiting == 1 && (permanent(lost.code) || lost.code == 0x95)
}
