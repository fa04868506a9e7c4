package gallery_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	cloud "porchlight/internal/cloud/gallery"
	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
	"porchlight/internal/face/match"
	"porchlight/internal/localcloud/dynamo/dynamotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T) *dynamodb.Client {
	t.Helper()
	server := dynamotest.Start(t)
	require.NoError(t, server.Provision(t.Context(), dynamotest.Table()))
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	t.Cleanup(transport.CloseIdleConnections)
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func fresh(t *testing.T) *cloud.Galleries {
	t.Helper()
	return cloud.New(cloud.Config{API: client(t), Table: dynamotest.Table().TableName})
}

func net(hash string, dimension int) face.Model {
	return face.Model{Name: "net-" + hash, SHA256: strings.Repeat(hash, 32), Dimension: dimension}
}

// pictures makes some of the face that the seed chooses.
func pictures(t testing.TB, m face.Model, seed uint64, n int) (list []face.Embedding) {
	t.Helper()
	middle, noise := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, uint64(n)))
	center := make([]float32, m.Dimension)
	for i := range center {
		center[i] = float32(middle.NormFloat64())
	}
	for range n {
		raw := make([]float32, m.Dimension)
		for i := range raw {
			raw[i] = center[i] + 0.4*float32(noise.NormFloat64())
		}
		e, err := face.NewEmbedding(m, raw)
		require.NoError(t, err)
		list = append(list, e)
	}
	return list
}

func noon() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }

func enroll(t *testing.T, g *cloud.Galleries, owner, name string, list []face.Embedding) error {
	t.Helper()
	return g.Update(t.Context(), owner, func(old *gallery.Gallery) (*gallery.Gallery, error) { return old.With(name, list, noon()) })
}

func who(t *testing.T, g *cloud.Galleries, owner string, e face.Embedding) string {
	t.Helper()
	found, _, err := g.Gallery(t.Context(), owner, &e.Model)
	require.NoError(t, err)
	nearest, err := found.Nearest(e)
	require.NoError(t, err)
	name, _ := match.Rule{}.Name(nearest)
	return name
}

func TestPersonsComeAndGo(t *testing.T) {
	g, m := fresh(t), net("ab", 64)
	require.NoError(t, enroll(t, g, "alice", "Zoë", pictures(t, m, 1, 2)))
	require.NoError(t, enroll(t, g, "alice", "Ann # 1", pictures(t, m, 2, 1)))
	require.NoError(t, enroll(t, g, "alice", "Zoë", pictures(t, m, 1, 1)))
	found, others, err := g.Gallery(t.Context(), "alice", nil)
	require.NoError(t, err)
	require.Zero(t, others)
	persons := found.Persons()
	require.Len(t, persons, 2)
	require.Equal(t, []string{"Ann # 1", "Zoë"}, []string{persons[0].Name, persons[1].Name})
	require.Len(t, persons[1].Pictures, 3)
	require.Equal(t, noon(), persons[1].Enrolled)
	for i, e := range append(pictures(t, m, 1, 2), pictures(t, m, 1, 1)...) {
		require.InDeltaSlice(t, e.Vector, persons[1].Pictures[i].Vector, 1e-6)
	}
	require.Equal(t, "Zoë", who(t, g, "alice", pictures(t, m, 1, 7)[6]))
	require.Empty(t, who(t, g, "alice", pictures(t, m, 9, 1)[0]))

	require.NoError(t, g.Remove(t.Context(), "alice", "Zoë"))
	require.Empty(t, who(t, g, "alice", pictures(t, m, 1, 7)[6]))
	require.ErrorIs(t, g.Remove(t.Context(), "alice", "Zoë"), gallery.ErrUnknown)
	require.NoError(t, enroll(t, g, "alice", "Zoë", pictures(t, m, 1, 1)))
}

// What one owner enrolls no other is compared with, nor can see or remove.
func TestOwnersAreApart(t *testing.T) {
	g, m := fresh(t), net("ab", 64)
	require.NoError(t, enroll(t, g, "alice", "Zoë", pictures(t, m, 1, 2)))
	require.NoError(t, enroll(t, g, "alicex", "Ann", pictures(t, m, 1, 2)))
	require.NoError(t, enroll(t, g, "bob", "Ben", pictures(t, m, 2, 2)))
	query := pictures(t, m, 1, 7)[6]
	require.Equal(t, map[string]string{"alice": "Zoë", "alicex": "Ann", "bob": "", "carol": "", "alice#": ""}, map[string]string{
		"alice": who(t, g, "alice", query), "alicex": who(t, g, "alicex", query), "bob": who(t, g, "bob", query),
		"carol": who(t, g, "carol", query), "alice#": who(t, g, "alice#", query),
	})
	require.ErrorIs(t, g.Remove(t.Context(), "bob", "Zoë"), gallery.ErrUnknown)
	for _, owner := range []string{"", strings.Repeat("o", 257)} {
		_, _, err := g.Gallery(t.Context(), owner, nil)
		require.ErrorIs(t, err, cloud.ErrOwner)
		require.ErrorIs(t, enroll(t, g, owner, "Zoë", pictures(t, m, 1, 1)), cloud.ErrOwner)
		require.ErrorIs(t, g.Remove(t.Context(), owner, "Zoë"), cloud.ErrOwner)
	}
}

