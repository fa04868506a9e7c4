package fleet_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iot"
	"github.com/aws/aws-sdk-go-v2/service/iot/types"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/cloud/store"
	"porchlight/internal/config"
	"porchlight/internal/fleet"
	"porchlight/internal/localcloud/dynamo/dynamotest"
	"porchlight/internal/localcloud/iam"
	"porchlight/internal/localcloud/iotcore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type world struct {
	*fleet.Operator
	iot   *iot.Client
	table *store.Store
}

// fresh is an operator of a local registry and table.
func fresh(t *testing.T) world {
	t.Helper()
	document, err := iam.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}`))
	require.NoError(t, err)
	core, err := iotcore.New(iotcore.Config{
		Dir: t.TempDir(), Region: "us-east-1", AccountID: "000000000000", MQTTAddr: "127.0.0.1:0", CredentialsAddr: "127.0.0.1:0", WebSocketAddr: "127.0.0.1:0",
		Policies: []iotcore.PolicyProperties{{PolicyName: "thing-policy", PolicyDocument: document}, {PolicyName: "claim-policy", PolicyDocument: document}},
		Log:      slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = core.Close() })
	require.NoError(t, core.Start(t.Context()))
	control := httptest.NewServer(core.ControlHandler())
	t.Cleanup(control.Close)
	database := dynamotest.Start(t)
	require.NoError(t, database.Provision(t.Context(), dynamotest.Table()))

	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	keys := credentials.NewStaticCredentialsProvider("test", "test", "")
	table := store.New(store.Config{Table: dynamotest.Table().TableName, API: dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(database.Endpoint()), HTTPClient: &http.Client{Transport: transport}, Credentials: keys,
	})})
	client := iot.New(iot.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(control.URL), HTTPClient: &http.Client{Transport: transport}, Credentials: keys,
	})
	return world{&fleet.Operator{
		IoT: client, Store: table, Region: "eu-central-1", AWSEndpoint: "http://127.0.0.1:4566", Step: func(string, ...any) {},
		Outputs: fleet.Outputs{
			"ThingPolicyName": "thing-policy", "ClaimPolicyName": "claim-policy", "RoleAliasName": "alias", "ThumbnailBucketName": "bucket",
			"ProvisioningTemplateName": "fleet",
		},
	}, client, table}
}

func add(dir, thing string) fleet.AddOptions {
	return fleet.AddOptions{
		Folder: fleet.Folder{Out: dir, At: "/etc/porchlight"}, Thing: thing, Owner: "alice",
		Cameras: map[string]string{"front": "rtsp://u:p@192.0.2.7/sub"},
	}
}

func TestAddGivesADeviceAllItNeeds(t *testing.T) {
	w, dir := fresh(t), t.TempDir()
	added, err := w.Add(t.Context(), add(dir, "porch"))
	require.NoError(t, err)
	require.Equal(t, fleet.Added{Thing: "porch", CertificateID: added.CertificateID, Folder: dir, Config: filepath.Join(dir, "porchlight.yaml"), New: true}, added)
	for name, mode := range map[string]os.FileMode{"private.key": 0o600, "porchlight.yaml": 0o600, "certificate.pem": 0o644, "ca.pem": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), name)
	}
	c, err := config.Load(added.Config)
	require.NoError(t, err)
	require.Equal(t, []string{"porch", "/etc/porchlight/state"}, []string{c.Thing, c.StateDir})
	require.Equal(t, config.Cloud{Region: "eu-central-1", Endpoint: "http://127.0.0.1:4566", ThumbnailBucket: "bucket"}, c.Cloud)
	require.Equal(t, "rtsp://u:p@192.0.2.7/sub", c.Cameras["front"].Source)
	require.Equal(t, []string{"alias", "/etc/porchlight/certificate.pem", "/etc/porchlight/private.key", "/etc/porchlight/ca.pem"},
		[]string{c.IoT.RoleAlias, c.IoT.Certificate, c.IoT.PrivateKey, c.IoT.CA})

	thing, err := w.table.ThingOf(t.Context(), added.CertificateID)
	require.NoError(t, err)
	require.Equal(t, "porch", thing)
	owner, err := w.table.OwnerOf(t.Context(), "porch")
	require.NoError(t, err)
	require.Equal(t, "alice", owner)
	require.ErrorIs(t, w.table.ReserveThing(t.Context(), "porch", "007", "alice"), store.ErrNameTaken, "no device that is provisioned takes its name")
}

func TestAddTwiceChangesNothing(t *testing.T) {
	w, dir := fresh(t), t.TempDir()
	first, err := w.Add(t.Context(), add(dir, "porch"))
	require.NoError(t, err)
	edited := filepath.Join(dir, "porchlight.yaml")
	text, err := os.ReadFile(edited)
	require.NoError(t, err)
	text = append(text, "page: {listen: ''}\n"...)
	require.NoError(t, os.WriteFile(edited, text, 0o600))
	second, err := w.Add(t.Context(), add(dir, "porch"))
	require.NoError(t, err)
	first.New = false
	require.Equal(t, first, second)
	kept, err := os.ReadFile(edited)
	require.NoError(t, err)
	require.Equal(t, text, kept, "what the installer wrote is the installer's")
	out, err := w.iot.ListCertificates(t.Context(), &iot.ListCertificatesInput{})
	require.NoError(t, err)
	require.Len(t, out.Certificates, 1)
}

// lost is AWS IoT whose answers get lost at one operation.
type lost struct {
	*iot.Client
	at string
}

func (l *lost) AttachPolicy(ctx context.Context, in *iot.AttachPolicyInput, o ...func(*iot.Options)) (*iot.AttachPolicyOutput, error) {
	if l.at == "policy" {
		return nil, context.DeadlineExceeded
	}
	return l.Client.AttachPolicy(ctx, in, o...)
}

func (l *lost) AttachThingPrincipal(ctx context.Context, in *iot.AttachThingPrincipalInput, o ...func(*iot.Options)) (*iot.AttachThingPrincipalOutput, error) {
	out, err := l.Client.AttachThingPrincipal(ctx, in, o...)
	if l.at == "principal" {
		return nil, context.DeadlineExceeded
	}
	return out, err
}

func TestAddGoesOnWhereItWasInterrupted(t *testing.T) {
	for _, at := range []string{"policy", "principal"} {
		t.Run(at, func(t *testing.T) {
			w, dir := fresh(t), t.TempDir()
			w.IoT = &lost{w.iot, at}
			_, err := w.Add(t.Context(), add(dir, "porch"))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			w.IoT = w.iot
			added, err := w.Add(t.Context(), add(dir, "porch"))
			require.NoError(t, err)
			require.False(t, added.New)
			out, err := w.iot.ListThingPrincipals(t.Context(), &iot.ListThingPrincipalsInput{ThingName: aws.String("porch")})
			require.NoError(t, err)
			require.Len(t, out.Principals, 1)
			require.True(t, strings.HasSuffix(out.Principals[0], added.CertificateID))
		})
	}
}

func TestAddRefusesWhatWouldGoWrongLater(t *testing.T) {
	w, dir := fresh(t), t.TempDir()
	added, err := w.Add(t.Context(), add(dir, "porch"))
	require.NoError(t, err)

	_, err = w.Add(t.Context(), add(t.TempDir(), "porch"))
	require.ErrorIs(t, err, fleet.ErrHasCertificate)
	require.ErrorContains(t, err, "aws iot detach-thing-principal")
	_, err = w.Add(t.Context(), add(dir, "shed"))
	require.ErrorIs(t, err, fleet.ErrFolder)
	require.ErrorContains(t, err, `thing "porch"`)
	other := add(dir, "porch")
	other.Owner = "bob"
	_, err = w.Add(t.Context(), other)
	require.ErrorIs(t, err, store.ErrClaimed)
	for _, bad := range []string{"", "a b", "claim-1", strings.Repeat("x", 65)} {
		_, err = w.Add(t.Context(), add(t.TempDir(), bad))
		require.ErrorContains(t, err, "thing")
	}
	require.NoError(t, w.table.ReserveThing(t.Context(), "007", "007", ""))
	_, err = w.Add(t.Context(), add(t.TempDir(), "007"))
	require.ErrorIs(t, err, store.ErrNameTaken)

	delete(w.Outputs, "RoleAliasName")
	_, err = w.Add(t.Context(), add(t.TempDir(), "attic"))
	require.ErrorIs(t, err, fleet.ErrNoOutput)
	require.ErrorContains(t, err, "RoleAliasName")
	w.Outputs["RoleAliasName"] = "alias"

	_, err = w.iot.UpdateCertificate(t.Context(), &iot.UpdateCertificateInput{CertificateId: aws.String(added.CertificateID), NewStatus: types.CertificateStatusRevoked})
	require.NoError(t, err)
	_, err = w.Add(t.Context(), add(dir, "porch"))
	require.ErrorContains(t, err, "is REVOKED: remove "+filepath.Join(dir, "certificate.pem"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "private.key"), []byte("SECRET"), 0o600))
	_, err = w.Add(t.Context(), add(dir, "porch"))
	require.ErrorIs(t, err, fleet.ErrFolder)
	require.NotContains(t, err.Error(), "SECRET")
}

func TestClaimIsForManyDevices(t *testing.T) {
	w, dir := fresh(t), t.TempDir()
	options := fleet.ClaimOptions{Folder: fleet.Folder{Out: dir}, Serial: "/proc/device-tree/serial-number"}
	claimed, err := w.Claim(t.Context(), options)
	require.NoError(t, err)
	require.True(t, claimed.New)
	c, err := config.Load(claimed.Config)
	require.NoError(t, err)
	require.Equal(t, config.Provisioning{
		Template: "fleet", ClaimCertificate: filepath.Join(dir, "claim.pem"), ClaimKey: filepath.Join(dir, "claim.key"),
		Serial: "/proc/device-tree/serial-number",
	}, c.Provisioning)
	require.Empty(t, c.Cloud.Region, "the template knows it")
	again, err := w.Claim(t.Context(), options)
	require.NoError(t, err)
	claimed.New = false
	require.Equal(t, claimed, again)
	_, err = w.Add(t.Context(), add(dir, "porch"))
	require.ErrorIs(t, err, fleet.ErrFolder, "a folder is one or the other")

	roots, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(roots), "BEGIN CERTIFICATE"))
	options.CA = filepath.Join(dir, "none.pem")
	_, err = w.Claim(t.Context(), options)
	require.ErrorContains(t, err, "none.pem")
}

func TestAmazonRootsAreValid(t *testing.T) {
	pem, err := os.ReadFile("amazon-roots.pem")
	require.NoError(t, err)
	for _, name := range []string{"Amazon Root CA 1", "Amazon Root CA 3"} {
		found := false
		for _, c := range certificates(t, pem) {
			found = found || c.Subject.CommonName == name && c.IsCA && c.NotAfter.After(time.Date(2037, 1, 1, 0, 0, 0, 0, time.UTC)) && c.CheckSignatureFrom(c) == nil
		}
		require.True(t, found, name)
	}
}
