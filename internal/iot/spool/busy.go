package spool

import "errors"

// ErrBusy is wrapped by a send function to say that the peer takes no more
// just now: the record is good and is sent again.
var ErrBusy = errors.New("peer takes no more just now")