func TestUpdatesDoNotLoseEachOther(t *testing.T) {
	g, m := fresh(t), net("ab", 8)
	var wg sync.WaitGroup
	for i := range 4 {
		list := pictures(t, m, 1, 1)
		other := pictures(t, m, uint64(10+i), 1)
		wg.Go(func() {
			assert.NoError(t, enroll(t, g, "alice", "Zoë", list), "one picture more of one person")
			assert.NoError(t, enroll(t, g, "alice", fmt.Sprint("p", i), other))
		})
	}
	wg.Wait()
	found, _, err := g.Gallery(t.Context(), "alice", nil)
	require.NoError(t, err)
	require.Len(t, found.Persons(), 5)
	require.Len(t, found.Persons()[0].Pictures, 4)
}

func TestModelsAreNotMixed(t *testing.T) {
	g, m, other := fresh(t), net("ab", 16), net("cd", 16)
	require.NoError(t, enroll(t, g, "alice", "Zoë", pictures(t, m, 1, 1)))
	require.ErrorIs(t, enroll(t, g, "alice", "Ann", pictures(t, other, 2, 1)), gallery.ErrModel)
	found, others, err := g.Gallery(t.Context(), "alice", &other)
	require.NoError(t, err)
	require.Equal(t, 1, others)
	require.Empty(t, found.Persons())
}

func TestRefusals(t *testing.T) {
	g, m := fresh(t), net("ab", 4096)
	for _, name := range []string{"Unknown", "no-face", "INVALID-IMAGE", "Unauthorized"} {
		require.ErrorIs(t, enroll(t, g, "alice", name, pictures(t, m, 1, 1)), cloud.ErrReserved)
	}
	require.ErrorIs(t, enroll(t, g, "alice", " Ann", pictures(t, m, 1, 1)), gallery.ErrName)
	require.ErrorIs(t, g.Remove(t.Context(), "alice", ""), gallery.ErrName)
	require.ErrorIs(t, enroll(t, g, "alice", "Ann", pictures(t, m, 1, 32)), gallery.ErrFull, "more than an item holds")
	err := g.Update(t.Context(), "alice", func(old *gallery.Gallery) (*gallery.Gallery, error) {
		two, err := old.With("Ann", pictures(t, m, 1, 1), noon())
		require.NoError(t, err)
		return two.With("Ben", pictures(t, m, 2, 1), noon())
	})
	require.ErrorIs(t, err, cloud.ErrChange)
	require.NoError(t, enroll(t, g, "alice", "Ann", pictures(t, m, 1, 1)))
	err = g.Update(t.Context(), "alice", func(old *gallery.Gallery) (*gallery.Gallery, error) { return old.Without("Ann") })
	require.ErrorIs(t, err, cloud.ErrChange, "Remove does that")
	require.NoError(t, g.Update(t.Context(), "alice", func(old *gallery.Gallery) (*gallery.Gallery, error) { return old, nil }))
}

func TestDamagedItemsAreNamedAndCanBeRemoved(t *testing.T) {
	db := client(t)
	table := dynamotest.Table().TableName
	g, m := cloud.New(cloud.Config{API: db, Table: table}), net("ab", 4)
	require.NoError(t, enroll(t, g, "alice", "Ann", pictures(t, m, 1, 1)))
	for says, spoil := range map[string]string{
		"want a name, a SHA-256": "SET model_sha256 = :v", "want a version": "SET embeddings = :v", "is no binary value": "SET embeddings = :l",
		"3 bytes": "SET embeddings = :b",
	} {
		require.NoError(t, enroll(t, g, "bob", "Ann", pictures(t, m, 1, 1)))
		values := map[string]types.AttributeValue{
			":v": &types.AttributeValueMemberS{Value: "x"},
			":l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: "x"}}},
			":b": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberB{Value: []byte("abc")}}},
		}
		name := spoil[len(spoil)-2:]
		_, err := db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &table, UpdateExpression: &spoil,
			Key:                       map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "OWNER#bob"}, "sk": &types.AttributeValueMemberS{Value: "FACE#Ann"}},
			ExpressionAttributeValues: map[string]types.AttributeValue{name: values[name]},
		})
		require.NoError(t, err)
		_, _, err = g.Gallery(t.Context(), "bob", nil)
		require.ErrorIs(t, err, cloud.ErrItem)
		require.ErrorContains(t, err, says)
		require.NoError(t, g.Remove(t.Context(), "bob", "Ann"))
	}
	_, _, err := g.Gallery(t.Context(), "alice", nil)
	require.NoError(t, err)
}
