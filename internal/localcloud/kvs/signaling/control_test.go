package signaling_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/kvs/signaling"
)

func hash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

func TestChannelsThroughTheSDK(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := start(t, dir, nil)
	client, ctx, name := w.control(), t.Context(), aws.String("porch")
	created, err := client.CreateSignalingChannel(ctx, &kinesisvideo.CreateSignalingChannelInput{ChannelName: name,
		SingleMasterConfiguration: &types.SingleMasterConfiguration{MessageTtlSeconds: aws.Int32(30)}, Tags: []types.Tag{{Key: aws.String("room"), Value: aws.String("hall")}}})
	require.NoError(t, err)
	require.Regexp(t, `^arn:aws:kinesisvideo:us-east-1:000000000000:channel/porch/\d{13}$`, *created.ChannelARN)
	_, err = client.CreateSignalingChannel(ctx, &kinesisvideo.CreateSignalingChannelInput{ChannelName: name})
	var inUse *types.ResourceInUseException
	require.ErrorAs(t, err, &inUse)

	described, err := client.DescribeSignalingChannel(ctx, &kinesisvideo.DescribeSignalingChannelInput{ChannelName: name})
	require.NoError(t, err)
	info := described.ChannelInfo
	require.Equal(t, types.StatusActive, info.ChannelStatus)
	require.Equal(t, types.ChannelTypeSingleMaster, info.ChannelType)
	require.EqualValues(t, 30, *info.SingleMasterConfiguration.MessageTtlSeconds)
	require.WithinDuration(t, time.Now(), *info.CreationTime, time.Hour)

	ttl := &types.SingleMasterConfiguration{MessageTtlSeconds: aws.Int32(120)}
	_, err = client.UpdateSignalingChannel(ctx, &kinesisvideo.UpdateSignalingChannelInput{ChannelARN: created.ChannelARN, CurrentVersion: aws.String("old"), SingleMasterConfiguration: ttl})
	var version *types.VersionMismatchException
	require.ErrorAs(t, err, &version)
	_, err = client.UpdateSignalingChannel(ctx, &kinesisvideo.UpdateSignalingChannelInput{ChannelARN: created.ChannelARN, CurrentVersion: info.Version, SingleMasterConfiguration: ttl})
	require.NoError(t, err)
	w.stop()

	w = start(t, dir, nil)
	client = w.control()
	described, err = client.DescribeSignalingChannel(ctx, &kinesisvideo.DescribeSignalingChannelInput{ChannelARN: created.ChannelARN})
	require.NoError(t, err, "channels outlive a restart")
	require.EqualValues(t, 120, *described.ChannelInfo.SingleMasterConfiguration.MessageTtlSeconds)

	_, err = client.TagResource(ctx, &kinesisvideo.TagResourceInput{ResourceARN: created.ChannelARN, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
	require.NoError(t, err)
	_, err = client.UntagResource(ctx, &kinesisvideo.UntagResourceInput{ResourceARN: created.ChannelARN, TagKeyList: []string{"room"}})
	require.NoError(t, err)
	tags, err := client.ListTagsForResource(ctx, &kinesisvideo.ListTagsForResourceInput{ResourceARN: created.ChannelARN})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "b"}, tags.Tags)

	storage, err := client.DescribeMediaStorageConfiguration(ctx, &kinesisvideo.DescribeMediaStorageConfigurationInput{ChannelARN: created.ChannelARN})
	require.NoError(t, err)
	require.Equal(t, types.MediaStorageConfigurationStatusDisabled, storage.MediaStorageConfiguration.Status)

	for role, path := range map[types.ChannelRole]string{types.ChannelRoleMaster: signaling.MasterPath, types.ChannelRoleViewer: signaling.ViewerPath} {
		endpoints, err := client.GetSignalingChannelEndpoint(ctx, &kinesisvideo.GetSignalingChannelEndpointInput{ChannelARN: created.ChannelARN,
			SingleMasterChannelEndpointConfiguration: &types.SingleMasterChannelEndpointConfiguration{Role: role,
				Protocols: []types.ChannelProtocol{types.ChannelProtocolWss, types.ChannelProtocolHttps}}})
		require.NoError(t, err)
		require.ElementsMatch(t, []types.ResourceEndpointListItem{
			{Protocol: types.ChannelProtocolWss, ResourceEndpoint: aws.String("ws" + strings.TrimPrefix(w.server.URL, "http") + path)},
			{Protocol: types.ChannelProtocolHttps, ResourceEndpoint: &w.server.URL},
		}, endpoints.ResourceEndpointList)
	}
	_, err = client.DeleteSignalingChannel(ctx, &kinesisvideo.DeleteSignalingChannelInput{ChannelARN: created.ChannelARN})
	require.NoError(t, err)
	_, err = client.DescribeSignalingChannel(ctx, &kinesisvideo.DescribeSignalingChannelInput{ChannelName: name})
	var missing *types.ResourceNotFoundException
	require.ErrorAs(t, err, &missing)
}

