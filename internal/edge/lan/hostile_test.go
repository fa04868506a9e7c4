package lan_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
)

// packet builds an MQTT packet of a type and flags.
func packet(first byte, body ...[]byte) []byte {
	all := bytes.Join(body, nil)
	out := []byte{first}
	for n := len(all); ; {
		digit := byte(n % 128)
		if n /= 128; n == 0 {
			out = append(out, digit)
			break
		}
		out = append(out, digit|0x80)
	}
	return append(out, all...)
}

func text(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }

// connect311 is the CONNECT of MQTT 3.1.1 with a clean session.
func connect311(id, user, password string) []byte {
	flags := byte(2)
	body := [][]byte{text("MQTT"), {4, 0}, {0, 60}, text(id)}
	if user != "" {
		flags |= 0xc0
		body = append(body, text(user), text(password))
	}
	body[1][1] = flags
	return packet(0x10, body...)
}

func publish311(topic, payload string) []byte { return packet(0x30, text(topic), []byte(payload)) }

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

// enter connects and wants to be let in.
func enter(t *testing.T, address, id, user, password string) net.Conn {
	t.Helper()
	conn := dial(t, address)
	_, err := conn.Write(connect311(id, user, password))
	require.NoError(t, err)
	answer := make([]byte, 4)
	_, err = io.ReadFull(conn, answer)
	require.NoError(t, err)
	require.Equal(t, []byte{0x20, 2, 0, 0}, answer)
	return conn
}

// cut wants the connection to be ended by the broker.
func cut(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, conn)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the connection goes on")
}

func TestTooLarge(t *testing.T) {
	b, address, _ := serve(t, config.LAN{Users: users()})
	heard, _ := listen(t, b, "#")
	for name, send := range map[string][]byte{
		"message on a sensor's topic": publish311("porchlight/v1/home/sensors/door", strings.Repeat("x", 16<<10+1)),
		"picture":                     publish311("clients/hallway", strings.Repeat("x", 1<<20+1)),
		"topic":                       publish311("clients/hallway"+strings.Repeat("/", 300), "x"),
		"announced":                   {0x30, 0xff, 0xff, 0xff, 0x7f},
		"subscription":                packet(0x82, append([][]byte{{0, 1}}, many(text("porchlight/v1/home/sensors/door/set"), []byte{1}, 65)...)...),
	} {
		t.Run(name, func(t *testing.T) {
			conn := enter(t, address, "big", "hallway", hallwayPassword)
			_, _ = conn.Write(send)
			cut(t, conn)
		})
	}
	t.Run("before it is known", func(t *testing.T) {
		conn := dial(t, address)
		_, _ = conn.Write([]byte{0x10, 0x80, 0x80, 0x02})
		cut(t, conn)
	})
	require.Empty(t, heard)

	t.Run("a picture that fits", func(t *testing.T) {
		conn := enter(t, address, "big", "hallway", hallwayPassword)
		_, err := conn.Write(publish311("clients/hallway", strings.Repeat("x", 1<<20)))
		require.NoError(t, err)
		require.Len(t, await(t, heard).payload, 1<<20)
	})
	t.Run("another system's list that fits", func(t *testing.T) {
		conn := enter(t, address, "big", "kitchen", kitchenPassword)
		_, err := conn.Write(publish311("zigbee2mqtt/bridge/devices", strings.Repeat("x", 200<<10)))
		require.NoError(t, err)
		require.Len(t, await(t, heard).payload, 200<<10)
	})
}

func many(filter, options []byte, n int) (list [][]byte) {
	for range n {
		list = append(list, filter, options)
	}
	return list
}

// What one client sends, in whatever form, is no other's concern.
func TestGarbageHarmsNobodyElse(t *testing.T) {
	b, address, _ := serve(t, config.LAN{Users: users()})
	heard, _ := listen(t, b, "clients/+")
	good := enter(t, address, "good", "kitchen", kitchenPassword)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		var conn net.Conn
		if i%2 == 0 {
			conn = dial(t, address)
		} else {
			conn = dial(t, address) // in one go: it need not be let in
			_, _ = conn.Write(connect311("evil", "hallway", hallwayPassword))
		}
		garbage := make([]byte, random.IntN(300))
		for j := range garbage {
			garbage[j] = byte(random.Uint32())
		}
		if len(garbage) > 1 { // a type that exists, and a length that may be right
			garbage[0], garbage[1] = byte(1+random.IntN(15))<<4|byte(random.IntN(16)), byte(random.IntN(128))
		}
		_, _ = conn.Write(garbage)
		conn.Close()
	}
	_, err := good.Write(publish311("clients/kitchen", "still here"))
	require.NoError(t, err)
	for m := await(t, heard); m != (got{"clients/kitchen", "still here"}); m = await(t, heard) {
		require.Equal(t, "clients/hallway", m.topic, "garbage may have been a message of its own")
	}
}

