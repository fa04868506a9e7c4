package store_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"porchlight/internal/cloud/store"
)

func TestOwnerOfCertificate(t *testing.T) {
	db := api(t)
	s := over(db)
	id, unclaimed := strings.Repeat("0a", 32), strings.Repeat("0b", 32)
	for certificate, thing := range map[string]string{id: "porch", unclaimed: "shed"} {
		_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("porchlight"), Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "CERT#" + certificate}, "sk": &types.AttributeValueMemberS{Value: "THING"},
			"thing": &types.AttributeValueMemberS{Value: thing},
		}})
		require.NoError(t, err)
	}
	require.NoError(t, s.Claim(t.Context(), "porch", "alice"))
	owner, err := s.OwnerOfCertificate(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "alice", owner)
	_, err = s.OwnerOfCertificate(t.Context(), unclaimed)
	require.ErrorIs(t, err, store.ErrUnclaimed)
	for _, other := range []string{"", "porch", strings.Repeat("0c", 32), strings.ToUpper(id), id + "0"} {
		_, err = s.OwnerOfCertificate(t.Context(), other)
		require.ErrorIs(t, err, store.ErrNotFound, other)
	}
}
