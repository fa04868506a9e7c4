package config

import "time"

// Live says how a camera is watched as it happens, over WebRTC.
type Live struct {
	Enabled      bool          `config:"enabled"`
	Viewers      int           `config:"viewers"`       // at a time
	PlayoutDelay time.Duration `config:"playout_delay"` // pictures are shown so much later; 0: as each viewer's link needs
}

// mostViewers bounds who watches one camera: a signaling channel takes 10
// viewers unless the account's limit is raised.
const mostViewers = 50

func liveDefaults() Live { return Live{Enabled: true, Viewers: 10} }

func (l Live) validate(path string) error {
	switch {
	case l.Viewers < 1 || l.Viewers > mostViewers:
		return bad(join(path, "viewers"), "%d: want 1 to %d", l.Viewers, mostViewers)
	case l.PlayoutDelay < 0 || l.PlayoutDelay > 10*time.Second:
		return bad(join(path, "playout_delay"), "%v: want 0s to 10s", l.PlayoutDelay)
	}
	return nil
}
