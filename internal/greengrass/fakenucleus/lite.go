package fakenucleus

import "encoding/json"

// Limits of nucleus lite 2.6.0, as measured.
const (
	liteSubscriptions = 100  // of all components together
	litePublishedKeys = 120  // a local JSON message with as many is refused
	liteInbound       = 5000 // bytes of a message from IoT Core
	liteInFlight      = 10   // unacknowledged publishes
	liteInFlightBytes = 15_000
	liteValues        = 255 // keys and values in one answer

	// The receiving side decodes a local JSON message into a buffer that takes
	// 23 flat keys but not 24, a list of 42 numbers but not of 43, four detections
	// but not five. That fits 11 bytes for a value, 21 for a key with its value,
	// and a buffer of 483 to 493 bytes.
	liteReceived = 490
	liteValue    = 11
	litePair     = 21
)

// liteSize is what nucleus lite needs to decode the parts of a value, in bytes.
func liteSize(text json.RawMessage) int {
	var value any
	if json.Unmarshal(text, &value) != nil {
		return 0
	}
	return weigh(value, liteValue, litePair)
}

// liteCount counts the keys and values in a value.
func liteCount(value any) int { return weigh(value, 1, 2) }

// weigh adds up what is in a value, not the value itself.
func weigh(value any, item, pair int) (sum int) {
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			sum += pair + weigh(inner, item, pair)
		}
	case []any:
		for _, inner := range v {
			sum += item + weigh(inner, item, pair)
		}
	}
	return sum
}
