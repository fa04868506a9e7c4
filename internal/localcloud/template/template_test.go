package template

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func home() Environment {
	return Environment{Region: "us-east-1", AccountID: "000000000000", StackName: "porchlight",
		Endpoint: "http://127.0.0.1:4566"}
}

func fixture(t *testing.T) *Stack {
	t.Helper()
	raw, err := os.ReadFile("testdata/fixture.template.json")
	require.NoError(t, err)
	s, err := Load(home(), raw)
	require.NoError(t, err)
	return s
}

func one(t *testing.T, s *Stack, id string) *Resource {
	t.Helper()
	r, ok := s.Resource(id)
	require.True(t, ok, id)
	return r
}

func TestFixtureResolves(t *testing.T) {
	s := fixture(t)
	fn := one(t, s, "Function")
	require.Equal(t, "events", fn.Metadata["porchlight:lambda"])

	var props struct {
		Architectures []string
		Code          struct{ S3Bucket string }
		Environment   struct{ Variables map[string]string }
		Role          string
		Timeout       int
	}
	require.NoError(t, Decode(fn.Properties, &props))
	require.Equal(t, []string{"arm64"}, props.Architectures)
	require.Equal(t, "cdk-assets-000000000000-us-east-1", props.Code.S3Bucket)
	require.Equal(t, 30, props.Timeout)
	require.Equal(t, one(t, s, "Role").ARN, props.Role)
	require.Equal(t, map[string]string{
		"TABLE_NAME": one(t, s, "Table").Name, "EVENT_RETENTION_DAYS": "30", "SECRET": one(t, s, "Secret").ARN,
	}, props.Environment.Variables)

	role := one(t, s, "Role").Properties["ManagedPolicyArns"].([]any)
	require.Equal(t, "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", role[0])
	require.Equal(t, "arn:aws:iot:us-east-1:000000000000:client/${iot:Connection.Thing.ThingName}",
		one(t, s, "Things").Properties["PolicyDocument"])
	jwt := one(t, s, "Authorizer").Properties["JwtConfiguration"].(map[string]any)
	require.Equal(t, "https://cognito-idp.us-east-1.amazonaws.com/"+one(t, s, "Pool").PhysicalID, jwt["Issuer"])
	require.Equal(t, map[string]string{"BucketName": "thumbs-000000000000", "Zone": "us-east-1b",
		"PoolHost": "cognito-idp.us-east-1.amazonaws.com"}, s.Outputs)
	_, skipped := s.Resource("Skipped")
	require.False(t, skipped, "its condition is false")
	require.Len(t, s.OfType("AWS::S3::Bucket"), 2)
}

func TestOrderPutsDependenciesFirst(t *testing.T) {
	s := fixture(t)
	at := map[string]int{}
	for i, r := range s.Resources {
		at[r.LogicalID] = i
	}
	for _, pair := range [][2]string{{"Table", "Function"}, {"Role", "Function"}, {"RolePolicy", "Function"},
		{"Function", "Sub"}, {"Queue", "Rule"}, {"Pool", "Authorizer"}} {
		require.Less(t, at[pair[0]], at[pair[1]], "%s before %s", pair[0], pair[1])
	}
}

func TestPhysicalNamesFitTheirService(t *testing.T) {
	s, again := fixture(t), fixture(t)
	for id, pattern := range map[string]string{
		"Other":  `^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`,
		"Rule":   `^[a-zA-Z0-9_]{1,128}$`,
		"Topic":  `^arn:aws:sns:us-east-1:000000000000:porchlight-Topic-[0-9a-f]{8}$`,
		"Queue":  `^http://127\.0\.0\.1:4566/000000000000/porchlight-Queue-[0-9a-f]{8}$`,
		"Secret": `^arn:aws:secretsmanager:us-east-1:000000000000:secret:porchlight-Secret-[0-9a-f]{8}-[0-9A-Za-z]{6}$`,
		"Pool":   `^us-east-1_[0-9A-Za-z]{9}$`,
		"Api":    `^[a-z0-9]{10}$`,
		"Sub":    `^arn:aws:sns:us-east-1:000000000000:porchlight-Topic-[0-9a-f]{8}:[0-9a-f-]{36}$`,
		"Role":   `^[\w+=,.@-]{1,64}$`,
	} {
		require.Regexp(t, regexp.MustCompile(pattern), one(t, s, id).PhysicalID, id)
		require.Equal(t, one(t, s, id).PhysicalID, one(t, again, id).PhysicalID, "the same on every start")
	}
	long := Environment{Region: "us-east-1", AccountID: "000000000000", StackName: "a-very-long-stack-name-that-goes-on-and-on-and-on"}
	require.LessOrEqual(t, len(styleLower.generate(long, "ThumbnailBucketWithALongName")), 63)
}

