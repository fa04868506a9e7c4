package api

import (
	"encoding/json"
	"os"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// contract is openapi.yaml.
func contract(t testing.TB) *openapi3.T {
	t.Helper()
	raw, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	require.NoError(t, err)
	return doc
}

// routes of the contract, in the gateway's form.
func routes(t testing.TB) map[string]*openapi3.Operation {
	out := map[string]*openapi3.Operation{}
	for path, item := range contract(t).Paths.Map() {
		for method, op := range item.Operations() {
			out[method+" "+path] = op
		}
	}
	require.NotEmpty(t, out)
	return out
}

func names[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

func TestRoutesAreThoseOfTheContract(t *testing.T) {
	require.Equal(t, names(routes(t)), names(New(Config{}).routes))
}

// conforms checks an answer against what the contract says of the route.
func conforms(t testing.TB, route string, res events.APIGatewayV2HTTPResponse) {
	t.Helper()
	op := routes(t)[route]
	require.NotNil(t, op, route)
	response := op.Responses.Status(res.StatusCode)
	require.NotNil(t, response, "%s may not answer %d: %s", route, res.StatusCode, res.Body)
	media := response.Value.Content[res.Headers["content-type"]]
	require.NotNil(t, media, "%s may not answer %d with %s", route, res.StatusCode, res.Headers["content-type"])
	var body any
	require.NoError(t, json.Unmarshal([]byte(res.Body), &body))
	require.NoError(t, media.Schema.Value.VisitJSON(body, openapi3.EnableFormatValidation()), res.Body)
	require.Equal(t, "no-store", res.Headers["cache-control"])
}

func TestTypesAreThoseOfTheContract(t *testing.T) {
	types := map[string]any{
		"CameraList": CameraList{}, "Camera": Camera{}, "Detector": Detector{}, "EventList": EventList{},
		"Event": Event{}, "Face": Face{}, "Clip": Clip{}, "Problem": Problem{},
		"Playback": Playback{}, "ClipFile": ClipFile{}, "Recordings": Recordings{}, "Range": Range{},
		"LiveSession": LiveSession{}, "IceServer": IceServer{},
	}
	schemas := contract(t).Components.Schemas
	require.Equal(t, names(schemas), names(types))
	for name, schema := range schemas {
		fields := map[string]bool{} // whether required
		for _, f := range reflect.VisibleFields(reflect.TypeOf(types[name])) {
			tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields[tag] = !strings.Contains(options, "omitzero")
		}
		wanted := map[string]bool{}
		for property := range schema.Value.Properties {
			wanted[property] = false
		}
		for _, property := range schema.Value.Required {
			wanted[property] = true
		}
		require.Equal(t, wanted, fields, "%s: run go generate ./internal/cloud/api", name)
	}
}
