package event

// Group is the kind of object that a label names. Detectors confuse the labels
// of one group from frame to frame, so what follows or joins boxes compares
// groups. A label that belongs to no group is its own.
func Group(label string) string {
	switch label {
	case "car", "truck", "bus":
		return "vehicle"
	case "motorbike", "motorcycle":
		return "motorbike"
	default:
		return label
	}
}
