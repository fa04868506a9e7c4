package config

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// LAN is MQTT on the local network: a broker of the component's own, or
// someone else's that it connects to.
type LAN struct {
	Listen      string             `config:"listen"`      // host:port of the own broker; empty: none
	Certificate string             `config:"certificate"` // PEM file: the own broker speaks TLS
	PrivateKey  string             `config:"private_key"` // PEM file
	CA          string             `config:"ca"`          // PEM file: own broker: clients with a certificate of it need no password; else: the roots to trust
	Users       map[string]LANUser `config:"users"`       // of the own broker, by name
	Broker      string             `config:"broker"`      // mqtt:// or mqtts:// URL of someone else's broker; empty: none
	User        string             `config:"user"`        // for it
	Password    string             `config:"password" secret:"true"`
}

// LANUser may connect to the component's own broker.
type LANUser struct {
	Password string   `config:"password" secret:"true"` // empty: only with a certificate
	Role     string   `config:"role"`                   // device or home_assistant
	Sensors  []string `config:"sensors"`                // whose sensors' messages it sends; empty: the one of its own name
	Topics   []string `config:"topics"`                 // further topic filters it may publish and subscribe to
}

// The roles of users.
const (
	RoleDevice        = "device"
	RoleHomeAssistant = "home_assistant"
)

func (u *LANUser) setDefaults() { u.Role = RoleDevice }

// Bounds of the users.
const (
	mostUsers      = 64
	mostTopics     = 32
	leastPassword  = 8
	mostPassword   = 256
	mostTopicBytes = 256
)

// validate never shows a password.
func (l LAN) validate(path string) error {
	if l.Listen != "" && l.Broker != "" {
		return bad(path, "listen and broker: want one of them, a broker of its own or someone else's")
	}
	if (l.Certificate == "") != (l.PrivateKey == "") {
		return bad(path, "certificate and private_key go together: name both or neither")
	}
	return first(
		func() error { return l.validateUsers(join(path, "users")) },
		func() error { return l.validateListen(path) },
		func() error { return l.validateBroker(path) },
	)
}

func (l LAN) validateListen(path string) error {
	if l.Listen == "" {
		return nil
	}
	at := join(path, "listen")
	host, port, err := net.SplitHostPort(l.Listen)
	if n, no := strconv.ParseUint(port, 10, 16); err != nil || no != nil || n == 0 {
		return bad(at, "%q: want host:port, like 127.0.0.1:1883 or :8883 for every network", brief(l.Listen))
	}
	if l.CA != "" && l.Certificate == "" {
		return bad(join(path, "ca"), "certificates of clients need TLS: name certificate and private_key too")
	}
	if len(l.Users) == 0 && !loopback(host) {
		return bad(at, "%q can be reached from other machines: name users who may connect, or listen on 127.0.0.1", brief(l.Listen))
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l LAN) validateUsers(path string) error {
	if len(l.Users) > mostUsers {
		return bad(path, "%d users: want at most %d", len(l.Users), mostUsers)
	}
	for _, name := range sortedKeys(l.Users) {
		at := join(path, name)
		if !nameOfOurs(name) {
			return bad(path, "the name %q: want 1 to 64 of A-Z a-z 0-9 _ -", brief(name))
		}
		if err := l.Users[name].validate(at, l.CA != ""); err != nil {
			return err
		}
	}
	return nil
}

func (u LANUser) validate(path string, certificates bool) error {
	switch n := len(u.Password); {
	case n == 0 && certificates:
	case n == 0:
		return bad(join(path, "password"), "missing: want %d to %d characters, or the ca of the user's certificate", leastPassword, mostPassword)
	case n < leastPassword || n > mostPassword:
		return bad(join(path, "password"), "it has %d characters: want %d to %d, like `openssl rand -hex 16` makes", n, leastPassword, mostPassword)
	}
	if u.Role != RoleDevice && u.Role != RoleHomeAssistant {
		return bad(join(path, "role"), "%q: want %s or %s", brief(u.Role), RoleDevice, RoleHomeAssistant)
	}
	if len(u.Sensors) > mostTopics || len(u.Topics) > mostTopics {
		return bad(path, "%d sensors and %d topics: want at most %d of each", len(u.Sensors), len(u.Topics), mostTopics)
	}
	for i, sensor := range u.Sensors {
		if !nameOfOurs(sensor) {
			return bad(join(path, "sensors["+strconv.Itoa(i)+"]"), "%q: want the name of a sensor, 1 to 64 of A-Z a-z 0-9 _ -", brief(sensor))
		}
	}
	for i, filter := range u.Topics {
		at := join(path, "topics["+strconv.Itoa(i)+"]")
		if !validFilter(filter) {
			return bad(at, "%q: want a topic filter, like zigbee2mqtt/#", brief(filter))
		}
		if level, _, _ := strings.Cut(filter, "/"); slices.Contains([]string{"+", "#", "porchlight", "clients"}, level) {
			return bad(at, "%q: it would reach the topics of Porchlight itself: begin it with another level, like zigbee2mqtt/#", brief(filter))
		}
	}
	return nil
}

func (l LAN) validateBroker(path string) error {
	if l.Broker == "" {
		return nil
	}
	at := join(path, "broker")
	u, err := url.Parse(l.Broker)
	switch {
	case err != nil:
		return bad(at, "want an address like mqtt://192.168.1.9:1883 or mqtts://broker.home:8883")
	case u.User != nil:
		return bad(at, "it holds a user: write user and password beside it, for addresses end in logs")
	case u.Scheme != "mqtt" && u.Scheme != "mqtts", u.Hostname() == "", u.Port() == "", u.Path != "" && u.Path != "/", u.RawQuery != "":
		return bad(at, "%q: want an address like mqtt://192.168.1.9:1883 or mqtts://broker.home:8883", brief(l.Broker))
	case l.CA != "" && u.Scheme != "mqtts":
		return bad(join(path, "ca"), "the roots to trust need TLS: write mqtts:// in broker")
	case l.Certificate != "" && u.Scheme != "mqtts":
		return bad(join(path, "certificate"), "a certificate needs TLS: write mqtts:// in broker")
	case len(l.Users) > 0:
		return bad(join(path, "users"), "users are of the own broker: someone else's has its own")
	case l.Password != "" && l.User == "":
		return bad(join(path, "user"), "missing: a password is a user's")
	}
	return nil
}

// nameOfOurs is the form of the names of cameras, sensors and users.
func nameOfOurs(s string) bool { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`).MatchString(s) }

// validTopic takes what can be published on by a client: MQTT 5.0, 4.7.
func validTopic(s string) bool {
	return s != "" && len(s) <= mostTopicBytes && !strings.ContainsAny(s, "+#\x00") && !strings.HasPrefix(s, "$")
}

// validFilter takes a topic, or one with wildcards that stand for whole levels.
func validFilter(s string) bool {
	levels := strings.Split(s, "/")
	for i, level := range levels {
		if level == "+" || level == "#" && i == len(levels)-1 {
			levels[i] = "x"
		}
	}
	return validTopic(strings.Join(levels, "/")) && len(s) <= mostTopicBytes
}
