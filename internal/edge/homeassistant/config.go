package homeassistant

// The keys below are Home Assistant's, in full: it knows abbreviations too,
// which save nothing here and cannot be read.

// announcement is the payload of a discovery topic of a device.
type announcement struct {
	Device           device               `json:"device"`
	Origin           origin               `json:"origin"`
	Components       map[string]component `json:"components"`
	Availability     []availability       `json:"availability,omitempty"`
	AvailabilityMode string               `json:"availability_mode,omitempty"`
	QoS              int                  `json:"qos"`
}

type device struct {
	Identifiers  []string `json:"identifiers"`
	Name         string   `json:"name"`
	Manufacturer string   `json:"manufacturer"`
	Model        string   `json:"model"`
	Serial       string   `json:"serial_number"`
	Software     string   `json:"sw_version,omitempty"`
	Via          string   `json:"via_device,omitempty"`
}

type origin struct {
	Name     string `json:"name"`
	Software string `json:"sw_version,omitempty"`
}

type availability struct {
	Topic string `json:"topic"`
}

// component is one entity; its platform says which of the keys it has.
type component struct {
	Platform       string   `json:"platform"`
	UniqueID       string   `json:"unique_id"`
	Name           *string  `json:"name"` // null: the device's own
	DeviceClass    string   `json:"device_class,omitempty"`
	EntityCategory string   `json:"entity_category,omitempty"`
	Icon           string   `json:"icon,omitempty"`
	StateTopic     string   `json:"state_topic,omitempty"`
	CommandTopic   string   `json:"command_topic,omitempty"`
	ImageTopic     string   `json:"image_topic,omitempty"`
	ContentType    string   `json:"content_type,omitempty"`
	Attributes     string   `json:"json_attributes_topic,omitempty"`
	EventTypes     []string `json:"event_types,omitempty"`
	Options        []string `json:"options,omitempty"`
	Unit           string   `json:"unit_of_measurement,omitempty"`
	StateClass     string   `json:"state_class,omitempty"`
	PayloadOn      string   `json:"payload_on,omitempty"`
	PayloadOff     string   `json:"payload_off,omitempty"`
}

// The payloads of Home Assistant's defaults.
const (
	on, off         = "ON", "OFF"
	online, offline = "online", "offline"
)

const (
	maker        = "Porchlight"
	modelGateway = "Gateway"
	modelCamera  = "Camera"
	modelSensor  = "Sensor"
	configLevel  = "config"
	deviceLevel  = "device"
)
