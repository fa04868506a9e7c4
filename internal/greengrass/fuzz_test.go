package greengrass

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/greengrass/wire"
)

// Whatever a nucleus sends is an event, an answer or an error.
func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, kind int32, model string, payload []byte) {
		if m, err := decodeTopicMessage(payload); err != nil {
			require.ErrorIs(t, err, ErrProtocol)
		} else if m.JSON {
			require.True(t, len(m.Payload) == 0 || json.Valid(m.Payload))
		}
		_, core := decodeIoTCoreMessage(payload)
		_, update := decodeConfigurationUpdate(payload)
		_, validation := decodeValidation(payload)
		for _, err := range []error{core, update, validation} {
			if err != nil {
				require.ErrorIs(t, err, ErrProtocol)
			}
		}
		if event, err := decodeComponentUpdate(payload); err == nil {
			require.NotEqual(t, event.Pre == nil, event.Post == nil)
		}
		Configuration{Value: payload, path: []string{"a"}}.Leaf()

		err := answerError("X", wire.Message{Type: wire.Type(kind), Model: model, Payload: payload})
		require.Equal(t, kind != int32(wire.ApplicationMessage), err != nil)
		if err != nil {
			require.Less(t, len(err.Error()), 3*errorText)
		}
	})
}
