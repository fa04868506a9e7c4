package stage_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"porchlight/infra/internal/stage"
)

func TestParseDefaults(t *testing.T) {
	got, err := stage.Parse(map[string]any{"@aws-cdk/core:anything": true, "aws:cdk:x": "y"})
	require.NoError(t, err)
	require.Equal(t, stage.Stage{
		Name: "prod", Retain: true, LogDays: 30, EventDays: 30,
		CallbackURLs: []string{"http://localhost:8080/"}, Lambdas: "../bin/lambdas-arm64", Faces: true, CooldownSeconds: 60,
	}, got)

	got, err = stage.Parse(map[string]any{stage.KeyStage: "dev"})
	require.NoError(t, err)
	require.False(t, got.Retain)
}

func TestParseTakesValuesAsFileOrCommandLineGivesThem(t *testing.T) {
	want := stage.Stage{
		Name: "dev2", Retain: true, LogDays: 7, EventDays: 90,
		CallbackURLs: []string{"https://a.example/", "http://localhost:1/x"}, DomainPrefix: "porch-1", Lambdas: "l", FacesDefaultOwner: "owner",
		Rekognition: true, CooldownSeconds: 300,
	}
	for name, context := range map[string]map[string]any{
		"file": {
			stage.KeyRetain: true, stage.KeyFaces: false, stage.KeyLogDays: 7.0, stage.KeyEventDays: 90.0,
			stage.KeyRekognition: true, stage.KeyCooldown: 300.0,
			stage.KeyCallbackURLs: []any{"https://a.example/", "http://localhost:1/x"},
		},
		"command line": {
			stage.KeyRetain: "true", stage.KeyFaces: "false", stage.KeyLogDays: "7", stage.KeyEventDays: "90",
			stage.KeyRekognition: "true", stage.KeyCooldown: "300",
			stage.KeyCallbackURLs: "https://a.example/,http://localhost:1/x",
		},
	} {
		t.Run(name, func(t *testing.T) {
			context[stage.KeyStage] = "dev2"
			context[stage.KeyDomainPrefix] = "porch-1"
			context[stage.KeyLambdas] = "l"
			context[stage.KeyFacesOwner] = "owner"
			got, err := stage.Parse(context)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		key   string
		value any
	}{
		"unknown key":          {"porchlight:color", "red"},
		"no cool-down":         {stage.KeyCooldown, 0.0},
		"cool-down of days":    {stage.KeyCooldown, "86401"},
		"stage upper case":     {stage.KeyStage, "Prod"},
		"stage with hyphen":    {stage.KeyStage, "my-stage"},
		"stage too long":       {stage.KeyStage, "abcdefghijklm"},
		"stage empty":          {stage.KeyStage, ""},
		"stage number":         {stage.KeyStage, 5.0},
		"retain text":          {stage.KeyRetain, "sometimes"},
		"retain number":        {stage.KeyRetain, 1.0},
		"log days odd":         {stage.KeyLogDays, 8.0},
		"log days fraction":    {stage.KeyLogDays, 7.5},
		"log days text":        {stage.KeyLogDays, "a week"},
		"event days zero":      {stage.KeyEventDays, "0"},
		"event days too many":  {stage.KeyEventDays, 3651.0},
		"callback plain http":  {stage.KeyCallbackURLs, "http://porch.example/"},
		"callback no scheme":   {stage.KeyCallbackURLs, "porch.example"},
		"callback fragment":    {stage.KeyCallbackURLs, "https://porch.example/#x"},
		"callback empty":       {stage.KeyCallbackURLs, ""},
		"callback none":        {stage.KeyCallbackURLs, []any{}},
		"callback number":      {stage.KeyCallbackURLs, []any{1.0}},
		"callback object":      {stage.KeyCallbackURLs, map[string]any{}},
		"domain upper case":    {stage.KeyDomainPrefix, "Porch"},
		"domain hyphen end":    {stage.KeyDomainPrefix, "porch-"},
		"faces text":           {stage.KeyFaces, "maybe"},
		"faces owner number":   {stage.KeyFacesOwner, 1.0},
		"faces owner too long": {stage.KeyFacesOwner, strings.Repeat("x", 257)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := stage.Parse(map[string]any{c.key: c.value})
			require.ErrorIs(t, err, stage.ErrInvalid)
			require.ErrorContains(t, err, c.key)
		})
	}
}
