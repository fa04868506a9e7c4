package frames

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"log/slog"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/event"
	"porchlight/internal/face"
	"porchlight/internal/iot/spool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// finder finds the faces it is told to.
type finder struct {
	faces []face.Face
	err   error
}

func (f *finder) Faces(context.Context, *event.Frame) ([]face.Face, error) { return f.faces, f.err }

func at(x0, y0, x1, y1 float64) face.Face {
	return face.Face{Box: [4]float64{x0, y0, x1, y1}, Score: 0.9}
}

// decode reads JPEGs with the standard library.
func decode(data []byte) (*event.Frame, error) {
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	b := img.Bounds()
	f := &event.Frame{Width: b.Dx(), Height: b.Dy(), Pix: make([]byte, b.Dx()*b.Dy()*3)}
	for y := range f.Height {
		for x := range f.Width {
			c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			copy(f.Pix[(y*f.Width+x)*3:], []byte{c.B, c.G, c.R})
		}
	}
	return f, nil
}

// picture is green, with a red square at 40,20 of 30 pixels.
func picture(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 160, 90))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{G: 255, A: 255}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(40, 20, 70, 50), image.NewUniform(color.RGBA{R: 255, A: 255}), image.Point{}, draw.Src)
	var data bytes.Buffer
	require.NoError(t, jpeg.Encode(&data, img, &jpeg.Options{Quality: 95}))
	return base64.StdEncoding.EncodeToString(data.Bytes())
}

type outbox struct {
	sent []string
	err  error
}

func (o *outbox) put(queue string, body []byte) error {
	if o.err == nil {
		o.sent = append(o.sent, queue+" "+string(body))
	}
	return o.err
}

func desk(f *finder, o *outbox) *Desk {
	return New(Config{Finder: f, Decode: decode, Put: o.put, Log: slog.New(slog.DiscardHandler)})
}

func message(t *testing.T, id, encoded string) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]string{"encoded": encoded, "request_id": id, "filename": "test_01.jpg"})
	require.NoError(t, err)
	return data
}

func TestTheLargestFaceIsAskedFor(t *testing.T) {
	f, o := &finder{faces: []face.Face{at(0, 0, 10, 10), at(40, 20, 70, 50)}}, &outbox{}
	d := desk(f, o)
	for range 2 { // the second is a repeat
		d.handle(t.Context(), "clients/hallway", message(t, "r1", picture(t)))
	}
	require.Len(t, o.sent, 1)
	body, ok := bytes.CutPrefix([]byte(o.sent[0]), []byte("requests "))
	require.True(t, ok)
	require.True(t, bytes.HasPrefix(body, []byte(`{"request_id": "r1", "filename": "test_01.jpg", "face_image": "`)))
	request, err := event.ParseFaceRequest(body)
	require.NoError(t, err)
	crop, err := decode(request.Image)
	require.NoError(t, err)
	require.Equal(t, 240, crop.Width)
	require.Equal(t, 240, crop.Height)
	middle := crop.Pix[(120*240+120)*3:]
	require.Greater(t, middle[2], byte(200))
	require.Less(t, middle[1], byte(60))
	require.Equal(t, Stats{Frames: 2, Asked: 1, Repeated: 1}, d.Stats())
}

func TestWhatNeedsNoCloud(t *testing.T) {
	o := &outbox{}
	d := desk(&finder{}, o)
	d.handle(t.Context(), "clients/hallway", message(t, "r1", picture(t)))
	d.handle(t.Context(), "clients/hallway", message(t, "r2", "!!"))
	d.handle(t.Context(), "clients/hallway", message(t, "r3", base64.StdEncoding.EncodeToString([]byte("no JPEG"))))
	d.handle(t.Context(), "clients/hallway", []byte("{"))
	d.handle(t.Context(), "clients/hallway", message(t, "", picture(t)))
	d.handle(t.Context(), "clients/hallway/x", message(t, "r4", picture(t)))
	require.Equal(t, []string{
		`responses {"request_id": "r1", "filename": "test_01.jpg", "result": "No-Face"}`,
		`responses {"request_id": "r2", "filename": "test_01.jpg", "result": "Invalid-Image"}`,
		`responses {"request_id": "r3", "filename": "test_01.jpg", "result": "Invalid-Image"}`,
	}, o.sent)
	require.Equal(t, Stats{Frames: 5, Faceless: 1, Bad: 4}, d.Stats())
}

// What this device failed to do may be asked for again.
func TestAFailureIsNotTheEnd(t *testing.T) {
	f, o := &finder{err: errors.New("out of memory")}, &outbox{}
	d := desk(f, o)
	d.handle(t.Context(), "clients/hallway", message(t, "r1", picture(t)))
	f.err, f.faces, o.err = nil, []face.Face{at(40, 20, 70, 50)}, errors.New("disk full")
	d.handle(t.Context(), "clients/hallway", message(t, "r1", picture(t)))
	o.err = nil
	d.handle(t.Context(), "clients/hallway", message(t, "r1", picture(t)))
	require.Len(t, o.sent, 1)
	require.Equal(t, Stats{Frames: 3, Asked: 1, Failed: 2}, d.Stats())
}

func TestTheMemoryIsBounded(t *testing.T) {
	o := &outbox{}
	d := desk(&finder{}, o)
	for i := range remembered + 10 {
		d.handle(t.Context(), "clients/x", message(t, fmt.Sprint("r", i), "!!"))
	}
	require.Len(t, d.seen, remembered)
	require.Len(t, d.order, remembered)
}

type queue struct{ err error }

func (q queue) SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return nil, q.err
}

func TestOnlyWhatIsHopelessIsGivenUp(t *testing.T) {
	record := spool.Record{Name: ToRequests, Payload: []byte("{}")}
	for code, hopeless := range map[string]bool{"InvalidMessageContents": true, "AccessDenied": false, "ServiceUnavailable": false} {
		err := Queues{Client: queue{&smithy.GenericAPIError{Code: code}}, Requests: "https://q"}.Send(t.Context(), record)
		require.Error(t, err)
		require.Equal(t, hopeless, errors.Is(err, spool.ErrRefused), code)
	}
	require.NoError(t, Queues{}.Send(t.Context(), spool.Record{Name: ToResponses}), "nobody wants these answers")
}