func TestListChannels(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), nil)
	for i := range 5 {
		w.create(t, fmt.Sprintf("cam-%d", i))
	}
	w.create(t, "attic")
	pages := kinesisvideo.NewListSignalingChannelsPaginator(w.control(), &kinesisvideo.ListSignalingChannelsInput{MaxResults: aws.Int32(2),
		ChannelNameCondition: &types.ChannelNameCondition{ComparisonOperator: types.ComparisonOperatorBeginsWith, ComparisonValue: aws.String("cam-")}})
	var names []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.ChannelInfoList), 2)
		for _, c := range page.ChannelInfoList {
			names = append(names, *c.ChannelName)
		}
	}
	require.Equal(t, []string{"cam-0", "cam-1", "cam-2", "cam-3", "cam-4"}, names)
}

func TestChannelsThatCannotBe(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), func(c *signaling.Config) { c.Limits.Channels = 1 })
	client := w.control()
	var invalid *types.InvalidArgumentException
	for _, in := range []*kinesisvideo.CreateSignalingChannelInput{
		{ChannelName: aws.String("a b")}, {ChannelName: aws.String(strings.Repeat("a", 257))}, {ChannelName: aws.String("a"), ChannelType: types.ChannelTypeFullMesh},
		{ChannelName: aws.String("a"), SingleMasterConfiguration: &types.SingleMasterConfiguration{MessageTtlSeconds: aws.Int32(4)}},
		{ChannelName: aws.String("a"), SingleMasterConfiguration: &types.SingleMasterConfiguration{MessageTtlSeconds: aws.Int32(121)}},
	} {
		_, err := client.CreateSignalingChannel(t.Context(), in)
		require.ErrorAs(t, err, &invalid, "%+v", in)
	}
	w.create(t, "one")
	_, err := client.CreateSignalingChannel(t.Context(), &kinesisvideo.CreateSignalingChannelInput{ChannelName: aws.String("two")})
	var limit *types.AccountChannelLimitExceededException
	require.ErrorAs(t, err, &limit)
}

func TestChannelsOfTheTemplate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	arn := "arn:aws:kinesisvideo:us-east-1:000000000000:channel/porch/1577836800000"
	for _, ttl := range []int{60, 90} {
		w := start(t, dir, nil)
		require.NoError(t, w.service.Provision(arn, signaling.Properties{Name: "porch", Type: "SINGLE_MASTER", MessageTtlSeconds: ttl}))
		got, err := w.control().DescribeSignalingChannel(t.Context(), &kinesisvideo.DescribeSignalingChannelInput{ChannelARN: &arn})
		require.NoError(t, err)
		require.EqualValues(t, ttl, *got.ChannelInfo.SingleMasterConfiguration.MessageTtlSeconds)
		w.stop()
	}
}

func TestICEServerConfig(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), func(c *signaling.Config) {
		c.Relay = "127.0.0.1:0"
		c.Limits.ICE = 3
	})
	arn := w.create(t, "porch")
	const path = "/v1/get-ice-server-config"
	for body, want := range map[string]string{
		`{}`: "InvalidArgumentException", `{"ChannelARN":"` + arn + `","ClientId":"a b"}`: "InvalidClientException",
		`{"ChannelARN":"` + arn + `","Service":"STUN"}`: "InvalidArgumentException", `{"ChannelARN":"` + arn + `1"}`: "ResourceNotFoundException", `{`: "",
	} {
		status, answer := w.post(t, w.keys.Admin(), path, body)
		require.GreaterOrEqual(t, status, 400, body)
		if want != "" {
			require.Equal(t, want, answer["__type"], body)
		}
	}
	status, answer := w.post(t, w.device(t, "attic"), path, `{"ChannelARN":"`+arn+`"}`)
	require.Equal(t, http.StatusForbidden, status, answer)
	status, answer = w.post(t, w.device(t, "porch"), path, `{"ChannelARN":"`+arn+`","ClientId":"anna","Service":"TURN"}`)
	require.Equal(t, http.StatusOK, status, answer)
	servers := answer["IceServerList"].([]any)
	require.Len(t, servers, 1)
	server := servers[0].(map[string]any)
	require.Equal(t, []any{"turn:" + w.service.RelayAddress() + "?transport=udp", "turn:" + w.service.RelayAddress() + "?transport=tcp"}, server["Uris"])
	require.EqualValues(t, 300, server["Ttl"])
	require.Eventually(t, func() bool {
		_, answer := w.post(t, w.keys.Admin(), path, `{"ChannelARN":"`+arn+`"}`)
		return answer["__type"] == "ClientLimitExceededException"
	}, patience, time.Millisecond)
}
