package producer

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"porchlight/internal/media"
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
		"503 and 429 and a closed door": func(s *service) {
			s.onBegin = once(func(m *moment) error { m.settle(); return errCut })
			s.onRequest = func(m *moment) bool {
				switch m.connection {
				case 2:
					return m.reject(http.StatusServiceUnavailable, "")
				case 3:
					return m.reject(http.StatusTooManyRequests, "")
				case 4:
					return m.reject(http.StatusBadRequest, "ConnectionLimitExceededException")
				case 5:
					cut(m.r)
				}
				return false
			}
		},
		"400, 403, 404, 409": func(s *service) {
			s.onRequest = func(m *moment) bool {
				switch m.connection {
				case 1:
					return m.reject(http.StatusBadRequest, "InvalidArgumentException:http://x")
				case 2, 3:
					return m.reject(http.StatusForbidden, "AccessDeniedException")
				case 4:
					return m.reject(http.StatusNotFound, "ResourceNotFoundException")
				case 5:
					return m.reject(http.StatusConflict, "")
				}
				return false
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

// TestStalls: a service that stops reading, and one that reads and says
// nothing, are left.
func TestStalls(t *testing.T) {
	for name, script := range map[string]func(s *service, over <-chan struct{}){
		"stops reading": func(s *service, over <-chan struct{}) {
			s.onBlock = func(m *moment, n int) error {
				if m.connection == 1 && m.fragment == 3 {
					<-over
					return errCut
				}
				return nil
			}
		},
		"says nothing": func(s *service, over <-chan struct{}) {
			s.onBegin = func(m *moment) error {
				if m.connection == 1 && m.fragment == 3 {
					m.settle()
					m.ack = func(string, int64, string) {}
				}
				return nil
			}
			s.onEnd = func(m *moment) (bool, error) { return m.connection == 1 && m.fragment >= 3, nil }
		},
		"never persists": func(s *service, _ <-chan struct{}) {
			s.onEnd = func(m *moment) (bool, error) { return m.connection == 1 && m.fragment == 3, nil }
		},
		"does not answer": func(s *service, over <-chan struct{}) {
			s.onRequest = func(m *moment) bool {
				if m.connection == 1 {
					<-over
				}
				return m.connection == 1
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *Config) { c.Timing.Stall, c.Timing.Persist = time.Second, 3*time.Second })
			over := make(chan struct{})
			t.Cleanup(func() { close(over) })
			r.service.stalls = true
			script(r.service, over)
			r.start()
			require.NoError(t, r.Begin(r.camera.always()))
			want := r.camera.gops(8)
			r.until("all", func(s Stats) bool { return s.Persisted >= 8 })
			require.Subset(t, r.starts(), want)
			require.NotZero(t, r.Stats().Retries)
		})
	}
}

// TestErrorAcks goes through every error there is.
func TestErrorAcks(t *testing.T) {
	for id, known := range refusals {
		t.Run(fmt.Sprint(id), func(t *testing.T) {
			r := newRig(t, nil)
			sound, err := media.NewAACStream([]byte{0x14, 0x08})
			require.NoError(t, err)
			if known.reaction == mute {
				r.camera.sound = sound
				r.camera.frame(false) // heard before the first keyframe
			}
			first := true
			r.service.onEnd = func(m *moment) (bool, error) {
				if !first || m.fragment != 3 {
					return false, nil
				}
				first = false
				m.settle()
				m.ack("ERROR", m.timecode, fmt.Sprintf(more, id, "X"))
				return true, errEnd
			}
			r.start()
			require.NoError(t, r.Begin(r.camera.always()))
			want := r.camera.gops(6)
			dropped := known.reaction == skip
			if dropped {
				want = append(want[:2], want[3:]...)
			}
			r.until("all", func(s Stats) bool { return s.Persisted >= int64(len(want)) })
			require.Equal(t, want, r.starts()[:len(want)])
			require.Equal(t, dropped, r.Stats().Dropped == 1)
			r.service.clean()
			if known.reaction == mute {
				require.Equal(t, 1, r.service.list()[1].tracks[2]/10)
				require.Zero(t, r.service.list()[2].tracks[2], "the sound is left out")
			}
		})
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
