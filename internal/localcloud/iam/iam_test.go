package iam_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iam"
)

const devicePolicy = `{"Version":"2012-10-17","Statement":[
 {"Sid":"Connect","Effect":"Allow","Action":"iot:Connect",
  "Resource":"arn:aws:iot:us-east-1:000000000000:client/${iot:Connection.Thing.ThingName}",
  "Condition":{"Bool":{"iot:Connection.Thing.IsAttached":"true"},
   "ForAllValues:StringEquals":{"iot:ConnectAttributes":["PersistentConnect","LastWill"]}}},
 {"Effect":"Allow","Action":["iot:Publish","iot:RetainPublish"],
  "Resource":["arn:aws:iot:us-east-1:000000000000:topic/porchlight/v1/${iot:Connection.Thing.ThingName}/*"]}]}`

func statement(s string) string {
	return `{"Version":"2012-10-17","Statement":` + s + `}`
}

func TestEvaluate(t *testing.T) {
	const clientARN = "arn:aws:iot:us-east-1:000000000000:client/"
	const topicARN = "arn:aws:iot:us-east-1:000000000000:topic/porchlight/v1/"
	front := map[string]string{"iot:Connection.Thing.ThingName": "front", "iot:Connection.Thing.IsAttached": "true"}
	const allowAll = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	tests := []struct {
		name    string
		docs    []string
		request iam.Request
		want    bool
		denied  bool
	}{
		{"own client id", []string{devicePolicy}, iam.Request{Action: "iot:Connect", Resource: clientARN + "front", Variables: front}, true, false},
		{"action case does not matter", []string{devicePolicy}, iam.Request{Action: "IOT:connect", Resource: clientARN + "front", Variables: front}, true, false},
		{"other client id", []string{devicePolicy}, iam.Request{Action: "iot:Connect", Resource: clientARN + "back", Variables: front}, false, false},
		{"allowed attributes", []string{devicePolicy}, iam.Request{Action: "iot:Connect", Resource: clientARN + "front", Variables: front, Lists: map[string][]string{"iot:connectattributes": {"LastWill"}}}, true, false},
		{"attribute not listed", []string{devicePolicy}, iam.Request{Action: "iot:Connect", Resource: clientARN + "front", Variables: front, Lists: map[string][]string{"iot:ConnectAttributes": {"LastWill", "Other"}}}, false, false},
		{"own topic", []string{devicePolicy}, iam.Request{Action: "iot:Publish", Resource: topicARN + "front/events", Variables: front}, true, false},
		{"foreign topic", []string{devicePolicy}, iam.Request{Action: "iot:Publish", Resource: topicARN + "back/events", Variables: front}, false, false},
		{"unset variable", []string{devicePolicy}, iam.Request{Action: "iot:Publish", Resource: topicARN + "/events"}, false, false},
		{"empty variable", []string{devicePolicy}, iam.Request{Action: "iot:Publish", Resource: topicARN + "/events", Variables: map[string]string{"iot:Connection.Thing.ThingName": ""}}, false, false},
		{"variable value is literal", []string{devicePolicy}, iam.Request{Action: "iot:Publish", Resource: topicARN + "back/events", Variables: map[string]string{"iot:Connection.Thing.ThingName": "*"}}, false, false},
		{"no documents", nil, iam.Request{Action: "iot:Publish", Resource: "x"}, false, false},
		{"deny wins over earlier allow", []string{statement(`[` + allowAll + `]`), statement(`{"Effect":"Deny","Action":"s3:*","Resource":"*"}`)}, iam.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}, false, true},
		{"NotAction allows the rest", []string{statement(`{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`)}, iam.Request{Action: "sns:Publish", Resource: "x"}, true, false},
		{"NotAction excludes", []string{statement(`{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`)}, iam.Request{Action: "s3:PutObject", Resource: "x"}, false, false},
		{"NotResource allows the rest", []string{statement(`{"Effect":"Allow","Action":"*","NotResource":["a","b"]}`)}, iam.Request{Action: "s3:PutObject", Resource: "c"}, true, false},
		{"NotResource excludes", []string{statement(`{"Effect":"Allow","Action":"*","NotResource":["a","b"]}`)}, iam.Request{Action: "s3:PutObject", Resource: "b"}, false, false},
		{"allow NotResource with unset variable stays shut", []string{statement(`{"Effect":"Allow","Action":"*","NotResource":"${x:y}"}`)}, iam.Request{Action: "s3:PutObject", Resource: "c"}, false, false},
		{"deny NotResource with unset variable denies", []string{statement(`[` + allowAll + `,{"Effect":"Deny","Action":"*","NotResource":"${x:y}"}]`)}, iam.Request{Action: "s3:PutObject", Resource: "c"}, false, true},
		{"question mark is one character", []string{statement(`{"Effect":"Allow","Action":"s3:Ge?Object","Resource":"k?y"}`)}, iam.Request{Action: "s3:GetObject", Resource: "kéy"}, true, false},
		{"question mark is not none", []string{statement(`{"Effect":"Allow","Action":"*","Resource":"k?y"}`)}, iam.Request{Action: "s3:GetObject", Resource: "ky"}, false, false},
		{"escaped star is a star", []string{statement(`{"Effect":"Allow","Action":"*","Resource":"a${*}c${$}{d}"}`)}, iam.Request{Action: "s3:GetObject", Resource: "a*c${d}"}, true, false},
		{"escaped star is no wildcard", []string{statement(`{"Effect":"Allow","Action":"*","Resource":"a${*}"}`)}, iam.Request{Action: "s3:GetObject", Resource: "abc"}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var docs []iam.Document
			for _, d := range tt.docs {
				doc, err := iam.Parse([]byte(d))
				require.NoError(t, err)
				docs = append(docs, doc)
			}
			got := iam.Evaluate(docs, tt.request)
			require.Equal(t, tt.want, got.Allowed, got.Reason)
			require.Equal(t, tt.denied, got.Denied, got.Reason)
			require.NotEmpty(t, got.Reason)
		})
	}
}

