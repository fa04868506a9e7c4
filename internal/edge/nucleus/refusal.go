package nucleus

import (
	"errors"
	"fmt"

	"porchlight/internal/greengrass"
	"porchlight/internal/iot/spool"
)

// gone says that the connection ended for good.
func gone(err error) bool {
	return errors.Is(err, greengrass.ErrTokenVoid) || errors.Is(err, greengrass.ErrClosed)
}

// permission is an entry of accessControl.
type permission struct{ service, operation, resource string }

const (
	pubsub    = "aws.greengrass.ipc.pubsub"
	mqttproxy = "aws.greengrass.ipc.mqttproxy"
)

// cure says what accessControl lacks.
func (p permission) cure() string {
	return fmt.Sprintf("deploy an accessControl with the operation aws.greengrass#%s on the resource %s below %s", p.operation, p.resource, p.service)
}

// refusal tells a sender what to do about an error of a publish. What will
// never be taken wraps spool.ErrRefused; a nucleus that is offline or has its
// hands full wraps spool.ErrBusy. Everything else may go away too, even a
// missing permission, which a deployment can give.
func refusal(p permission, err error) error {
	var remote *greengrass.RemoteError
	switch {
	case errors.Is(err, greengrass.ErrTooLarge), errors.Is(err, greengrass.ErrInvalidArguments):
		return fmt.Errorf("%w: %w", spool.ErrRefused, err)
	case errors.Is(err, greengrass.ErrUnauthorized):
		return fmt.Errorf("%w: %s", err, p.cure())
	// Nucleus lite says "Failed to publish the message." when it is offline and
	// when ten messages wait for IoT Core; the Java nucleus when its spool is full.
	case errors.Is(err, greengrass.ErrService) && errors.As(err, &remote) && remote.Message != "":
		return fmt.Errorf("%w: %w", spool.ErrBusy, err)
	}
	return err
}
