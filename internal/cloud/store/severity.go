package store

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"porchlight/internal/event"
)

// In the conditions below AND binds before OR; parentheses would cost the
// local database more than a third more time to parse.

// putAlert stores an event that is an alert. When a later state is there
// already, which came first, that becomes an alert too. Labels of the cloud's
// stay, which a put would take away.
func (s *Store) putAlert(ctx context.Context, it item) (written bool, err error) {
	written, err = s.putIf(ctx, it,
		"attribute_not_exists(pk) OR #sequence < :sequence AND #camera = :camera AND attribute_not_exists("+cloudLabels+")", nil)
	if written || err != nil {
		return written, err
	}
	written, err = s.replaceKeeping(ctx, it, "#sequence < :sequence AND #camera = :camera", nil)
	if written || err != nil {
		return written, err
	}
	names, values := conditionOn(it)
	names["#severity"], values[":alert"] = "severity", str(string(event.Alert))
	_, err = s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: item{"pk": it["pk"], "sk": it["sk"]},
		UpdateExpression:         aws.String("SET #severity = :alert"),
		ConditionExpression:      aws.String("#sequence > :sequence AND #camera = :camera AND NOT #severity = :alert"),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	return wrote(err)
}

// putLesser stores an event that is no alert. When an earlier state was one,
// this is one, too.
func (s *Store) putLesser(ctx context.Context, it item) (written bool, err error) {
	alert := str(string(event.Alert))
	written, err = s.putIf(ctx, it, "attribute_not_exists(pk) OR #sequence < :sequence AND #camera = :camera AND NOT #severity = :alert", alert)
	if written || err != nil {
		return written, err
	}
	raised := maps.Clone(it)
	raised["severity"] = alert
	return s.replaceKeeping(ctx, raised, "#sequence < :sequence AND #camera = :camera AND #severity = :alert", alert)
}

// putIf puts an event. A condition on its severity compares with alert.
func (s *Store) putIf(ctx context.Context, it item, condition string, alert types.AttributeValue) (written bool, err error) {
	names, values := conditionOn(it)
	if alert != nil {
		names["#severity"], values[":alert"] = "severity", alert
	}
	_, err = s.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, Item: it, ConditionExpression: aws.String(condition),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	return wrote(err)
}

func conditionOn(it item) (names map[string]string, values item) {
	return map[string]string{"#sequence": "sequence", "#camera": "camera"},
		item{":sequence": it["sequence"], ":camera": it["camera"]}
}
