package frontdoor

import (
	"net/http"
	"strings"

	"porchlight/internal/localcloud/awsapi"
)

// videoActions are the operations of Kinesis Video Streams by path, all of its
// APIs: control plane, media, archived media and signaling.
func videoActions() map[string]string {
	actions := map[string]string{
		"/TagResource": "TagResource", "/UntagResource": "UntagResource", "/ListTagsForResource": "ListTagsForResource",
		"/v1/get-ice-server-config": "GetIceServerConfig", "/v1/send-alexa-offer-to-master": "SendAlexaOfferToMaster",
		"/signaling/master": connectAsMaster, "/signaling/viewer": connectAsViewer,
	}
	for _, op := range []string{
		"CreateStream", "DescribeStream", "UpdateStream", "DeleteStream", "ListStreams", "UpdateDataRetention", "GetDataEndpoint",
		"TagStream", "UntagStream", "ListTagsForStream",
		"DescribeImageGenerationConfiguration", "UpdateImageGenerationConfiguration",
		"DescribeNotificationConfiguration", "UpdateNotificationConfiguration",
		"DescribeStreamStorageConfiguration", "UpdateStreamStorageConfiguration",
		"PutMedia", "GetMedia", "ListFragments", "GetMediaForFragmentList",
		"GetHLSStreamingSessionURL", "GetDASHStreamingSessionURL", "GetClip", "GetImages",
		"CreateSignalingChannel", "DescribeSignalingChannel", "UpdateSignalingChannel", "DeleteSignalingChannel", "ListSignalingChannels",
		"GetSignalingChannelEndpoint", "DescribeMediaStorageConfiguration",
	} {
		actions["/"+strings.ToLower(op[:1])+op[1:]] = op
	}
	return actions
}

const (
	putMedia        = "/putMedia"
	connectAsMaster = "ConnectAsMaster"
	connectAsViewer = "ConnectAsViewer"
)

// channelParameter names the channel in the address of a WebSocket.
const channelParameter = "X-Amz-ChannelARN"

// signalingAction is what connecting to an address takes, empty for other
// requests. Some clients leave the path out: viewers are those with an id.
func signalingAction(r *http.Request) string {
	if r.Method != http.MethodGet || !r.URL.Query().Has(channelParameter) {
		return ""
	}
	switch {
	case r.URL.Path != "/" && r.URL.Path != "":
		return videoActions()[r.URL.Path]
	case r.URL.Query().Has("X-Amz-ClientId"):
		return connectAsViewer
	}
	return connectAsMaster
}

// streamsBody tells requests whose body has no end that could be waited for.
// It is not signed: the hash in their signature is that of nothing.
func streamsBody(r *http.Request) bool { return r.URL.Path == putMedia }

// videoNeeds finds the stream or channel in the body, of PutMedia in a header,
// of a WebSocket in its address.
func videoNeeds(s scope, r *http.Request, body []byte) ([]need, error) {
	if action := signalingAction(r); action != "" {
		var needs []need
		for _, arn := range r.URL.Query()[channelParameter] {
			needs = append(needs, need{"kinesisvideo:" + action, s.channelARN(arn)})
		}
		return needs, nil
	}
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
		case "channelname", "channelarn":
			if id := text(value); id != "" {
				needs = append(needs, need{"kinesisvideo:" + action, s.channelARN(id)})
			}
		}
	}
	if len(needs) == 0 {
		needs = []need{{"kinesisvideo:" + action, "*"}}
	}
	return needs, nil
}
