package live

import (
	"time"

	"github.com/pion/rtcp"
)

// heed takes in what the viewer reports.
func (v *viewer) heed(packets []rtcp.Packet, now time.Time) error {
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.TransportLayerCC:
			v.link.feedback(p, now)
			if v.link.watched {
				v.stats.keyArrived()
			}
		case *rtcp.TransportLayerNack:
			if err := v.resend(p, now); err != nil {
				return err
			}
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			v.stats.pictureLost()
			v.repair(now)
		case *rtcp.ReceiverReport:
			for _, r := range p.Reports {
				v.report(r, now)
			}
		case *rtcp.SenderReport: // of a viewer that sends sound
			for _, r := range p.Reports {
				v.report(r, now)
			}
		case *rtcp.ReceiverEstimatedMaximumBitrate:
			v.link.remb = float64(p.Bitrate)
		}
	}
	return nil
}

// resend sends again what the viewer misses, as far as it is still there.
func (v *viewer) resend(nack *rtcp.TransportLayerNack, now time.Time) error {
	if nack.MediaSSRC != v.track.ssrc {
		return nil
	}
	var failed error
	for i := range nack.Nacks {
		nack.Nacks[i].Range(func(sequence uint16) bool {
			p, ok := v.track.sent.again(sequence, now)
			if !ok {
				return true
			}
			v.stats.resent()
			failed = v.track.packet(p)
			return failed == nil
		})
	}
	return failed
}

// report takes in a receiver report (RFC 3550, 6.4.1).
func (v *viewer) report(r rtcp.ReceptionReport, now time.Time) {
	if r.SSRC != v.track.ssrc {
		return
	}
	if r.LastSenderReport != 0 {
		if trip := ntpShort(now) - r.LastSenderReport - r.Delay; trip < 10<<16 { // no more than 10 s
			v.link.rtt = time.Duration(trip) * time.Second >> 16
		}
	}
	v.stats.reported(r)
	if !v.track.transport {
		v.link.reported(float64(r.FractionLost) / 256)
	}
}

// ntpShort is the middle 32 bits of an NTP time (RFC 3550, section 4).
func ntpShort(t time.Time) uint32 {
	const since1900 = 2208988800
	seconds, nanos := uint64(t.Unix()+since1900), uint64(t.Nanosecond())
	return uint32(seconds<<16 | nanos<<16/1_000_000_000)
}
