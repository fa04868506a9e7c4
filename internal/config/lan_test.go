package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
)

const wholeHome = `
lan:
  listen: :8883
  certificate: c.pem
  private_key: k.pem
  ca: ca.pem
  users:
    hallway: {password: hushhush, sensors: [door]}
    cellar: {}
    hass: {password: hushhush, role: home_assistant, topics: [zigbee2mqtt/#]}
sensors:
  garage: {kind: contact, topic: zigbee2mqtt/garage, field: door.state, states: {"1": open}, set_topic: a/set, availability: a/b, timeout: "90s"}
home_assistant: {enabled: "true", prefix: ha}
`

func TestHome(t *testing.T) {
	c, err := config.Parse([]byte(good + wholeHome))
	require.NoError(t, err)
	require.Equal(t, config.LAN{
		Listen: ":8883", Certificate: "c.pem", PrivateKey: "k.pem", CA: "ca.pem",
		Users: map[string]config.LANUser{
			"hallway": {Password: "hushhush", Role: "device", Sensors: []string{"door"}}, "cellar": {Role: "device"},
			"hass": {Password: "hushhush", Role: "home_assistant", Topics: []string{"zigbee2mqtt/#"}},
		},
	}, c.LAN)
	require.Equal(t, map[string]config.Sensor{"garage": {
		Kind: "contact", Topic: "zigbee2mqtt/garage", Field: "door.state", States: map[string]string{"1": "open"},
		SetTopic: "a/set", Availability: "a/b", Timeout: 90 * time.Second,
	}}, c.Sensors)
	require.Equal(t, config.HomeAssistant{Enabled: true, Prefix: "ha"}, c.HomeAssistant)

	for _, fine := range []string{
		"lan: {listen: '127.0.0.1:1883'}", "lan: {listen: 'localhost:1883'}", "lan: {listen: '[::1]:1883'}",
		"lan: {broker: 'mqtt://192.0.2.1:1883'}", "lan: {broker: 'mqtts://broker.home:8883', ca: ca.pem, certificate: c, private_key: k, user: me, password: hush}",
		"lan: {listen: ':1883', users: {a: {password: hushhush}}}",
	} {
		_, err := config.Parse([]byte(good + fine + "\n"))
		require.NoError(t, err, fine)
	}
}

