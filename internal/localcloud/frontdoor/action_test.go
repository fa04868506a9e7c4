package frontdoor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNeeds(t *testing.T) {
	const account = ":us-east-1:000000000000:"
	table := "arn:aws:dynamodb" + account + "table/"
	dynamo := func(op, body string) call {
		return call{service: "dynamodb", method: "POST", url: "/", body: body, headers: map[string]string{"X-Amz-Target": "DynamoDB_20120810." + op}}
	}
	form := func(service, body string) call {
		return call{service: service, method: "POST", url: "/", body: body, headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
	}
	s3 := func(method, url string) call { return call{service: "s3", method: method, url: url} }
	for name, c := range map[string]struct {
		call call
		want []string
	}{
		"put item":    {dynamo("PutItem", `{"TableName":"t"}`), []string{"dynamodb:PutItem " + table + "t"}},
		"query index": {dynamo("Query", `{"TableName":"t","IndexName":"gsi1"}`), []string{"dynamodb:Query " + table + "t/index/gsi1"}},
		"table arn":   {dynamo("GetItem", `{"TableName":"`+table+`t"}`), []string{"dynamodb:GetItem " + table + "t"}},
		"batch": {dynamo("BatchWriteItem", `{"RequestItems":{"b":[],"a":[]}}`),
			[]string{"dynamodb:BatchWriteItem " + table + "a", "dynamodb:BatchWriteItem " + table + "b"}},
		"transaction": {dynamo("TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"a"}},{"ConditionCheck":{"TableName":"b"}}]}`),
			[]string{"dynamodb:PutItem " + table + "a", "dynamodb:ConditionCheckItem " + table + "b"}},
		"list tables":     {dynamo("ListTables", `{}`), []string{"dynamodb:ListTables *"}},
		"list buckets":    {s3("GET", "/"), []string{"s3:ListAllMyBuckets *"}},
		"list bucket":     {s3("GET", "/b?list-type=2&prefix=x"), []string{"s3:ListBucket arn:aws:s3:::b"}},
		"bucket location": {s3("GET", "/b?location="), []string{"s3:GetBucketLocation arn:aws:s3:::b"}},
		"get object":      {s3("GET", "/b/a/b%20c"), []string{"s3:GetObject arn:aws:s3:::b/a/b c"}},
		"head object":     {s3("HEAD", "/b/k"), []string{"s3:GetObject arn:aws:s3:::b/k"}},
		"put object":      {s3("PUT", "/b/k"), []string{"s3:PutObject arn:aws:s3:::b/k"}},
		"delete object":   {s3("DELETE", "/b/k"), []string{"s3:DeleteObject arn:aws:s3:::b/k"}},
		"delete many":     {call{service: "s3", method: "POST", url: "/b?delete=", body: `<Delete><Object><Key>x</Key></Object><Object><Key>y</Key></Object></Delete>`}, []string{"s3:DeleteObject arn:aws:s3:::b/x", "s3:DeleteObject arn:aws:s3:::b/y"}},
		"publish":         {form("sns", "Action=Publish&TopicArn=arn:topic&Message=x"), []string{"sns:Publish arn:topic"}},
		"publish target":  {form("sns", "Action=Publish&TargetArn=arn:topic&Message=x"), []string{"sns:Publish arn:topic"}},
		"send, query":     {form("sqs", "Action=SendMessageBatch&QueueUrl=http://h/000000000000/q"), []string{"sqs:SendMessage arn:aws:sqs" + account + "q"}},
		"send, json":      {call{service: "sqs", method: "POST", url: "/", body: `{"QueueUrl":"http://h/0/q"}`, headers: map[string]string{"X-Amz-Target": "AmazonSQS.SendMessage"}}, []string{"sqs:SendMessage arn:aws:sqs" + account + "q"}},
		"queue url":       {form("sqs", "Action=GetQueueUrl&QueueName=q"), []string{"sqs:GetQueueUrl arn:aws:sqs" + account + "q"}},
		"secret":          {call{service: "secretsmanager", method: "POST", url: "/", body: `{"SecretId":"s"}`, headers: map[string]string{"X-Amz-Target": "secretsmanager.GetSecretValue"}}, []string{"secretsmanager:GetSecretValue arn:secret:s"}},
		"labels":          {call{service: "rekognition", method: "POST", url: "/", body: `{}`, headers: map[string]string{"X-Amz-Target": "RekognitionService.DetectLabels"}}, []string{"rekognition:DetectLabels *"}},
		"iot publish":     {call{service: "iotdevicegateway", method: "POST", url: "/topics/porchlight%2Fv1%2Fporch%2Fevents", body: "{}"}, []string{"iot:Publish arn:aws:iot" + account + "topic/porchlight/v1/porch/events"}},
		"iot shadow":      {call{service: "iotdata", method: "GET", url: "/things/porch/shadow?name=config"}, []string{"iot:GetThingShadow arn:aws:iot" + account + "thing/porch/config"}},
		"classic shadow":  {call{service: "iotdata", method: "DELETE", url: "/things/porch/shadow"}, []string{"iot:DeleteThingShadow arn:aws:iot" + account + "thing/porch"}},
		"shadow names":    {call{service: "iotdata", method: "GET", url: "/api/things/shadow/ListNamedShadowsForThing/porch"}, []string{"iot:ListNamedShadowsForThing arn:aws:iot" + account + "thing/porch"}},
		"create job": {call{service: "iot", method: "PUT", url: "/jobs/j", body: `{"targets":["arn:a","arn:b"],"document":"{}"}`},
			[]string{"iot:CreateJob arn:aws:iot" + account + "job/j", "iot:CreateJob arn:a", "iot:CreateJob arn:b"}},
		"list jobs":  {call{service: "iot", method: "GET", url: "/jobs?status=CANCELED"}, []string{"iot:ListJobs *"}},
		"cancel job": {call{service: "iot", method: "PUT", url: "/jobs/j/cancel?force=true"}, []string{"iot:CancelJob arn:aws:iot" + account + "job/j"}},
		"executions": {call{service: "iot", method: "GET", url: "/things/porch/jobs"}, []string{"iot:ListJobExecutionsForThing arn:aws:iot" + account + "thing/porch"}},
		"delete execution": {call{service: "iot", method: "DELETE", url: "/things/porch/jobs/j/executionNumber/1"},
			[]string{"iot:DeleteJobExecution arn:aws:iot" + account + "thing/porch", "iot:DeleteJobExecution arn:aws:iot" + account + "job/j"}},
		"pending jobs":     {call{service: "iot-jobs-data", method: "GET", url: "/things/porch/jobs"}, []string{"iotjobsdata:GetPendingJobExecutions arn:aws:iot" + account + "thing/porch"}},
		"next job":         {call{service: "iot-jobs-data", method: "PUT", url: "/things/porch/jobs/$next"}, []string{"iotjobsdata:StartNextPendingJobExecution arn:aws:iot" + account + "thing/porch"}},
		"job of thing":     {call{service: "iot-jobs-data", method: "POST", url: "/things/porch/jobs/j", body: "{}"}, []string{"iotjobsdata:UpdateJobExecution arn:aws:iot" + account + "thing/porch"}},
		"who am i":         {form("sts", "Action=GetCallerIdentity"), nil},
		"two-faced action": {form("sns", "Action=Publish&Action=ListTopics&TopicArn=arn:topic"), []string{"sns:Publish arn:topic"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := &asked{}
			w := serve(door(t, a, keyring{}), c.call.request(t))
			require.Equal(t, 200, w.Code, w.Body.String())
			require.Equal(t, c.want, a.needs)
		})
	}
}

func TestNeedsRefuses(t *testing.T) {
	target := map[string]string{"X-Amz-Target": "DynamoDB_20120810.PutItem"}
	for name, c := range map[string]struct {
		call call
		says string
	}{
		"names that differ by case": {call{service: "dynamodb", method: "POST", url: "/", body: `{"TableName":"mine","tablename":"yours"}`, headers: target}, "distinct names"},
		"not JSON":                  {call{service: "dynamodb", method: "POST", url: "/", body: `TableName`, headers: target}, "SerializationException"},
		"no operation":              {call{service: "dynamodb", method: "POST", url: "/", body: `{}`}, "names no operation"},
		"form upload":               {call{service: "s3", method: "POST", url: "/b", body: "x"}, "NotImplemented"},
		"unknown iot path":          {call{service: "iotdata", method: "GET", url: "/retainedMessage"}, "ResourceNotFoundException"},
		"escaped slash":             {call{service: "iot", method: "GET", url: "/jobs%2Fj"}, "ResourceNotFoundException"},
		"targets no list":           {call{service: "iot", method: "PUT", url: "/jobs/j", body: `{"targets":"arn"}`}, "SerializationException"},
		"targets twice":             {call{service: "iot", method: "PUT", url: "/jobs/j", body: `{"targets":["a"],"Targets":["b"]}`}, "distinct names"},
		"unknown job operation":     {call{service: "iot-jobs-data", method: "DELETE", url: "/things/porch/jobs/j"}, "ResourceNotFoundException"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(door(t, &asked{}, keyring{}), c.call.request(t))
			require.GreaterOrEqual(t, w.Code, 400)
			require.Contains(t, w.Body.String(), c.says)
		})
	}
}
