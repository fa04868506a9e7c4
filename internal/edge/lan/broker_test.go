package lan_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
	"porchlight/internal/edge/lan"
)

const (
	pub = "mosquitto_pub"
	sub = "mosquitto_sub"
)

func TestOnLoopbackEveryoneMay(t *testing.T) {
	b, address, _ := serve(t, config.LAN{})
	heard, _ := listen(t, b, "#")
	for _, args := range [][]string{{"-V", "311"}, {"-V", "5"}, {"-V", "31"}, {"-q", "2"}} {
		out, err := tool(t, pub, address, append(args, "-q", "1", "-t", "any/topic", "-m", "hello")...)
		require.NoError(t, err, out)
		require.Equal(t, got{"any/topic", "hello"}, await(t, heard))
	}
	require.NoError(t, b.Publish(t.Context(), "kept", []byte("for later"), true))
	out, err := tool(t, sub, address, "-t", "kept", "-C", "1")
	require.NoError(t, err, out)
	require.Equal(t, "for later\n", out)
	require.Error(t, b.Publish(t.Context(), "a/+", nil, false), "no topic")
}

func TestRetainedMessagesReachOwnSubscribers(t *testing.T) {
	b, address, _ := serve(t, config.LAN{})
	out, err := tool(t, pub, address, "-t", "a/b", "-r", "-q", "1", "-m", "kept")
	require.NoError(t, err, out)
	heard, _ := listen(t, b, "a/+")
	require.Equal(t, got{"a/b", "kept"}, await(t, heard))
}

func TestBeyondLoopbackUsersAreNeeded(t *testing.T) {
	logger, log := newLog(t)
	b, err := lan.NewBroker(lan.BrokerConfig{Thing: "home", LAN: config.LAN{Listen: "0.0.0.0:0"}, Prefix: "homeassistant", Log: logger})
	require.NoError(t, err)
	run(t, b.Run)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), lan.ErrExposed.Error()) }, patience, 10*time.Millisecond)
}

func as(user, password string, args ...string) []string {
	return append([]string{"-u", user, "-P", password, "-q", "1"}, args...)
}

func TestPasswordsAndRights(t *testing.T) {
	b, address, _ := serve(t, config.LAN{Users: users()})
	heard, _ := listen(t, b, "#")
	hallway := func(args ...string) []string { return as("hallway", hallwayPassword, args...) }
	kitchen := func(args ...string) []string { return as("kitchen", kitchenPassword, args...) }
	hass := func(args ...string) []string { return as("hass", hassPassword, args...) }
	for name, tt := range map[string]struct {
		args []string
		ok   bool
	}{
		"own sensor":                    {hallway("-t", "porchlight/v1/home/sensors/door"), true},
		"own sensor, mqtt 5":            {hallway("-t", "porchlight/v1/home/sensors/stairs", "-V", "5"), true},
		"sensor of its name":            {kitchen("-t", "porchlight/v1/home/sensors/kitchen"), true},
		"pictures":                      {hallway("-t", "clients/hallway"), true},
		"topics of another system":      {kitchen("-t", "zigbee2mqtt/lamp/set"), true},
		"other device's sensor":         {hallway("-t", "porchlight/v1/home/sensors/kitchen"), false},
		"other device's pictures":       {hallway("-t", "clients/kitchen"), false},
		"other thing":                   {hallway("-t", "porchlight/v1/away/sensors/door"), false},
		"another system":                {hallway("-t", "zigbee2mqtt/lamp/set"), false},
		"a sensor's update":             {hallway("-t", "porchlight/v1/home/sensors/door/set"), false},
		"events":                        {kitchen("-t", "porchlight/v1/home/events"), false},
		"broker's own":                  {kitchen("-t", "$SYS/broker/uptime"), false},
		"will elsewhere":                {hallway("-t", "clients/hallway", "--will-topic", "clients/kitchen", "--will-payload", "x"), false},
		"own will":                      {hallway("-t", "clients/hallway", "--will-topic", "clients/hallway", "--will-payload", "x"), true},
		"home assistant's birth":        {hass("-t", "homeassistant/status"), true},
		"home assistant's command":      {hass("-t", "porchlight/v1/home/homeassistant/porchlight_home_camera_a/privacy/set"), true},
		"home assistant to a sensor":    {hass("-t", "porchlight/v1/home/sensors/door/set"), true},
		"home assistant as a sensor":    {hass("-t", "porchlight/v1/home/sensors/door"), false},
		"home assistant announces":      {hass("-t", "homeassistant/device/x/config"), false},
		"wrong password":                {as("hallway", "hallway-hash", "-t", "clients/hallway"), false},
		"other user's password":         {as("hallway", kitchenPassword, "-t", "clients/hallway"), false},
		"unknown user":                  {as("cellar", hallwayPassword, "-t", "clients/cellar"), false},
		"user without password":         {[]string{"-u", "hallway", "-q", "1", "-t", "clients/hallway"}, false},
		"nobody":                        {[]string{"-q", "1", "-t", "clients/hallway"}, false},
		"wrong password, mqtt 5":        {as("hallway", "hallway-hash", "-t", "clients/hallway", "-V", "5"), false},
		"a wildcard in place of a name": {hallway("-t", "porchlight/v1/home/sensors/+"), false},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := tool(t, pub, address, append(tt.args, "-m", name)...)
			if tt.ok {
				require.NoError(t, err, out)
				require.Equal(t, name, await(t, heard).payload)
			} else {
				require.Error(t, err, out)
			}
		})
	}
	require.Empty(t, heard, "what was refused went nowhere")
}