func TestConditions(t *testing.T) {
	vars := map[string]string{"k:name": "front-door", "k:n": "5", "k:arn": "arn:aws:sns:us-east-1:1:topic", "k:tls": "true", "k:ip": "10.1.2.3", "aws:now": "2026-11-20T10:00:00Z"}
	lists := map[string][]string{"k:tags": {"a", "b"}}
	tests := []struct {
		condition string
		want      bool
	}{
		{`{"StringEquals":{"k:name":"front-door"}}`, true},
		{`{"StringEquals":{"K:NAME":["x","front-door"]}}`, true},
		{`{"StringEquals":{"k:name":"front*"}}`, false},
		{`{"StringEquals":{"k:absent":"x"}}`, false},
		{`{"StringEquals":{"k:name":[]}}`, false},
		{`{"StringEqualsIfExists":{"k:absent":"x"}}`, true},
		{`{"StringEqualsIfExists":{"k:name":"x"}}`, false},
		{`{"StringNotEquals":{"k:name":"x"}}`, true},
		{`{"StringNotEquals":{"k:name":["x","front-door"]}}`, false},
		{`{"StringNotEquals":{"k:absent":"x"}}`, true},
		{`{"StringNotEquals":{"k:name":"${k:absent}"}}`, false},
		{`{"StringEqualsIgnoreCase":{"k:name":"FRONT-door"}}`, true},
		{`{"StringLike":{"k:name":"front-*"}}`, true},
		{`{"StringNotLike":{"k:name":"front-*"}}`, false},
		{`{"StringLike":{"k:name":"${k:name}*"}}`, true},
		{`{"Bool":{"k:tls":true}}`, true},
		{`{"Bool":{"k:tls":"false"}}`, false},
		{`{"NumericLessThan":{"k:n":6}}`, true},
		{`{"NumericLessThan":{"k:n":"5"}}`, false},
		{`{"NumericLessThanEquals":{"k:n":5.0}}`, true},
		{`{"NumericGreaterThan":{"k:name":1}}`, false},
		{`{"DateGreaterThan":{"aws:now":"2026-11-20T09:59:59Z"}}`, true},
		{`{"DateLessThan":{"aws:now":"2026-11-20"}}`, false},
		{`{"ArnLike":{"k:arn":"arn:aws:sns:*:1:top*"}}`, true},
		{`{"ArnEquals":{"k:arn":"arn:aws:sns:us-east-1:1:topic"}}`, true},
		{`{"ArnLike":{"k:arn":"arn:aws:*:*:*:*"}}`, true},
		{`{"ArnLike":{"k:name":"arn:aws:*:*:*:*"}}`, false},
		{`{"ArnNotLike":{"k:arn":"arn:aws:sqs:*:*:*"}}`, true},
		{`{"IpAddress":{"k:ip":"10.0.0.0/8"}}`, true},
		{`{"NotIpAddress":{"k:ip":"10.1.2.3"}}`, false},
		{`{"Null":{"k:name":false}}`, true},
		{`{"Null":{"k:name":"true"}}`, false},
		{`{"Null":{"k:absent":"true"}}`, true},
		{`{"ForAllValues:StringEquals":{"k:tags":["a","b","c"]}}`, true},
		{`{"ForAllValues:StringEquals":{"k:tags":["a"]}}`, false},
		{`{"ForAllValues:StringEquals":{"k:absent":["a"]}}`, true},
		{`{"ForAllValues:StringNotEquals":{"k:tags":["b"]}}`, false},
		{`{"ForAnyValue:StringEquals":{"k:tags":["b"]}}`, true},
		{`{"ForAnyValue:StringEquals":{"k:absent":["b"]}}`, false},
		{`{"StringEquals":{"k:name":"front-door"},"Bool":{"k:tls":"false"}}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.condition, func(t *testing.T) {
			doc, err := iam.Parse([]byte(statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + tt.condition + `}`)))
			require.NoError(t, err)
			got := iam.Evaluate([]iam.Document{doc}, iam.Request{Action: "a:b", Resource: "r", Variables: vars, Lists: lists})
			require.Equal(t, tt.want, got.Allowed)
		})
	}
}

func TestTrustPolicy(t *testing.T) {
	doc, err := iam.Parse([]byte(statement(`[{"Effect":"Allow","Principal":{"Service":["credentials.iot.amazonaws.com"]},"Action":"sts:AssumeRole"}]`)))
	require.NoError(t, err)
	ask := func(principal string) bool {
		return iam.Evaluate([]iam.Document{doc}, iam.Request{Action: "sts:AssumeRole", Resource: "role", Principal: principal}).Allowed
	}
	require.True(t, ask("credentials.iot.amazonaws.com"))
	require.False(t, ask("lambda.amazonaws.com"))
	anyone, err := iam.Parse([]byte(statement(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`)))
	require.NoError(t, err)
	require.True(t, iam.Evaluate([]iam.Document{anyone}, iam.Request{Action: "sts:AssumeRole", Principal: "x"}).Allowed)
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]string{
		"not JSON":             `{`,
		"two values":           statement(`[]`) + `{}`,
		"unknown element":      statement(`{"Effect":"Allow","Action":"a:b","Resource":"*","Extra":1}`),
		"unknown version":      `{"Version":"2020-01-01","Statement":[]}`,
		"effect":               statement(`{"Effect":"allow","Action":"a:b","Resource":"*"}`),
		"no action":            statement(`{"Effect":"Allow","Resource":"*"}`),
		"both actions":         statement(`{"Effect":"Allow","Action":"a:b","NotAction":"a:c","Resource":"*"}`),
		"bare action":          statement(`{"Effect":"Allow","Action":"Publish","Resource":"*"}`),
		"no resource":          statement(`{"Effect":"Allow","Action":"a:b"}`),
		"empty resources":      statement(`{"Effect":"Allow","Action":"a:b","Resource":[]}`),
		"null resource":        statement(`{"Effect":"Allow","Action":"a:b","Resource":[null]}`),
		"unresolved intrinsic": statement(`{"Effect":"Allow","Action":"a:b","Resource":{"Ref":"X"}}`),
		"NotPrincipal":         statement(`{"Effect":"Allow","NotPrincipal":"*","Action":"a:b","Resource":"*"}`),
		"kind of principal":    statement(`{"Effect":"Allow","Principal":{"Robot":"x"},"Action":"a:b"}`),
		"operator":             statement(`{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringSimilar":{"a":"b"}}}`),
		"Bool value":           statement(`{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"Bool":{"a":"yes"}}}`),
		"ARN value":            statement(`{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"ArnLike":{"a":"topic"}}}`),
		"condition value":      statement(`{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringEquals":{"a":{"Ref":"x"}}}}`),
		"open variable":        statement(`{"Effect":"Allow","Action":"a:b","Resource":"${iot:ClientId"}`),
		"variable default":     statement(`{"Effect":"Allow","Action":"a:b","Resource":"${a:b, 'c'}"}`),
		"variable in old":      `{"Statement":[{"Effect":"Allow","Action":"a:b","Resource":"${a:b}"}]}`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := iam.Parse([]byte(text))
			require.ErrorIs(t, err, iam.ErrPolicy)
		})
	}
}

