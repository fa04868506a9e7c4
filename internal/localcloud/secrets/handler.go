package secrets

import (
	"encoding/json"
	"io"
	"net/http"
	"sort"
	"strings"

	"porchlight/internal/localcloud/awsapi"
)

const current = "AWSCURRENT"

// ServeHTTP answers one verified request.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ SecretId, VersionStage string } //nolint:revive // the parameter's own name
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&in); err != nil {
		refuse(w, "InvalidRequestException", "the request is not a JSON object")
		return
	}
	op := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	if op == "ListSecrets" {
		awsapi.WriteJSON(w, awsapi.JSON11, http.StatusOK, map[string]any{"SecretList": s.list()})
		return
	}
	if op != "GetSecretValue" && op != "DescribeSecret" {
		refuse(w, "InvalidRequestException", "the local Secrets Manager does not offer "+op+": secrets are declared in the template")
		return
	}
	arn, sec, ok := s.find(in.SecretId)
	if !ok || (in.VersionStage != "" && in.VersionStage != current) {
		refuse(w, "ResourceNotFoundException", "Secrets Manager can't find the specified secret: it is declared in the template, and has one version")
		return
	}
	if op == "DescribeSecret" {
		awsapi.WriteJSON(w, awsapi.JSON11, http.StatusOK, describe(arn, sec))
		return
	}
	awsapi.WriteJSON(w, awsapi.JSON11, http.StatusOK, map[string]any{
		"ARN": arn, "Name": sec.Name, "SecretString": sec.Value, "VersionId": sec.VersionID,
		"VersionStages": []string{current}, "CreatedDate": sec.Created.Unix(),
	})
}

func describe(arn string, sec secret) map[string]any {
	return map[string]any{
		"ARN": arn, "Name": sec.Name, "Description": sec.Description, "CreatedDate": sec.Created.Unix(),
		"VersionIdsToStages": map[string][]string{sec.VersionID: {current}},
	}
}

func (s *Store) list() []map[string]any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []map[string]any{}
	for arn, sec := range s.secrets {
		entry := describe(arn, sec)
		entry["SecretVersionsToStages"] = entry["VersionIdsToStages"]
		delete(entry, "VersionIdsToStages")
		out = append(out, entry)
	}
	sort.Slice(out, func(i, j int) bool { return out[i]["Name"].(string) < out[j]["Name"].(string) })
	return out
}

func refuse(w http.ResponseWriter, code, message string) {
	awsapi.WriteError(w, awsapi.JSON11, &awsapi.Error{Code: code, Message: message, Status: http.StatusBadRequest})
}