func TestWhoMayHearWhat(t *testing.T) {
	b, address, _ := serve(t, config.LAN{Users: users()})
	for _, topic := range []string{
		"porchlight/v1/home/sensors/door/set", "porchlight/v1/home/sensors/kitchen/set", "porchlight/v1/home/homeassistant/x/state",
		"homeassistant/device/x/config", "zigbee2mqtt/lamp", "clients/hallway",
	} {
		require.NoError(t, b.Publish(t.Context(), topic, []byte("secret of the house"), true))
	}
	for _, tt := range []struct {
		user, password, filter string
		ok                     bool
	}{
		{"hallway", hallwayPassword, "porchlight/v1/home/sensors/door/set", true},
		{"hallway", hallwayPassword, "porchlight/v1/home/sensors/kitchen/set", false},
		{"hallway", hallwayPassword, "porchlight/v1/home/sensors/+/set", false},
		{"hallway", hallwayPassword, "#", false},
		{"hallway", hallwayPassword, "clients/+", false},
		{"hallway", hallwayPassword, "homeassistant/device/x/config", false},
		{"hallway", hallwayPassword, "$SYS/#", false},
		{"hallway", hallwayPassword, "$share/g/porchlight/v1/home/sensors/door/set", false},
		{"kitchen", kitchenPassword, "zigbee2mqtt/#", true},
		{"hass", hassPassword, "homeassistant/#", true},
		{"hass", hassPassword, "porchlight/#", true},
		{"hass", hassPassword, "clients/+", false},
		{"hass", hassPassword, "#", false},
	} {
		out, _ := tool(t, sub, address, "-u", tt.user, "-P", tt.password, "-t", tt.filter, "-C", "1", "-W", "20")
		if tt.ok {
			require.Equal(t, "secret of the house\n", out, "%s: %s", tt.user, tt.filter)
		} else {
			require.Contains(t, out, "denied", "%s: %s", tt.user, tt.filter)
			require.NotContains(t, out, "secret")
		}
	}
}

func TestTLS(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	a.server(t)
	a.client(t, "cellar")
	a.client(t, "attic")
	stranger.client(t, "cellar")
	known := users()
	known["cellar"] = config.LANUser{Role: config.RoleDevice} // without a password
	b, address, log := serve(t, config.LAN{
		Users: known, Certificate: a.file("broker.pem"), PrivateKey: a.file("broker.key"), CA: a.file("ca.pem"),
	})
	heard, _ := listen(t, b, "#")
	trust := []string{"-q", "1", "--cafile", a.file("ca.pem")}
	with := func(by *authority, name string) []string {
		return append([]string{"--cert", by.file(name + ".pem"), "--key", by.file(name + ".key")}, trust...)
	}
	for name, tt := range map[string]struct {
		args []string
		ok   bool
	}{
		"password":                       {append(as("hallway", hallwayPassword), trust...), true},
		"wrong password":                 {append(as("hallway", "hallway-hash"), trust...), false},
		"certificate":                    {append(with(a, "cellar"), "-t", "clients/cellar"), true},
		"certificate, and says who":      {append(with(a, "cellar"), "-u", "cellar", "-t", "clients/cellar"), true},
		"certificate, says another":      {append(with(a, "cellar"), as("hallway", hallwayPassword)...), false},
		"certificate of no user":         {append(with(a, "attic"), "-t", "clients/attic"), false},
		"certificate by a stranger":      {append(with(stranger, "cellar"), "-t", "clients/cellar"), false},
		"no certificate and no password": {append(trust, "-u", "cellar", "-t", "clients/cellar"), false},
		"empty password":                 {append(trust, "-u", "cellar", "-P", "", "-t", "clients/cellar"), false},
		"no tls":                         {as("hallway", hallwayPassword), false},
	} {
		t.Run(name, func(t *testing.T) {
			args := tt.args
			if !strings.Contains(strings.Join(args, " "), "-t ") {
				args = append(args, "-t", "clients/hallway")
			}
			out, err := tool(t, pub, address, append(args, "-m", name)...)
			if tt.ok {
				require.NoError(t, err, out)
				require.Equal(t, name, await(t, heard).payload)
			} else {
				require.Error(t, err, out)
			}
		})
	}
	require.Empty(t, heard)
	require.NotContains(t, log.String(), "in the clear")
}

func TestAFaultyListenerIsTriedAgain(t *testing.T) {
	a := newAuthority(t)
	logger, log := newLog(t)
	listening := make(chan string, 1)
	b, err := lan.NewBroker(lan.BrokerConfig{
		Thing: "home", Prefix: "homeassistant", Log: logger, OnListen: func(a string) { listening <- a },
		LAN: config.LAN{Listen: "127.0.0.1:0", Certificate: a.file("broker.pem"), PrivateKey: a.file("broker.key"), CA: a.file("ca.pem")},
	})
	require.NoError(t, err)
	run(t, b.Run)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "will try again") }, patience, 10*time.Millisecond)
	heard, _ := listen(t, b, "a") // meanwhile it works within
	require.NoError(t, b.Publish(t.Context(), "a", []byte("b"), false))
	require.Equal(t, got{"a", "b"}, await(t, heard))
	a.server(t)
	await(t, listening)
}

func TestPublishEndsWithItsContext(t *testing.T) {
	b, _, _ := serve(t, config.LAN{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.Publish(ctx, "a", nil, false), context.Canceled)
}
