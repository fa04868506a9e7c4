package ffmpeg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// maxPixels is the largest picture accepted, a guard against files made to
// exhaust memory. 8K video is 33 million pixels.
const maxPixels = 100_000_000

// Picture is one decoded picture, BGR without row padding.
type Picture struct {
	PTS           time.Duration // as the input says, to the millisecond
	Width, Height int           // pixels
	Pix           []byte        // owned by the receiver
}

// DecodeConfig says what to decode and to what.
type DecodeConfig struct {
	Input    []string // arguments up to and including -i and its value
	Stdin    bool     // the input is written to the decoder
	FPS      float64  // pictures a second at most, 0 for every picture
	MaxWidth int      // pictures are scaled down to this width, 0 for no limit

	// Packets, if set, are made beside the pictures, with timestamps of the
	// same clock. Whoever asks for them has to read them to their end.
	Packets *PacketConfig
}

// Decoder is a child that decodes video to BGR pictures.
type Decoder struct{ child *Child }

// Decode starts a decoder.
//
// Pictures travel as BMP because it is BGR and carries its own size: nothing
// here has to predict what cropping, rotation or a change in mid-stream does
// to it. Format: https://learn.microsoft.com/windows/win32/gdi/bitmap-storage.
func Decode(ctx context.Context, cfg DecodeConfig) (*Decoder, error) {
	// However much of the input is damaged, the rest is wanted.
	input := append([]string{"-max_error_rate", "1", "-max_pixels", strconv.Itoa(maxPixels)}, cfg.Input...)
	child, err := Start(ctx, Spec{
		Input:  input,
		Output: []string{"-vf", Filter(cfg.FPS, cfg.MaxWidth) + "format=bgr24", "-c:v", "bmp"},
		Format: "rawvideo",
		Stdin:  cfg.Stdin,

		Packets: cfg.Packets,
	})
	if err != nil {
		return nil, err
	}
	return &Decoder{child: child}, nil
}

// DecodeStill decodes the one picture in a file, scaled as by MaxWidth. The
// child gets the open file, so that its name cannot be taken for a pattern.
func DecodeStill(ctx context.Context, path string, maxWidth int) (Picture, error) {
	f, err := os.Open(path)
	if err != nil {
		return Picture{}, err
	}
	defer f.Close()
	child, err := Start(ctx, Spec{
		Input:  append([]string{"-max_pixels", strconv.Itoa(maxPixels)}, pipeInput...),
		Output: []string{"-vf", Filter(0, maxWidth) + "format=bgr24", "-c:v", "bmp", "-frames:v", "1"},
		Format: "rawvideo",
		From:   f,
	})
	if err != nil {
		return Picture{}, err
	}
	dec := &Decoder{child: child}
	defer dec.Close()
	p, err := dec.Next()
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %s", ErrNotVideo, dec.Complaints())
	}
	return p, err
}

// Filter returns the start of a filter chain that lets pass fps pictures a
// second at most (0 for all) and scales them down to maxWidth pixels (0 for
// never). It is empty or ends in a comma.
//
// To thin out, time is cut into slots of 1/fps and the first picture in each
// is taken, before scaling. The quarter slot lets a camera at just that rate
// jitter without losing pictures. A time that runs back begins a slot too, or
// nothing would pass until it has caught up.
func Filter(fps float64, maxWidth int) string {
	s := ""
	if fps > 0 {
		f := strconv.FormatFloat(fps, 'f', -1, 64)
		s = `select=isnan(prev_selected_t)+not(eq(floor(t*` + f + `+0.25)\,floor(prev_selected_t*` + f + `+0.25))),`
	}
	if maxWidth > 0 {
		s += fmt.Sprintf(`scale=w=min(%d\,iw):h=max(1\,round(ow/iw*ih)):flags=area,`, maxWidth)
	}
	return s
}

// Write feeds a decoder that was started with Stdin.
func (d *Decoder) Write(p []byte) (int, error) { return d.child.Stdin.Write(p) }

// Next returns the next picture, io.EOF after the last, or ErrFailed.
func (d *Decoder) Next() (Picture, error) {
	p, err := readBMP(d.child.Stdout)
	if errors.Is(err, io.EOF) {
		if err := d.child.Wait(); err != nil {
			return Picture{}, err
		}
		return Picture{}, io.EOF
	}
	if err != nil {
		return Picture{}, err
	}
	p.PTS, err = d.child.NextTime()
	return p, err
}

// Packets is the stream of packets that DecodeConfig.Packets asked for, for
// NewUnits. It ends with the decoder.
func (d *Decoder) Packets() io.Reader { return d.child.unitsF }

// Complaints returns the tail of the decoder's error output: a damaged input
// may end well and still have been complained of.
func (d *Decoder) Complaints() string { return d.child.Complaints() }

// Interrupt kills the decoder without waiting, so that Next and Write return.
// Unlike the other methods it may be called at any time from any goroutine.
func (d *Decoder) Interrupt() { d.child.cancel() }

// Close kills the decoder if it still runs and waits for it.
func (d *Decoder) Close() { d.child.Kill() }

const bmpHeader = 54 // file header and BITMAPINFOHEADER

// readBMP reads one uncompressed 24-bit bottom-up bitmap, or io.EOF when the
// stream ends before it.
func readBMP(r io.Reader) (Picture, error) {
	var h [bmpHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF // a killed child stops anywhere
		}
		return Picture{}, err
	}
	le := binary.LittleEndian
	p := Picture{Width: int(int32(le.Uint32(h[18:]))), Height: int(int32(le.Uint32(h[22:])))}
	switch {
	case h[0] != 'B' || h[1] != 'M' || le.Uint32(h[10:]) != bmpHeader || le.Uint16(h[28:]) != 24:
		return Picture{}, fmt.Errorf("%w: output is not a 24-bit bitmap", ErrFailed)
	case p.Width <= 0 || p.Height <= 0 || p.Width > maxPixels || p.Height > maxPixels || p.Width*p.Height > maxPixels:
		return Picture{}, fmt.Errorf("%w: output has the size %dx%d", ErrFailed, p.Width, p.Height)
	}
	row := p.Width * 3
	padding := make([]byte, (4-row%4)%4)
	p.Pix = make([]byte, row*p.Height)
	for y := p.Height - 1; y >= 0; y-- {
		if _, err := io.ReadFull(r, p.Pix[y*row:(y+1)*row]); err != nil {
			return Picture{}, io.EOF
		}
		if _, err := io.ReadFull(r, padding); err != nil {
			return Picture{}, io.EOF
		}
	}
	return p, nil
}
