package playback

import (
	"fmt"
	"net/http"
	"strings"

	"porchlight/internal/localcloud/kvs/wire"
)

func (p *Player) hlsMaster(w http.ResponseWriter, _ *http.Request, s session) error {
	shown, err := p.window(s)
	if err != nil {
		return err
	}
	if len(shown.list) == 0 {
		return wire.NotFound("no fragment was found for the session")
	}
	header, err := p.header(s.ARN, shown.list[0])
	if err != nil {
		return err
	}
	tracks, err := playable(header, false)
	if err != nil {
		return err
	}
	var bytes, millis int64
	for _, f := range shown.list {
		bytes, millis = bytes+f.Bytes, millis+f.Length.Milliseconds()
	}
	// A quarter more than the average, for it has to bound what a segment takes.
	stream := []string{fmt.Sprintf("BANDWIDTH=%d", max(bytes*8000*5/4/max(millis, 1), 1))}
	var names []string
	audio, lead := -1, 0
	for i, t := range tracks {
		names = append(names, t.name)
		if t.codec.IsVideo() {
			lead = i
		} else if audio < 0 {
			audio = i
		}
	}
	stream = append(stream, `CODECS="`+strings.Join(names, ",")+`"`)
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	if t := tracks[lead]; t.codec.IsVideo() {
		stream = append(stream, fmt.Sprintf("RESOLUTION=%dx%d", t.Width, t.Height))
		if audio >= 0 && !s.TS {
			fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"%d\",URI=%q\n",
				max(tracks[audio].Channels, 1), s.link("getHLSMediaPlaylist.m3u8", "TrackNumber", fmt.Sprint(tracks[audio].Number)))
			stream = append(stream, `AUDIO="audio"`)
		}
	}
	fmt.Fprintf(&b, "#EXT-X-STREAM-INF:%s\n%s\n", strings.Join(stream, ","),
		s.link("getHLSMediaPlaylist.m3u8", "TrackNumber", fmt.Sprint(tracks[lead].Number)))
	return send(w, "application/x-mpegURL", b.String())
}

func (p *Player) hlsMedia(w http.ResponseWriter, r *http.Request, s session) error {
	number := r.URL.Query().Get("TrackNumber")
	shown, err := p.window(s)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", max(shown.target, 1), shown.sequence)
	if shown.broken > 0 {
		fmt.Fprintf(&b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", shown.broken)
	}
	if s.Mode == modeOnDemand {
		b.WriteString("#EXT-X-PLAYLIST-TYPE:VOD\n")
	}
	b.WriteString("#EXT-X-INDEPENDENT-SEGMENTS\n")
	for i, f := range shown.list {
		if shown.breaks[i] {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		if !s.TS && (i == 0 || f.Codec != shown.list[i-1].Codec) {
			fmt.Fprintf(&b, "#EXT-X-MAP:URI=%q\n", s.link("getMP4InitFragment.mp4", "FragmentNumber", f.Number, "TrackNumber", number))
		}
		if s.ShowTime {
			fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", f.Start(s.Clock).UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		name := "getMP4MediaFragment.mp4"
		if s.TS {
			name = "getTSFragment.ts"
		}
		fmt.Fprintf(&b, "#EXTINF:%.3f,\n%s\n", f.Length.Seconds(), s.link(name, "FragmentNumber", f.Number, "TrackNumber", number,
			"SequenceNumber", fmt.Sprint(shown.sequence+uint64(i))))
	}
	if shown.ended {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return send(w, "application/x-mpegURL", b.String())
}

func send(w http.ResponseWriter, contentType, body string) error {
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write([]byte(body)) // a client that has gone needs no answer
	return nil
}
