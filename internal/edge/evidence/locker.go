// Package evidence keeps the video of what happens before cameras: on this
// device's disk, and in Kinesis Video Streams as far as the owner asks for it.
//
// A Locker is where all cameras keep theirs; it stands between their pipelines
// and the cloud and notes in each event where its video is. A Keeper is at one
// camera: it has its newest video in memory and begins, extends and ends what
// is recorded and uploaded. Neither ever holds up a camera.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"

	"porchlight/internal/config"
	"porchlight/internal/edge/disk"
	"porchlight/internal/event"
	"porchlight/internal/kvs/producer"
	"porchlight/internal/pipeline"
	"porchlight/internal/recording"
)

// ErrPrivate is the cause with which a camera's context ends when it goes into
// privacy mode: from then on nothing of it leaves the home.
var ErrPrivate = errors.New("the camera goes into privacy mode")

// Config of a locker. Config, Next and Log are required.
type Config struct {
	Config *config.Config
	Next   pipeline.Sink // takes the events, with their clips
	// Note is told what of a camera's evidence has been missing for long; empty
	// when all is well again. May be nil.
	Note func(camera, message string)
	Log  *slog.Logger

	Timing producer.Timing  // for tests
	Now    func() time.Time // for tests; default time.Now
}

// Locker is the evidence of all cameras. It is safe for concurrent use.
type Locker struct {
	cfg     Config
	library *recording.Library // nil: it cannot be opened
	broken  error              // why not
	sweeps  work

	// Of Connect; nil before, and then nothing is uploaded.
	credentials aws.CredentialsProvider
	streams     *producer.Streams
	archive     producer.Held

	mu      sync.Mutex
	keepers map[string]*Keeper // by camera
}

var _ pipeline.Sink = (*Locker)(nil)

// Open opens the recordings. When that fails it is said, and there are none.
// Until Connect nothing is uploaded. What is too old is removed until ctx ends.
func Open(ctx context.Context, cfg Config) *Locker {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Note == nil {
		cfg.Note = func(string, string) {}
	}
	l := &Locker{cfg: cfg, keepers: map[string]*Keeper{}}
	library, err := recording.Open(recording.LibraryConfig{
		Dir: Dir(cfg.Config), Free: disk.Free, MinFree: max(cfg.Config.Recordings.MinFree, 1),
		Limits: limits(config.CameraDefaults().Record), Log: cfg.Log,
	})
	if err != nil {
		l.broken = err
		cfg.Log.Error("no video is recorded on this device", "error", err)
	} else {
		l.library = library
		l.sweeps.start(ctx, library.Run)
	}
	return l
}

// Connect lets cameras upload that are kept from then on.
func (l *Locker) Connect(credentials aws.CredentialsProvider) {
	cfg := l.cfg.Config
	control := newClient(cfg.Cloud, credentials)
	l.credentials, l.archive = credentials, producer.Archive{Control: control, Media: newArchive(cfg.Cloud, credentials)}
	l.streams = producer.NewStreams(producer.StreamsConfig{
		Client: control, Retention: cfg.Video.Retention, KMSKey: cfg.Video.KMSKey, Tags: map[string]string{"porchlight": cfg.Thing},
		Images: pictures(cfg.Cloud),
	})
}

// Dir is the folder of the recordings.
func Dir(cfg *config.Config) string {
	if cfg.Recordings.Dir != "" {
		return cfg.Recordings.Dir
	}
	return filepath.Join(cfg.StateDir, "recordings")
}

// newClient calls the control plane of Kinesis Video Streams.
func newClient(cfg config.Cloud, credentials aws.CredentialsProvider) *kinesisvideo.Client {
	return kinesisvideo.New(kinesisvideo.Options{
		Region: cfg.Region, Credentials: credentials,
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(30 * time.Second),
	}, func(o *kinesisvideo.Options) {
		if cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(cfg.Endpoint)
		}
	})
}

// newArchive calls what lists fragments; its address is asked for.
func newArchive(cfg config.Cloud, credentials aws.CredentialsProvider) *kinesisvideoarchivedmedia.Client {
	return kinesisvideoarchivedmedia.New(kinesisvideoarchivedmedia.Options{
		Region: cfg.Region, Credentials: credentials,
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(30 * time.Second),
	})
}

// Close lets go of the recordings. The keepers have to be closed.
func (l *Locker) Close() error {
	l.sweeps.end()
	if l.library == nil {
		return nil
	}
	return l.library.Close()
}

// Library is the recordings on this device's disk, nil when they cannot be
// opened.
func (l *Locker) Library() *recording.Library { return l.library }

// Publish implements pipeline.Sink. The event goes on with its clip.
func (l *Locker) Publish(ctx context.Context, e event.Event, thumbnail []byte) error {
	if k := l.keeper(e.Camera); k != nil {
		if clip := k.happens(e); clip != nil {
			e.Clip = clip
		}
	}
	return l.cfg.Next.Publish(ctx, e, thumbnail)
}

func (l *Locker) keeper(camera string) *Keeper {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keepers[camera]
}

// leave forgets a keeper.
func (l *Locker) leave(k *Keeper) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keepers[k.camera] == k {
		delete(l.keepers, k.camera)
	}
}

// limits bound one camera's recordings.
func limits(r config.Record) recording.Limits {
	return recording.Limits{
		Keep: recording.Keep{
			recording.Continuous: r.KeepContinuous, recording.Detection: r.Keep, recording.Alert: r.KeepAlerts,
		},
		MaxBytes: r.MaxBytes,
	}
}

// ImagePrefix is where Kinesis Video Streams puts pictures of a thing's
// cameras. The thing comes first, as in the keys of thumbnails.
func ImagePrefix(thing string) string { return fmt.Sprintf("thumbnails/%s/images", thing) }
