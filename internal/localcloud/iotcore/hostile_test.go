package iotcore_test

import (
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func field(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func packet311(header byte, body []byte) []byte {
	return append([]byte{header, byte(len(body))}, body...)
}

// connect311 is a CONNECT of MQTT 3.1.1 with a clean session.
func connect311(id string) []byte {
	body := append(field("MQTT"), 4, 2, 0, 30)
	return packet311(0x10, append(body, field(id)...))
}

func publish311(topic, payload string, id uint16) []byte {
	body := binary.BigEndian.AppendUint16(field(topic), id)
	return packet311(0x32, append(body, payload...))
}

// FuzzPackets sends what no client would, before and after a good CONNECT, and
// then asks whether the broker still serves an ordinary client.
func FuzzPackets(f *testing.F) {
	core := start(f, config(f, newActions()))
	files := register(f, core, "front")
	back := register(f, core, "back")
	publish := publish311(eventsOf, `{}`, 1)
	f.Add(true, publish)
	f.Add(true, publish[:len(publish)-9])
	f.Add(false, publish)
	f.Add(false, connect311("front")[:7])
	f.Add(true, connect311("front"))
	f.Add(true, []byte{0x30, 0})
	f.Add(true, []byte{0x3d, 5, 0, 1, 'a', 0, 0})
	f.Add(true, []byte{0x82, 3, 0, 1, 0})
	f.Add(true, packet311(0x82, append([]byte{0, 1}, append(field("$share/#/+"), 2)...)))
	f.Add(true, []byte{0x40, 2, 0, 1, 0x50, 2, 0, 1, 0x62, 2, 0, 1, 0x70, 2, 0, 1, 0xc0, 0, 0xf0, 0})
	f.Add(true, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add(false, append([]byte{0x10, 0xff, 0xff, 0xff, 0x7f}, field("MQTT")...))
	f.Add(false, []byte{0x10, 24, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 30, 5, 0x11, 0xff, 0xff, 0xff, 0xff, 0, 5, 'f', 'r', 'o', 'n', 't', 0})
	f.Fuzz(func(t *testing.T, connected bool, data []byte) {
		conn := raw(t, core, files)
		require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
		if connected {
			data = append(connect311("front"), data...)
		}
		_, _ = conn.Write(append(data, 0xe0, 0)) // DISCONNECT ends what is well-formed
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		_, err := io.Copy(io.Discard, conn)
		if err != nil { // reset is fine, hanging is not
			require.NotContains(t, err.Error(), "timeout")
		}
		conn.Close()
		other := connect(t, core, back, "back")
		_, err = other.publish("porchlight/v1/back/note", `{}`, 1)
		require.NoError(t, err)
	})
}

// BenchmarkPublish measures publish → PUBACK with an action that does nothing,
// over one mTLS connection.
func BenchmarkPublish(b *testing.B) {
	a := newActions()
	a.arrived = make(chan sent, b.N+1)
	core := start(b, config(b, a))
	c := connect(b, core, register(b, core, "front"), "front")
	const payload = `{"event_id":"01HF0000000000000000000000","sequence":1,"state":"started","camera":"front.door","labels":{"person":0.91},"score":0.91,"box":[0.1,0.2,0.3,0.4]}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.publish(eventsOf, payload, 1); err != nil {
			b.Fatal(err)
		}
		<-a.arrived
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}
