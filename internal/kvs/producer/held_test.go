package producer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideoarchivedmedia"
	"github.com/stretchr/testify/require"
)

// archive answers ListFragments in two pages.
type archive struct {
	t    *testing.T
	url  string
	deny string
}

func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		StreamName, APIName, NextToken string
		FragmentSelector               struct {
			FragmentSelectorType string
			TimestampRange       struct{ StartTimestamp, EndTimestamp float64 }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.StreamName != "door" {
		a.t.Error(err, in)
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case a.deny != "":
		w.Header().Set("x-amzn-ErrorType", a.deny)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"Message":"no"}`)
	case r.URL.Path == "/getDataEndpoint":
		if in.APIName != "LIST_FRAGMENTS" {
			a.t.Error(in.APIName)
		}
		fmt.Fprintf(w, `{"DataEndpoint":%q}`, a.url+"/data")
	case r.URL.Path != "/data/listFragments" || in.FragmentSelector.FragmentSelectorType != "PRODUCER_TIMESTAMP" ||
		in.FragmentSelector.TimestampRange.StartTimestamp != 100.5 || in.FragmentSelector.TimestampRange.EndTimestamp != 200:
		a.t.Error(r.URL, in)
	case in.NextToken == "":
		fmt.Fprint(w, `{"NextToken":"more","Fragments":[{"FragmentNumber":"2","ProducerTimestamp":103.002,"FragmentLengthInMilliseconds":1000},{}]}`)
	default:
		fmt.Fprint(w, `{"Fragments":[{"FragmentNumber":"1","ProducerTimestamp":101.001,"FragmentLengthInMilliseconds":2001}]}`)
	}
}

func TestArchive(t *testing.T) {
	a := &archive{t: t}
	web := httptest.NewServer(a)
	t.Cleanup(web.Close)
	a.url = web.URL
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	held := Archive{
		Control: kinesisvideo.New(kinesisvideo.Options{
			Region: "eu-central-1", BaseEndpoint: &a.url, Credentials: static, HTTPClient: client, Retryer: aws.NopRetryer{},
		}),
		Media: kinesisvideoarchivedmedia.New(kinesisvideoarchivedmedia.Options{
			Region: "eu-central-1", Credentials: static, HTTPClient: client, Retryer: aws.NopRetryer{},
		}),
	}
	found := map[int64]time.Duration{}
	ask := func() error {
		return held.Held(t.Context(), "door", time.UnixMilli(100_500), time.UnixMilli(200_000),
			func(start time.Time, length time.Duration) { found[start.UnixMilli()] = length })
	}
	require.NoError(t, ask())
	require.Equal(t, map[int64]time.Duration{101_001: 2001 * time.Millisecond, 103_002: time.Second}, found)

	for code, want := range map[string]error{
		"ResourceNotFoundException": nil, "AccessDeniedException": ErrStream, "NotAuthorizedException": ErrStream, "InternalFailure": ErrConnection,
	} {
		a.deny = code
		if want == nil {
			require.NoError(t, ask(), code)
		} else {
			require.ErrorIs(t, ask(), want, code)
		}
	}
	web.Close()
	err := ask()
	require.ErrorIs(t, err, ErrConnection)
	require.NotErrorIs(t, err, ErrStream)
}
