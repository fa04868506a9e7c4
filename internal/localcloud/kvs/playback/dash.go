package playback

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"time"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/wire"
)

type mpd struct {
	XMLName    xml.Name `xml:"MPD"`
	Namespace  string   `xml:"xmlns,attr"`
	KVS        string   `xml:"xmlns:kvs,attr"`
	Profiles   string   `xml:"profiles,attr"`
	Type       string   `xml:"type,attr"`
	Available  string   `xml:"availabilityStartTime,attr,omitempty"`
	Published  string   `xml:"publishTime,attr,omitempty"`
	Update     string   `xml:"minimumUpdatePeriod,attr,omitempty"`
	Depth      string   `xml:"timeShiftBufferDepth,attr,omitempty"`
	Delay      string   `xml:"suggestedPresentationDelay,attr,omitempty"`
	Duration   string   `xml:"mediaPresentationDuration,attr,omitempty"`
	MinBuffer  string   `xml:"minBufferTime,attr"`
	MaxSegment string   `xml:"maxSegmentDuration,attr"`
	Periods    []period `xml:"Period"`
	UTCTiming  *timing
}

type timing struct {
	Scheme string `xml:"schemeIdUri,attr"`
	Value  string `xml:"value,attr"`
}

type period struct {
	ID    string       `xml:"id,attr"`
	Start string       `xml:"start,attr"`
	Sets  []adaptation `xml:"AdaptationSet"`
}

type adaptation struct {
	ContentType    string `xml:"contentType,attr"`
	MimeType       string `xml:"mimeType,attr"`
	Aligned        bool   `xml:"segmentAlignment,attr"`
	StartWithSAP   int    `xml:"startWithSAP,attr"`
	Representation representation
}

type representation struct {
	ID        string `xml:"id,attr"`
	Codecs    string `xml:"codecs,attr"`
	Bandwidth int64  `xml:"bandwidth,attr"`
	Width     int    `xml:"width,attr,omitempty"`
	Height    int    `xml:"height,attr,omitempty"`
	Rate      int    `xml:"audioSamplingRate,attr,omitempty"`
	Template  struct {
		Timescale      int    `xml:"timescale,attr"`
		Offset         int64  `xml:"presentationTimeOffset,attr"`
		Initialization string `xml:"initialization,attr"`
		Media          string `xml:"media,attr"`
		Timeline       []line `xml:"SegmentTimeline>S"`
	} `xml:"SegmentTemplate"`
}

type line struct {
	Time     int64  `xml:"t,attr"`
	Duration int64  `xml:"d,attr"`
	Number   string `xml:"kvs:fn,attr,omitempty"`
	At       string `xml:"kvs:ts,attr,omitempty"`
}

func (p *Player) dashManifest(w http.ResponseWriter, _ *http.Request, s session) error {
	shown, err := p.window(s)
	if err != nil {
		return err
	}
	if len(shown.list) == 0 {
		return wire.NotFound("no fragment was found for the session")
	}
	first, last := shown.list[0], shown.list[len(shown.list)-1]
	end := s.start(last) + last.Length.Milliseconds()
	m := mpd{Namespace: "urn:mpeg:dash:schema:mpd:2011", KVS: "https://docs.aws.amazon.com/kinesisvideostreams/kvs",
		Profiles: "urn:mpeg:dash:profile:isoff-live:2011", Type: "static", MinBuffer: "PT2S", MaxSegment: fmt.Sprintf("PT%dS", shown.target)}
	if shown.ended {
		m.Duration = duration(end - max(s.start(first)-first.Early.Milliseconds(), 0))
	} else {
		now := p.cfg.Now().UTC()
		begin := time.UnixMilli(s.Origin)
		if s.Mode == modeReplay { // what it begins with is there when it begins
			begin = now.Add(-time.Duration(end) * time.Millisecond)
		}
		m.Type, m.Available, m.Published = "dynamic", stamp(begin), stamp(now)
		m.Update, m.Delay = "PT2S", fmt.Sprintf("PT%dS", 2*shown.target)
		m.Depth = duration(end - s.start(first))
		m.UTCTiming = &timing{"urn:mpeg:dash:utc:direct:2014", stamp(now)}
	}
	for from := 0; from < len(shown.list); {
		to := from + 1
		for to < len(shown.list) && shown.list[to].Codec == shown.list[from].Codec {
			to++
		}
		next, err := p.period(s, shown.list[from:to])
		if err != nil {
			return err
		}
		if shown.ended && from == 0 {
			next.Start = "PT0S" // a recording begins at once
		}
		m.Periods = append(m.Periods, next)
		from = to
	}
	body, err := xml.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return send(w, "application/dash+xml", xml.Header+string(body))
}

// period describes fragments whose tracks are the same.
func (p *Player) period(s session, list []fragments.Fragment) (period, error) {
	first := list[0]
	header, err := p.header(s.ARN, first)
	if err != nil {
		return period{}, err
	}
	tracks, err := playable(header, false)
	if err != nil {
		return period{}, err
	}
	offset := max(s.start(first)-first.Early.Milliseconds(), 0)
	out := period{ID: first.Number, Start: duration(offset)}
	var bytes, millis int64
	var lines []line
	for _, f := range list {
		bytes, millis = bytes+f.Bytes, millis+f.Length.Milliseconds()
		l := line{Time: max(s.start(f), 0), Duration: f.Length.Milliseconds()}
		if s.ShowName {
			l.Number = f.Number
		}
		if s.ShowTime {
			l.At = seconds(f.Start(s.Clock))
		}
		lines = append(lines, l)
	}
	for _, t := range tracks {
		number := fmt.Sprint(t.Number)
		set := adaptation{ContentType: "audio", MimeType: "audio/mp4", Aligned: true, StartWithSAP: 1}
		r := &set.Representation
		r.ID, r.Codecs, r.Bandwidth = number, t.name, max(bytes*8000/max(millis, 1), 1)
		if t.codec.IsVideo() {
			set.ContentType, set.MimeType, r.Width, r.Height = "video", "video/mp4", t.Width, t.Height
		} else {
			r.Rate = int(t.timescale)
		}
		r.Template.Timescale, r.Template.Offset, r.Template.Timeline = 1000, offset, lines
		r.Template.Initialization = s.link("getMP4InitFragment.mp4", "FragmentNumber", first.Number, "TrackNumber", number)
		r.Template.Media = s.link("getMP4MediaFragment.mp4", "TrackNumber", number) + "&Time=$Time$"
		out.Sets = append(out.Sets, set)
	}
	return out, nil
}

func duration(ms int64) string { return fmt.Sprintf("PT%d.%03dS", ms/1000, ms%1000) }
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
