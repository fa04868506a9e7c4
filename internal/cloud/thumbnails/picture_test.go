package thumbnails

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// said is what S3 sends for an object.
func said(name, bucket, key, etag string) string {
	return `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-05-04T03:02:01.000Z",
		"eventName":"` + name + `","userIdentity":{"principalId":"AWS:AROADEVICE:c0ffee"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},
		"responseElements":{"x-amz-request-id":"C3D13FE58DE4C810","x-amz-id-2":"x"},"s3":{"s3SchemaVersion":"1.0","configurationId":"pictures",
		"bucket":{"name":"` + bucket + `","ownerIdentity":{"principalId":"A3NL1KOZZKExample"},"arn":"arn:aws:s3:::` + bucket + `"},
		"object":{"key":"` + key + `","size":1024,"eTag":"` + etag + `","sequencer":"0055AED6DCD90281E5"}}}]}`
}

func TestParseMessage(t *testing.T) {
	got, err := parseMessage(said("ObjectCreated:Put", "thumbs", "thumbnails/porch/a+b%28%C3%A9%29.jpg", "d41d8cd9"))
	require.NoError(t, err)
	require.Equal(t, []Picture{{Bucket: "thumbs", Key: "thumbnails/porch/a b(é).jpg", ETag: "d41d8cd9", Size: 1024}}, got)
	for name, body := range map[string]string{
		"test":    `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-05-04T03:02:01.000Z","Bucket":"thumbs","RequestId":"x","HostId":"y"}`,
		"removal": said("ObjectRemoved:Delete", "thumbs", "k", "e"),
		"nothing": `{"Records":[]}`,
	} {
		got, err := parseMessage(body)
		require.NoError(t, err, name)
		require.Empty(t, got, name)
	}
	for name, body := range map[string]string{
		"empty": "", "no JSON": "{", "null": "null", "another": `{"event_id":"x"}`, "text": `"x"`,
		"no bucket": said("ObjectCreated:Put", "", "k", "e"), "no key": said("ObjectCreated:Put", "b", "", "e"),
		"no ETag": said("ObjectCreated:Put", "b", "k", ""), "long ETag": said("ObjectCreated:Put", "b", "k", strings.Repeat("x", 129)),
		"bad escape": said("ObjectCreated:Put", "b", "a%zz", "e"), "too large": strings.Repeat(" ", maxMessage) + "{}",
	} {
		_, err := parseMessage(body)
		require.ErrorIs(t, err, ErrRejected, name)
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(said("ObjectCreated:Put", "thumbs", "thumbnails/porch/porch.front/"+id+".jpg", "d41d8cd9"))
	f.Add(`{"Event":"s3:TestEvent"}`)
	f.Fuzz(func(t *testing.T, body string) {
		pictures, err := parseMessage(body)
		if err != nil && pictures != nil {
			t.Fatal("pictures of a message that is refused")
		}
		for _, p := range pictures {
			if p.Bucket == "" || p.Key == "" || p.ETag == "" {
				t.Fatalf("%+v", p)
			}
		}
	})
}