// A client cannot push another user's client out by its id.
func TestIDsAreOfTheirUsers(t *testing.T) {
	b, address, _ := serve(t, config.LAN{Users: users()})
	heard, _ := listen(t, b, "clients/+")
	victim := enter(t, address, "same", "kitchen", kitchenPassword)
	for _, id := range []string{"same", "kitchen:same", "inline", ""} {
		conn := enter(t, address, id, "hallway", hallwayPassword)
		_, err := conn.Write(publish311("clients/hallway", id))
		require.NoError(t, err)
		require.Equal(t, id, await(t, heard).payload)
	}
	_, err := victim.Write(publish311("clients/kitchen", "still here"))
	require.NoError(t, err)
	require.Equal(t, "still here", await(t, heard).payload)
}

func TestConnectionsOfAUserAreBounded(t *testing.T) {
	b, address, _ := serve(t, config.LAN{Users: users()})
	heard, _ := listen(t, b, "clients/+")
	var open []net.Conn
	for i := range 16 {
		open = append(open, enter(t, address, string(rune('a'+i)), "hallway", hallwayPassword))
	}
	conn := dial(t, address)
	_, err := conn.Write(connect311("one-more", "hallway", hallwayPassword))
	require.NoError(t, err)
	cut(t, conn)
	other := enter(t, address, "x", "kitchen", kitchenPassword)
	_, err = other.Write(publish311("clients/kitchen", "has room"))
	require.NoError(t, err)
	require.Equal(t, "has room", await(t, heard).payload)
	open[0].Close()
	require.Eventually(t, func() bool {
		conn := dial(t, address)
		defer conn.Close()
		answer := make([]byte, 4)
		_, err := conn.Write(connect311("one-more", "hallway", hallwayPassword))
		require.NoError(t, err)
		_, err = io.ReadFull(conn, answer)
		return err == nil && answer[3] == 0
	}, patience, 20*time.Millisecond, "there is room again")
}

// A flood is slowed down, its last message arrives, and others are heard.
func TestFlood(t *testing.T) {
	b, address, _ := serve(t, config.LAN{Users: users()})
	heard, _ := listen(t, b, "clients/+")
	flooder := enter(t, address, "flood", "hallway", hallwayPassword)
	const most = 600 // a third of them beyond what is let through at once
	sent := make(chan error, 1)
	go func() {
		_, err := flooder.Write(bytes.Repeat(publish311("clients/hallway", "x"), most))
		sent <- err
	}()
	other := enter(t, address, "x", "kitchen", kitchenPassword)
	_, err := other.Write(publish311("clients/kitchen", "me too"))
	require.NoError(t, err)
	flood, others := 0, 0
	for flood < most || others < 1 {
		if m := await(t, heard); m.topic == "clients/hallway" {
			flood++
		} else {
			others++
		}
	}
	require.NoError(t, <-sent)
}

// A last will that no rule forbids is sent when its client dies.
func TestWill(t *testing.T) {
	b, address, _ := serve(t, config.LAN{Users: users()})
	heard, _ := listen(t, b, "porchlight/#")
	conn := dial(t, address)
	_, err := conn.Write(packet(0x10, text("MQTT"), []byte{4, 0xe6}, []byte{0, 60}, text("w"),
		text("porchlight/v1/home/sensors/door"), text(`{"kind":"contact","state":"unavailable"}`), text("hallway"), text(hallwayPassword)))
	require.NoError(t, err)
	_, err = io.ReadFull(conn, make([]byte, 4))
	require.NoError(t, err)
	conn.Close()
	require.Equal(t, got{"porchlight/v1/home/sensors/door", `{"kind":"contact","state":"unavailable"}`}, await(t, heard))
	again, _ := listen(t, b, "porchlight/#")
	await(t, again) // it is retained
}