func TestHomeErrors(t *testing.T) {
	user := func(text string) string { return "lan: {listen: ':1883', users: {hallway: " + text + "}}" }
	sensor := func(text string) string { return "sensors: {door: " + text + "}" }
	for edit, want := range map[string]string{
		"lan: {listen: ':1883'}":                                        `lan.listen: ":1883" can be reached from other machines: name users`,
		"lan: {listen: '0.0.0.0:1883'}":                                 `lan.listen: "0.0.0.0:1883" can be reached`,
		"lan: {listen: 'home:1883', certificate: c, private_key: k}":    `lan.listen: "home:1883" can be reached`,
		"lan: {listen: '1883'}":                                         `lan.listen: "1883": want host:port`,
		"lan: {listen: '127.0.0.1:0'}":                                  `lan.listen: "127.0.0.1:0": want host:port`,
		"lan: {listen: '127.0.0.1:1883', broker: 'mqtt://a:1'}":         "lan: listen and broker: want one of them",
		"lan: {certificate: c}":                                         "lan: certificate and private_key go together",
		"lan: {listen: '127.0.0.1:1883', ca: ca}":                       "lan.ca: certificates of clients need TLS",
		"lan: {broker: '192.0.2.1:1883'}":                               "lan.broker: want an address",
		"lan: {broker: 'mqtt://192.0.2.1'}":                             "lan.broker: \"mqtt://192.0.2.1\": want an address",
		"lan: {broker: 'http://192.0.2.1:80'}":                          "lan.broker: \"http://192.0.2.1:80\": want an address",
		"lan: {broker: 'mqtt://me:hush@192.0.2.1:1883'}":                "lan.broker: it holds a user",
		"lan: {broker: 'mqtt://a:1', ca: x}":                            "lan.ca: the roots to trust need TLS",
		"lan: {broker: 'mqtt://a:1', certificate: x, private_key: y}":   "lan.certificate: a certificate needs TLS",
		"lan: {broker: 'mqtt://a:1', users: {a: {password: hushhush}}}": "lan.users: users are of the own broker",
		"lan: {broker: 'mqtt://a:1', password: hush}":                   "lan.user: missing",
		"lan: {broker: 'mqtt://a:1', user: a, password: [hush]}":        "lan.password: want a text",
		"lan: {user: [a]}":                                              "lan.user:",
		user("{}"):                                                      "lan.users.hallway.password: missing",
		user("{password: hush}"):                                        "lan.users.hallway.password: it has 4 characters",
		user("{password: " + strings.Repeat("hush", 65) + "}"):          "lan.users.hallway.password: it has 260 characters",
		user("{password: hushhush, role: king}"):                        `lan.users.hallway.role: "king": want device or home_assistant`,
		user("{password: hushhush, sensors: ['a b']}"):                  `lan.users.hallway.sensors[0]: "a b"`,
		user("{password: hushhush, topics: ['#']}"):                     `lan.users.hallway.topics[0]: "#": it would reach`,
		user("{password: hushhush, topics: ['+/x']}"):                   `lan.users.hallway.topics[0]: "+/x": it would reach`,
		user("{password: hushhush, topics: ['porchlight/#']}"):          "lan.users.hallway.topics[0]",
		user("{password: hushhush, topics: ['clients/x']}"):             "lan.users.hallway.topics[0]",
		user("{password: hushhush, topics: ['a/#/b']}"):                 `lan.users.hallway.topics[0]: "a/#/b": want a topic filter`,
		user("{password: hushhush, topics: ['a+/b']}"):                  `lan.users.hallway.topics[0]: "a+/b": want a topic filter`,
		user("{password: hushhush, topics: ['$SYS/#']}"):                "lan.users.hallway.topics[0]",
		user("hush"): "lan.users.hallway: want a section",
		"lan: {users: {'a b': {password: hushhush}}}": `lan.users: the name "a b"`,
		"lan: hush":                                         "lan: want a section",
		sensor("{}"):                                        `sensors.door.kind: "": want one of`,
		sensor("{kind: mood}"):                              `sensors.door.kind: "mood": want one of`,
		sensor("{kind: contact, topic: 'a/+'}"):             `sensors.door.topic: "a/+": want a topic without wildcards`,
		sensor("{kind: contact, set_topic: 'a/#'}"):         "sensors.door.set_topic",
		sensor("{kind: contact, availability: '$x'}"):       "sensors.door.availability",
		sensor("{kind: contact, states: {'1': ajar}}"):      `sensors.door.states.1: state "ajar": a contact is open or closed`,
		sensor("{kind: motion, states: {'1': open}}"):       "sensors.door.states.1",
		sensor("{kind: contact, timeout: 5ms}"):             "sensors.door.timeout: 5ms",
		sensor("{kind: contact, timeout: 800h}"):            "sensors.door.timeout",
		sensor("{kind: contact, field: a.b.c.d.e.f.g.h.i}"): "sensors.door.field",
		"sensors: {'a/b': {kind: contact}}":                 `sensors: the name "a/b"`,
		"home_assistant: {enabled: true}":                   "home_assistant.enabled: Home Assistant is reached by MQTT: set lan.listen",
		"home_assistant: {prefix: ''}":                      "home_assistant.prefix",
		"home_assistant: {prefix: 'a/#'}":                   "home_assistant.prefix",
		"home_assistant: {prefix: porchlight}":              "home_assistant.prefix: \"porchlight\": these topics are Porchlight's own",
	} {
		_, err := config.Parse([]byte(good + edit + "\n"))
		require.ErrorIs(t, err, config.ErrInvalid, edit)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hush")
	}
}