func TestDocumentInProperties(t *testing.T) {
	var props struct{ PolicyDocument iam.Document }
	require.NoError(t, json.Unmarshal([]byte(`{"PolicyDocument":`+devicePolicy+`}`), &props))
	out, err := json.Marshal(props.PolicyDocument)
	require.NoError(t, err)
	require.JSONEq(t, devicePolicy, string(out))
	require.ErrorIs(t, json.Unmarshal([]byte(`{"PolicyDocument":{"Version":"x"}}`), &props), iam.ErrPolicy)
	empty, err := json.Marshal(iam.Document{})
	require.NoError(t, err)
	_, err = iam.Parse(empty)
	require.NoError(t, err)
}

// FuzzParse looks for crashes, and for documents that allow what an explicit
// deny of everything beside them must prevent.
func FuzzParse(f *testing.F) {
	f.Add([]byte(devicePolicy), "iot:Publish", "arn:aws:iot:us-east-1:000000000000:topic/a")
	f.Add([]byte(statement(`{"Effect":"Allow","Action":"*","Resource":"a${*}?*b*","Condition":{"ArnLike":{"aws:SourceArn":"arn:a:*:b:c:d*"}}}`)), "a:b", "a*xyb")
	f.Add([]byte(statement(`{"Effect":"Deny","NotAction":"x:*","NotResource":"${x:y}","Condition":{"NumericLessThanIfExists":{"s3:TlsVersion":1.2}}}`)), "", "")
	denyAll, err := iam.Parse([]byte(statement(`{"Effect":"Deny","Action":"*","Resource":"*"}`)))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, doc []byte, action, resource string) {
		parsed, err := iam.Parse(doc)
		if err != nil {
			require.ErrorIs(t, err, iam.ErrPolicy)
			return
		}
		r := iam.Request{Action: action, Resource: resource, Variables: map[string]string{"aws:SourceArn": resource, "s3:TlsVersion": action}}
		iam.Evaluate([]iam.Document{parsed}, r)
		got := iam.Evaluate([]iam.Document{parsed, denyAll}, r)
		require.False(t, got.Allowed)
		again, err := json.Marshal(parsed)
		require.NoError(t, err)
		_, err = iam.Parse(again)
		require.NoError(t, err)
	})
}