func TestLoadRefuses(t *testing.T) {
	cases := map[string]struct {
		template string
		is       error
		says     []string
	}{
		"unknown types, all at once": {
			`{"Resources":{"Vm":{"Type":"AWS::EC2::Instance"},"Db":{"Type":"AWS::RDS::DBInstance"},"T":{"Type":"AWS::SNS::Topic"}}}`,
			ErrUnknownType, []string{"Vm (AWS::EC2::Instance)", "Db (AWS::RDS::DBInstance)"}},
		"unknown attribute": {
			`{"Resources":{"T":{"Type":"AWS::SNS::Topic"},"Q":{"Type":"AWS::SQS::Queue","Properties":{"X":{"Fn::GetAtt":["T","Colour"]}}}}}`,
			ErrUnknownAttribute, []string{"Q (AWS::SQS::Queue)", "Properties.X", "Colour of T", "TopicArn, TopicName"}},
		"cycle": {
			`{"Resources":{"A":{"Type":"AWS::SNS::Topic","DependsOn":"B"},"B":{"Type":"AWS::SNS::Topic","Properties":{"D":{"Fn::Sub":"${A.TopicName}"}}}}}`,
			ErrCycle, []string{"A → B → A"}},
		"condition cycle": {
			`{"Conditions":{"C":{"Condition":"C"}},"Resources":{"A":{"Type":"AWS::SNS::Topic","Condition":"C"}}}`,
			ErrCycle, []string{`"C"`}},
		"dangling reference": {
			`{"Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":{"D":{"Ref":"Nope"}}}}}`, ErrInvalid, []string{`"Nope"`}},
		"unknown function": {
			`{"Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":{"D":{"Fn::Cidr":["a",1,2]}}}}}`, ErrInvalid, []string{"Fn::Cidr"}},
		"parameter without value": {
			`{"Parameters":{"P":{"Type":"String"}},"Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":{"D":{"Ref":"P"}}}}}`,
			ErrInvalid, []string{"parameter P"}},
		"select out of range": {
			`{"Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":{"D":{"Fn::Select":[2,["a","b"]]}}}}}`, ErrInvalid, []string{`"2"`}},
		"no JSON":        {`Resources:`, ErrInvalid, []string{"not a JSON template"}},
		"no resources":   {`{}`, ErrInvalid, []string{"no Resources"}},
		"missing export": {`{"Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":{"D":{"Fn::ImportValue":"x"}}}}}`, ErrInvalid, []string{`"x"`}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Load(home(), []byte(c.template))
			require.ErrorIs(t, err, c.is)
			for _, s := range c.says {
				require.ErrorContains(t, err, s)
			}
		})
	}
}

func TestImportAcrossTemplates(t *testing.T) {
	producer := `{"Resources":{"Z":{"Type":"AWS::SNS::Topic"}},"Outputs":{"O":{"Value":{"Ref":"Z"},"Export":{"Name":{"Fn::Sub":"${AWS::StackName}-topic"}}}}}`
	consumer := `{"Resources":{"A":{"Type":"AWS::SQS::Queue","Properties":{"X":{"Fn::ImportValue":"porchlight-topic"}}}}}`
	s, err := Load(home(), []byte(consumer), []byte(producer))
	require.NoError(t, err)
	require.Equal(t, one(t, s, "Z").ARN, one(t, s, "A").Properties["X"])
	_, err = Load(home(), []byte(producer), []byte(producer))
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, `"Z"`)
}

func TestParameterOverride(t *testing.T) {
	env := home()
	env.Parameters = map[string]string{"P": "b"}
	s, err := Load(env, []byte(`{"Parameters":{"P":{"Type":"String","Default":"a"}},"Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":{"D":{"Ref":"P"}}}}}`))
	require.NoError(t, err)
	require.Equal(t, "b", one(t, s, "A").Properties["D"])
}

func TestInertTypesCarryReasons(t *testing.T) {
	require.Contains(t, Inert(), "AWS::CloudWatch::Alarm")
	require.NotContains(t, Inert(), "AWS::SQS::Queue")
}

// FuzzLoad: whatever the bytes are, Load answers with a stack or an error.
func FuzzLoad(f *testing.F) {
	raw, err := os.ReadFile("testdata/fixture.template.json")
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`{"Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":{"D":{"Fn::Sub":"${A}${!x}${"}}}}}`))
	f.Add([]byte(`{"Conditions":{"C":{"Fn::Or":[{"Condition":"C"}]}},"Resources":{"A":{"Type":"AWS::SQS::Queue","Condition":"C"}}}`))
	f.Add([]byte(`{"Outputs":{"O":{"Value":{"Fn::ImportValue":"a"},"Export":{"Name":"a"}}},"Resources":{"A":{"Type":"AWS::SQS::Queue","Properties":{"X":{"Fn::ImportValue":"a"}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Load(home(), data)
		require.Equal(t, err == nil, s != nil)
		if err != nil {
			return
		}
		for _, r := range s.Resources {
			require.NotEmpty(t, r.Type)
		}
	})
}
