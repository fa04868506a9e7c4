package provision

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/internal/localcloud/iotcore/registry"
)

// body is a template with one thing and the given properties and sections.
func body(thing, sections string) string {
	return `{"Parameters":{"Serial":{"Type":"String"},"Model":{"Type":"String","Default":"X1"},"AWS::IoT::Certificate::Id":{"Type":"String"}},
	 "Resources":{"thing":{"Type":"AWS::IoT::Thing","Properties":{` + thing + `}},
	  "cert":{"Type":"AWS::IoT::Certificate","Properties":{"CertificateId":{"Ref":"AWS::IoT::Certificate::Id"}}}}` + sections + `}`
}

// TestDocumentedTemplate is the fleet provisioning example of the developer
// guide, less the thing type that is not supported here.
func TestDocumentedTemplate(t *testing.T) {
	b, err := Parse(`{
	 "Parameters":{"ThingName":{"Type":"String"},"SerialNumber":{"Type":"String"},"DeviceLocation":{"Type":"String"}},
	 "Mappings":{"LocationTable":{"Seattle":{"LocationUrl":"https://example.aws"}}},
	 "Resources":{
	  "thing":{"Type":"AWS::IoT::Thing","Properties":{
	    "AttributePayload":{"version":"v1","serialNumber":{"Ref":"SerialNumber"}},
	    "ThingName":{"Ref":"ThingName"},"ThingGroups":["widgets","WA"]},
	   "OverrideSettings":{"AttributePayload":"MERGE","ThingTypeName":"REPLACE","ThingGroups":"DO_NOTHING"}},
	  "certificate":{"Type":"AWS::IoT::Certificate","Properties":{"CertificateId":{"Ref":"AWS::IoT::Certificate::Id"},"Status":"Active"},
	   "OverrideSettings":{"Status":"REPLACE"}},
	  "policy":{"Type":"AWS::IoT::Policy","Properties":{"PolicyName":"camera"}}},
	 "DeviceConfiguration":{"FallbackUrl":"https://www.example.com/test-site","LocationUrl":{"Fn::FindInMap":["LocationTable",{"Ref":"DeviceLocation"},"LocationUrl"]}}}`)
	require.NoError(t, err)
	plan, configuration, err := b.Plan(map[string]string{"ThingName": "cam", "SerialNumber": "7", "DeviceLocation": "Seattle", CertificateParameter: "id"})
	require.NoError(t, err)
	require.Equal(t, registry.Plan{
		Status: registry.Active, Policies: []string{"camera"}, Thing: "cam", Attributes: map[string]string{"version": "v1", "serialNumber": "7"},
		Groups: []string{"widgets", "WA"}, AttributesOverride: registry.Merge, GroupsOverride: registry.DoNothing,
	}, plan)
	require.Equal(t, map[string]string{"FallbackUrl": "https://www.example.com/test-site", "LocationUrl": "https://example.aws"}, configuration)
	_, _, err = b.Plan(map[string]string{"ThingName": "cam", "SerialNumber": "7", "DeviceLocation": "Oslo"})
	require.ErrorIs(t, err, errParameter)
}

func TestFunctions(t *testing.T) {
	for expression, want := range map[string]string{
		`"plain"`:         "plain",
		`{"Ref":"Model"}`: "X1",
		`{"Ref":"cert"}`:  "id",
		`{"Fn::Join":["-",["a",{"Ref":"Serial"},"c"]]}`:                                   "a-1-2-3-c",
		`{"Fn::Join":["/",{"Fn::Split":["-",{"Ref":"Serial"}]}]}`:                         "1/2/3",
		`{"Fn::Select":["1",{"Fn::Split":["-",{"Ref":"Serial"}]}]}`:                       "2",
		`{"Fn::Select":[0,["a","b"]]}`:                                                    "a",
		`{"Fn::Sub":"m:${Model},s:${Serial} $5 ${!Model}"}`:                               "m:X1,s:1-2-3 $5 ${Model}",
		`{"Fn::Sub":["${Own}+${Model}",{"Own":{"Fn::Join":["",["o",{"Ref":"Model"}]]}}]}`: "oX1+X1",
		`{"Fn::FindInMap":["M",{"Ref":"Model"},"k"]}`:                                     "v",
		`{"Fn::Sub":"${AWS::IoT::Certificate::Id}"}`:                                      "id",
	} {
		b, err := Parse(body(`"ThingName":"t"`, `,"Mappings":{"M":{"X1":{"k":"v"}}},"DeviceConfiguration":{"x":`+expression+`}`))
		require.NoError(t, err, expression)
		_, configuration, err := b.Plan(map[string]string{"Serial": "1-2-3", CertificateParameter: "id"})
		require.NoError(t, err, expression)
		require.Equal(t, want, configuration["x"], expression)
	}
}

