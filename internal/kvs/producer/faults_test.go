package producer

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const more = `,"ErrorId":%d,"ErrorCode":"%s"`

// TestFaults has the service misbehave around the fourth of ten fragments. In
// the end all are stored, in order, and none that was persisted came twice.
func TestFaults(t *testing.T) {
	once := func(act func(m *moment) error) func(m *moment) error {
		done := false
		return func(m *moment) error {
			if done || m.fragment < 4 {
				return nil
			}
			done = true
			return act(m)
		}
	}
	var late []*received
	for name, script := range map[string]func(s *service){
		"cut between fragments": func(s *service) {
			s.onBegin = once(func(m *moment) error { m.settle(); return errCut })
		},
		"cut in mid-fragment": func(s *service) {
			cut := once(func(m *moment) error { m.settle(); return errCut })
			s.onBlock = func(m *moment, n int) error {
				if n < 5 {
					return nil
				}
				return cut(m)
			}
		},
		"cut before the last is acknowledged": func(s *service) {
			s.onEnd = func(m *moment) (bool, error) {
				if m.fragment == 4 {
					m.settle()
					return true, errCut
				}
				return false, nil
			}
		},
		"cut after received": func(s *service) {
			s.onEnd = func(m *moment) (bool, error) {
				if m.fragment == 4 {
					m.settle()
					m.ack("RECEIVED", m.timecode, "")
					return true, errCut
				}
				return false, nil
			}
		},
		"an orderly end": func(s *service) {
			s.onBegin = once(func(m *moment) error { m.settle(); return errEnd })
		},
		"late": func(s *service) {
			s.onEnd = func(m *moment) (bool, error) {
				if m.fragment < 4 {
					return false, nil
				}
				late = append(late, m.received)
				if len(late) >= 3 || m.fragment == 10 {
					for _, f := range late {
						m.persist(f)
					}
					late = nil
				}
				return true, nil
			}
		},
		"out of order, then cut": func(s *service) {
			s.onEnd = func(m *moment) (bool, error) {
				switch m.fragment {
				case 4: // never
					return true, nil
				case 5:
					m.persist(m.received)
					m.settle()
					return true, errCut
				}
				return false, nil
			}
		},
		"dribbled, wrapped and among noise": func(s *service) {
			s.onEnd = func(m *moment) (bool, error) {
				s.mu.Lock()
				s.persisted = append(s.persisted, m.received)
				s.told[m.timecode] = true
				s.mu.Unlock()
				text := fmt.Sprintf(`  {"x":{"Acknowledgement":1}}`+"\n"+`{"Acknowledgement":{"EventType":"Persisted","FragmentTimecode":"%d","FragmentNumber":91343852333181432392682062607743920884265455104,"Note":"}\"{"}}`, m.timecode)
				for i := range text {
					_, _ = io.WriteString(m.w, text[i:i+1])
					_ = http.NewResponseController(m.w).Flush()
				}
				return true, nil
			}
		},
		"doubled": func(s *service) {
			s.onEnd = func(m *moment) (bool, error) {
				m.persist(m.received)
				m.ack("PERSISTED", m.timecode, "")
				m.ack("RECEIVED", m.timecode, "")
				m.ack("PERSISTED", m.timecode-1, "")
				m.ack("IDLE", 0, "")
				m.ack("SOMETHING", m.timecode, "")
				return true, nil
			}
		},
		"fragments refused for no fault of theirs": func(s *service) {
			s.onBegin = once(func(m *moment) error {
				m.settle()
				m.ack("ERROR", m.timecode, fmt.Sprintf(more, 5000, "INTERNAL_ERROR"))
				return errEnd
			})
		},
		"the connection's age": func(s *service) {
			s.onBegin = once(func(m *moment) error {
				m.settle()
				_, _ = io.WriteString(m.w, `{"EventType":"ERROR","ErrorId":4003,"ErrorCode":"MAX_CONNECTION_DURATION_REACHED"}`)
				return errEnd
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			late = nil
			r := newRig(t, nil)
			script(r.service)
			r.start()
			require.NoError(t, r.Begin(r.camera.always()))
			want := r.camera.gops(5)
			r.until("the first half", func(s Stats) bool { return s.Sent >= 3 })
			want = append(want, r.camera.gops(5)...)
			r.until("all", func(s Stats) bool { return s.Persisted >= 10 })
			r.service.clean()
			got := make(map[int64]bool)
			last := make(map[int]int64)
			for _, f := range r.service.list() {
				require.False(t, got[f.timecode], "stored twice")
				got[f.timecode] = true
				require.Less(t, last[f.connection], f.timecode)
				last[f.connection] = f.timecode
			}
			for _, w := range want {
				require.True(t, got[w], "fragment %d is missing of %v", w, r.starts())
			}
			require.Zero(t, r.Stats().Lost+r.Stats().Dropped)
		})
	}
}

// TestStallIsNoticed computes when, with the durations that are in use: at
// most five seconds after nothing moves any more.
func TestStallIsNoticed(t *testing.T) {
	const noticed = 5 * time.Second
	for name, stall := range map[string]func(p *Producer, c *connection, at time.Time){
		"no answer": func(_ *Producer, c *connection, _ time.Time) { c.answer = make(chan struct{}) },
		"stops reading": func(_ *Producer, c *connection, at time.Time) {
			c.writing.Store(at.UnixNano())
		},
		"no word about a fragment": func(p *Producer, c *connection, at time.Time) {
			p.ledger = append(p.ledger, &fragment{gops: []place{{}}, on: c.id, begun: at})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := New(Config{Log: discard()})
			at := time.Now()
			c := &connection{id: 1, opened: at, answer: make(chan struct{})}
			close(c.answer)
			stall(p, c, at)
			require.NoError(t, p.stalled(c, at.Add(p.timing.Stall)))
			step := p.timing.Stall / guardSteps
			require.ErrorIs(t, p.stalled(c, at.Add(noticed-step)), ErrStalled)
		})
	}
}

// TestSlowLink: the second time there is more patience.
func TestSlowLink(t *testing.T) {
	p := New(Config{Log: discard()})
	at := time.Now()
	for _, seconds := range []int64{4, 8, 16, 30, 30} {
		want := time.Duration(seconds) * time.Second
		require.Equal(t, want, p.patience)
		c := &connection{opened: at, answer: make(chan struct{})}
		require.NoError(t, p.stalled(c, at.Add(want)))
		require.ErrorIs(t, p.stalled(c, at.Add(2*want)), ErrStalled)
	}
}

// TestPoison: a fragment that the service fails on again and again is given up.
func TestPoison(t *testing.T) {
	r := newRig(t, nil)
	want := r.camera.gops(5)
	bad := want[2]
	r.service.onBegin = func(m *moment) error {
		if m.timecode != bad {
			return nil
		}
		m.settle()
		m.ack("ERROR", m.timecode, fmt.Sprintf(more, 5001, "ARCHIVAL_ERROR"))
		return errEnd
	}
	r.start()
	require.NoError(t, r.Begin(r.camera.always()))
	r.until("the others", func(s Stats) bool { return s.Persisted == 4 })
	require.Equal(t, []int64{want[0], want[1], want[3], want[4]}, r.starts())
	require.EqualValues(t, 1, r.Stats().Dropped)
	r.service.clean()
}
