package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/config"
)

// claimed is all that a device fresh from the box is given.
const claimed = `
state_dir: state
iot: {endpoint: "a:1"}
provisioning: {template: fleet, claim_certificate: c, claim_key: k, serial: "007"}
cameras: {front: {source: "rtsp://a/b"}}
`

func told() map[string]string {
	return map[string]string{
		"role_alias": "alias", "thumbnail_bucket": "bucket", "region": "eu-central-1", "credentials_endpoint": "creds:443",
		"of a newer cloud": "unknown here",
	}
}

func TestProvisioningCompletesTheConfiguration(t *testing.T) {
	c, err := config.Parse([]byte(claimed))
	require.NoError(t, err)
	require.True(t, c.Provisioning.Wanted())
	require.Empty(t, c.Thing)
	whole, err := c.Provisioned("porch", "cert", "key", told())
	require.NoError(t, err)
	require.False(t, whole.Provisioning.Wanted())
	require.Equal(t, "porch", whole.Thing)
	require.Equal(t, config.IoT{
		Endpoint: "a:1", CredentialsEndpoint: "creds:443", RoleAlias: "alias", Certificate: "cert", PrivateKey: "key",
	}, whole.IoT)
	require.Equal(t, config.Cloud{Region: "eu-central-1", ThumbnailBucket: "bucket"}, whole.Cloud)
	require.Empty(t, c.Thing, "the original is as it was")
}

func TestWhatTheFileSaysWins(t *testing.T) {
	text := strings.Replace(claimed, `{endpoint: "a:1"}`, `{endpoint: "a:1", role_alias: mine, credentials_endpoint: "d:2"}
cloud: {region: us-east-1, endpoint: "http://a", thumbnail_bucket: own}
thing: porch`, 1)
	c, err := config.Parse([]byte(text))
	require.NoError(t, err)
	whole, err := c.Provisioned("porch", "cert", "key", told())
	require.NoError(t, err)
	require.Equal(t, config.Cloud{Region: "us-east-1", Endpoint: "http://a", ThumbnailBucket: "own"}, whole.Cloud)
	require.Equal(t, []string{"mine", "d:2"}, []string{whole.IoT.RoleAlias, whole.IoT.CredentialsEndpoint})
	_, err = c.Provisioned("shed", "cert", "key", told())
	require.ErrorContains(t, err, "thing: porch, but this device was provisioned as shed")
}

func TestWhatNobodySaysIsNamed(t *testing.T) {
	c, err := config.Parse([]byte(claimed))
	require.NoError(t, err)
	for _, name := range []string{"role_alias", "thumbnail_bucket", "region", "credentials_endpoint"} {
		less := told()
		delete(less, name)
		_, err := c.Provisioned("porch", "cert", "key", less)
		require.ErrorIs(t, err, config.ErrInvalid)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, "provisioning template fleet")
	}
	hostOnly := told()
	hostOnly["credentials_endpoint"] = "creds.example"
	whole, err := c.Provisioned("porch", "cert", "key", hostOnly)
	require.NoError(t, err)
	require.Equal(t, "creds.example:443", whole.IoT.CredentialsEndpoint)
}

func TestBadProvisioningIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"no serial":       {`, serial: "007"`, ``, "provisioning.serial"},
		"no claim":        {`claim_certificate: c, `, ``, "provisioning.claim_certificate"},
		"no key":          {`claim_key: k, `, ``, "provisioning.claim_key"},
		"own certificate": {`endpoint: "a:1"`, `endpoint: "a:1", certificate: c`, "iot.certificate"},
		"no endpoint":     {`endpoint: "a:1"`, ``, "iot.endpoint"},
		"no parameters":   {`serial: "007"`, `serial: "007", parameters: hello`, "provisioning.parameters"},
		"camera":          {"rtsp://a/b", "", "cameras.front.source"},
		"camera's name":   {"front:", "a b:", "cameras.a b"},
		"unknown key":     {"template: fleet", "templat: fleet", "provisioning.templat"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse([]byte(strings.Replace(claimed, c.from, c.to, 1)))
			require.ErrorIs(t, err, config.ErrInvalid)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestMoreParameters(t *testing.T) {
	require.Nil(t, config.Provisioning{}.More())
	require.Equal(t, map[string]string{"Place": "porch", "Color": "red=ish"}, config.Provisioning{Parameters: "Place=porch, Color = red=ish"}.More())
}
