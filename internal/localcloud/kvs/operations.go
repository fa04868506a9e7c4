package kvs

import (
	"net/http"
	"net/url"
	"slices"

	"porchlight/internal/localcloud/kvs/fragments"
	"porchlight/internal/localcloud/kvs/wire"
)

// none is an empty answer.
type none struct{}

// operations are those of the control plane, by path.
func (s *Service) operations() map[string]http.Handler {
	log := s.cfg.Logger
	return map[string]http.Handler{
		"/createStream":                         wire.Handler(log, s.createStream),
		"/describeStream":                       wire.Handler(log, s.describeStream),
		"/updateStream":                         wire.Handler(log, s.updateStream),
		"/deleteStream":                         wire.Handler(log, s.deleteStream),
		"/listStreams":                          wire.Handler(log, s.listStreams),
		"/updateDataRetention":                  wire.Handler(log, s.updateDataRetention),
		"/getDataEndpoint":                      wire.Handler(log, s.getDataEndpoint),
		"/tagStream":                            wire.Handler(log, s.tagStream),
		"/untagStream":                          wire.Handler(log, s.untagStream),
		"/listTagsForStream":                    wire.Handler(log, s.listTagsForStream),
		"/TagResource":                          wire.Handler(log, s.tagResource),
		"/UntagResource":                        wire.Handler(log, s.untagResource),
		"/ListTagsForResource":                  wire.Handler(log, s.listTagsForResource),
		"/describeImageGenerationConfiguration": wire.Handler(log, s.describeImages),
		"/updateImageGenerationConfiguration":   wire.Handler(log, s.updateImages),
		"/describeNotificationConfiguration":    wire.Handler(log, s.describeNotification),
		"/updateNotificationConfiguration":      wire.Handler(log, s.updateNotification),
		"/describeStreamStorageConfiguration":   wire.Handler(log, s.describeStorage),
		"/updateStreamStorageConfiguration":     wire.Handler(log, s.updateStorage),
	}
}

type endpointRequest struct {
	wire.StreamRef
	APIName string
}

type endpointAnswer struct{ DataEndpoint string }

// getDataEndpoint answers with the address by which the client has come, so
// that one behind a forwarded port comes back through it.
func (s *Service) getDataEndpoint(r *http.Request, in endpointRequest) (endpointAnswer, error) {
	known := []string{"PUT_MEDIA", "GET_MEDIA", "LIST_FRAGMENTS", "GET_MEDIA_FOR_FRAGMENT_LIST",
		"GET_HLS_STREAMING_SESSION_URL", "GET_DASH_STREAMING_SESSION_URL", "GET_CLIP", "GET_IMAGES"}
	if !slices.Contains(known, in.APIName) {
		return endpointAnswer{}, wire.Invalid("APIName is %q: want one of %v", in.APIName, known)
	}
	_, err := in.Find(s.store)
	return endpointAnswer{s.reached(r)}, err
}

func (s *Service) reached(r *http.Request) string {
	base, err := url.Parse(s.cfg.Endpoint)
	if err != nil || r.Host == "" {
		return s.cfg.Endpoint
	}
	base.Host = r.Host
	return base.String()
}

type storage struct{ DefaultStorageTier string }

type storageRequest struct {
	wire.StreamRef
	CurrentVersion             string
	StreamStorageConfiguration storage
}

type storageAnswer struct {
	StreamName, StreamARN      string
	StreamStorageConfiguration storage
}

func (s *Service) describeStorage(_ *http.Request, in wire.StreamRef) (storageAnswer, error) {
	stream, err := in.Find(s.store)
	return storageAnswer{stream.Name, stream.ARN, storage{stream.StorageTier}}, err
}

// updateStorage remembers the tier; on one machine all tiers are the same disk.
func (s *Service) updateStorage(_ *http.Request, in storageRequest) (none, error) {
	if err := in.StreamStorageConfiguration.check(); err != nil {
		return none{}, err
	}
	return s.change(in.StreamRef, in.CurrentVersion, func(stream *fragments.Stream) error {
		stream.StorageTier = in.StreamStorageConfiguration.DefaultStorageTier
		return nil
	})
}

func (c storage) check() error {
	if c.DefaultStorageTier != "HOT" && c.DefaultStorageTier != "WARM" {
		return wire.Invalid("DefaultStorageTier is %q: want HOT or WARM", c.DefaultStorageTier)
	}
	return nil
}

// change updates the stream a request names.
func (s *Service) change(ref wire.StreamRef, version string, do func(*fragments.Stream) error) (none, error) {
	stream, err := ref.Find(s.store)
	if err != nil {
		return none{}, err
	}
	_, err = s.store.Update(stream.ARN, version, do)
	return none{}, err
}
