package event

// Group names the kind of object that a label stands for. Detectors waver
// between the labels of one group from frame to frame: car, truck and bus are
// "vehicle", motorbike and motorcycle are "motorbike". Any other label is a
// group of its own.
func Group(label string) string {
	switch label {
	case "car", "truck", "bus":
		return "vehicle"
	case "motorbike", "motorcycle":
		return "motorbike"
	}
	return label
}
