package policy

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

const (
	contractFile = "internal/cloud/api/openapi.yaml"
	templateFile = "infra/porchlight.template.json"
)

// The contract, what API Gateway lets through and what the Lambda answers are
// three lists of routes that must be one.
func TestRoutes(t *testing.T) {
	all := repository(t)
	contract := contractRoutes(t, all[contractFile])
	require.NotEmpty(t, contract)
	require.Equal(t, contract, templateRoutes(t, all[templateFile]),
		"%s and %s differ in routes; change infra/ and run make template", contractFile, templateFile)
	require.Equal(t, contract, handlerRoutes(t, all),
		"%s and the handlers in internal/cloud/api differ in routes; add or remove the handler", contractFile)
}

func contractRoutes(t *testing.T, raw []byte) (routes []string) {
	var contract struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	require.NoError(t, yaml.Unmarshal(raw, &contract))
	methods := []string{"get", "put", "post", "delete", "options", "head", "patch"}
	for path, item := range contract.Paths {
		for method := range item {
			if slices.Contains(methods, method) {
				routes = append(routes, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(routes)
	return routes
}

// resources of the template, by type.
func resources(t *testing.T, raw []byte, kind string) (found []struct {
	Type       string
	Properties struct{ RouteKey string }
	Metadata   map[string]any
}) {
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ RouteKey string }
			Metadata   map[string]any
		}
	}
	require.NoError(t, json.Unmarshal(raw, &template))
	for _, r := range template.Resources {
		if r.Type == kind {
			found = append(found, r)
		}
	}
	return found
}

func templateRoutes(t *testing.T, raw []byte) (routes []string) {
	for _, r := range resources(t, raw, "AWS::ApiGatewayV2::Route") {
		routes = append(routes, r.Properties.RouteKey)
	}
	slices.Sort(routes)
	return routes
}

// handlerRoutes finds the keys "METHOD /v1/…" of map literals.
func handlerRoutes(t *testing.T, all files) (routes []string) {
	key := regexp.MustCompile(`^[A-Z]+ /v1/`)
	parsed, faults := all.parseGo()
	require.Empty(t, faults)
	for _, f := range parsed {
		if f.test || f.dir != "internal/cloud/api" {
			continue
		}
		ast.Inspect(f.File, func(n ast.Node) bool {
			pair, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if literal, ok := pair.Key.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if route, err := strconv.Unquote(literal.Value); err == nil && key.MatchString(route) {
					routes = append(routes, route)
				}
			}
			return true
		})
	}
	slices.Sort(routes)
	return routes
}

// A function of the template runs locally from the bootstrap of the folder it
// names, and a Lambda that no function names is never run.
func TestLambdas(t *testing.T) {
	all := repository(t)
	var named, folders []string
	for _, f := range resources(t, all[templateFile], "AWS::Lambda::Function") {
		name, ok := f.Metadata["porchlight:lambda"].(string)
		require.True(t, ok, "%s: a function without Metadata porchlight:lambda; name its folder under lambdas/ in infra/", templateFile)
		named = append(named, name)
	}
	for file := range all {
		if name, isMain := strings.CutSuffix(file, "/main.go"); isMain && strings.HasPrefix(file, "lambdas/") {
			folders = append(folders, strings.TrimPrefix(name, "lambdas/"))
		}
	}
	slices.Sort(named)
	slices.Sort(folders)
	require.Equal(t, folders, named, "folders under lambdas/ and functions of %s differ; add the function to infra/ or remove the folder", templateFile)
}