func TestTemplateRefused(t *testing.T) {
	thing := `"ThingName":"t"`
	for text, names := range map[string]string{
		``:                                  "EOF",
		`{} {}`:                             "more than one",
		`{"Unknown":1}`:                     "Unknown",
		`{}`:                                "AWS::IoT::Certificate",
		strings.Repeat(" ", maxBody) + `{}`: "10240",
		body(``, ``):                        "ThingName",
		body(thing+`,"ThingTypeName":"camera"`, ``):                                                                                      "ThingTypeName",
		body(`"ThingName":{"Ref":"Nowhere"}`, ``):                                                                                        "Nowhere",
		body(`"ThingName":{"Ref":"thing"}`, ``):                                                                                          "thing",
		body(`"ThingName":["a"]`, ``):                                                                                                    "list",
		body(thing+`,"ThingGroups":"g"`, ``):                                                                                             "list",
		body(thing, `,"DeviceConfiguration":{"x":{"Fn::If":["a"]}}`):                                                                     "Fn::If",
		body(thing, `,"DeviceConfiguration":{"x":7}`):                                                                                    "7",
		body(thing, `,"DeviceConfiguration":{"x":{"Fn::Sub":"${a"}}`):                                                                    "${",
		strings.Replace(body(thing, ``), `"String"`, `"Number"`, 1):                                                                      "Number",
		strings.Replace(body(thing, ``), `AWS::IoT::Thing"`, `AWS::IoT::Robot"`, 1):                                                      "Robot",
		strings.Replace(body(thing, ``), `{"Ref":"AWS::IoT::Certificate::Id"}`, `"00"`, 1):                                               "CertificateId",
		strings.Replace(body(thing, ``), `"CertificateId":`, `"ThingPrincipalType":"EXCLUSIVE_THING","CertificateId":`, 1):               "EXCLUSIVE_THING",
		strings.Replace(body(thing, ``), `"cert":{`, `"p":{"Type":"AWS::IoT::Policy","Properties":{"PolicyDocument":"{}"}},"cert":{`, 1): "PolicyDocument",
		strings.Replace(body(thing, ``), `"thing":{`, `"thing":{"OverrideSettings":{"AttributePayload":"PERHAPS"},`, 1):                  "PERHAPS",
	} {
		_, err := Parse(text)
		require.ErrorIs(t, err, ErrTemplate, text)
		require.ErrorContains(t, err, names)
	}
}

func TestTopics(t *testing.T) {
	for topic, want := range map[string]Topic{
		"$aws/certificates/create/json":                    {Operation: CreateKeys},
		"$aws/certificates/create/cbor":                    {Operation: CreateKeys, CBOR: true},
		"$aws/certificates/create-from-csr/json":           {Operation: CreateFromCSR},
		"$aws/provisioning-templates/fleet/provision/json": {Operation: Register, Template: "fleet"},
	} {
		got, ok := ParseTopic(topic)
		require.True(t, ok, topic)
		require.Equal(t, want, got)
		_, ok = ParseTopic(topic + "/accepted")
		require.False(t, ok)
	}
	for _, topic := range []string{"", "/", "json", "$aws/certificates/json", "$aws/certificates/create/xml", "$aws/provisioning-templates//provision/json",
		"$aws/provisioning-templates/a/b/provision/json", "$aws/provisioning-templates/a/json", "a/$aws/certificates/create/json"} {
		_, ok := ParseTopic(topic)
		require.False(t, ok, topic)
	}
}

// FuzzTemplate: what is read can be worked out, in bounded space, for anything
// that a device says.
func FuzzTemplate(f *testing.F) {
	f.Add(body(`"ThingName":{"Fn::Join":["-",["cam",{"Ref":"Serial"}]]}`, `,"DeviceConfiguration":{"x":{"Fn::Sub":["${a}${Model}",{"a":"b"}]}}`), "7")
	f.Add(body(`"ThingName":{"Fn::Select":["9",{"Fn::Split":[",",{"Ref":"Serial"}]}]}`, `,"Mappings":{"M":{"X1":{"k":"v"}}}`), "a,b")
	f.Add(body(`"ThingName":{"Ref":"thing"}`, ``), "")
	f.Add(`{"Resources":{"c":{"Type":"AWS::IoT::Certificate","Properties":{"CertificateId":{"Ref":"AWS::IoT::Certificate::Id"},"Status":{"Ref":"c"}}}}}`, "")
	f.Add(strings.Repeat(`{"Fn::Join":["",[`, 40), "")
	f.Fuzz(func(t *testing.T, text, serial string) {
		b, err := Parse(text)
		if err != nil {
			require.ErrorIs(t, err, ErrTemplate)
			return
		}
		plan, configuration, err := b.Plan(map[string]string{"Serial": serial, CertificateParameter: "id"})
		if err != nil {
			return
		}
		require.Contains(t, []registry.Status{registry.Active, registry.Inactive}, plan.Status)
		if plan.Thing != "" {
			require.NoError(t, registry.ValidThingName(plan.Thing))
		}
		for _, value := range configuration {
			require.LessOrEqual(t, len(value), maxResult+len(serial)+maxBody)
		}
	})
}
