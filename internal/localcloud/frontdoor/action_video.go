package frontdoor

import (
	"net/http"
	"strings"

	"porchlight/internal/localcloud/awsapi"
)

// videoActions are the operations of Kinesis Video Streams by path, all three
// of its APIs: control plane, media and archived media.
func videoActions() map[string]string {
	actions := map[string]string{"/TagResource": "TagResource", "/UntagResource": "UntagResource", "/ListTagsForResource": "ListTagsForResource"}
	for _, op := range []string{
		"CreateStream", "DescribeStream", "UpdateStream", "DeleteStream", "ListStreams", "UpdateDataRetention", "GetDataEndpoint",
		"TagStream", "UntagStream", "ListTagsForStream",
		"DescribeImageGenerationConfiguration", "UpdateImageGenerationConfiguration",
		"DescribeNotificationConfiguration", "UpdateNotificationConfiguration",
		"DescribeStreamStorageConfiguration", "UpdateStreamStorageConfiguration",
		"PutMedia", "GetMedia", "ListFragments", "GetMediaForFragmentList",
		"GetHLSStreamingSessionURL", "GetDASHStreamingSessionURL", "GetClip", "GetImages",
	} {
		actions["/"+strings.ToLower(op[:1])+op[1:]] = op
	}
	return actions
}

const putMedia = "/putMedia"

// streamsBody tells requests whose body has no end that could be waited for.
// It is not signed: the hash in their signature is that of nothing.
func streamsBody(r *http.Request) bool { return r.URL.Path == putMedia }

// videoNeeds finds the stream in the body or, of PutMedia, in a header.
func videoNeeds(s scope, r *http.Request, body []byte) ([]need, error) {
	action, ok := videoActions()[r.URL.Path]
	if !ok {
		return nil, &awsapi.Error{Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: "the local Kinesis Video Streams does not know " + r.Method + " " + r.URL.Path}
	}
	if streamsBody(r) {
		return []need{{"kinesisvideo:" + action, s.streamARN(r.Header.Get("X-Amzn-Stream-Name") + r.Header.Get("X-Amzn-Stream-Arn"))}}, nil
	}
	fields, err := jsonObject(body)
	if err != nil {
		return nil, err
	}
	var needs []need
	for name, value := range fields {
		switch strings.ToLower(name) { // as the handler reads them
		case "streamname", "streamarn", "resourcearn":
			if id := text(value); id != "" {
				needs = append(needs, need{"kinesisvideo:" + action, s.streamARN(id)})
			}
		}
	}
	if len(needs) == 0 {
		needs = []need{{"kinesisvideo:" + action, "*"}}
	}
	return needs, nil
}
