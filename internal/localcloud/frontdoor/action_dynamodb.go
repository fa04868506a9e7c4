package frontdoor

import (
	"encoding/json"
	"net/http"
	"sort"
	"strings"

	"porchlight/internal/localcloud/awsapi"
)

func dynamoNeeds(s scope, r *http.Request, body []byte) ([]need, error) {
	op, err := target(r)
	if err != nil {
		return nil, err
	}
	fields, err := jsonObject(body)
	if err != nil {
		return nil, err
	}
	table := func(name string) string {
		if name == "" {
			return "*"
		}
		if strings.HasPrefix(name, "arn:") {
			return name
		}
		return s.arn("dynamodb", "table/"+name)
	}
	var needs []need
	if raw, ok := fields["RequestItems"]; ok { // BatchGetItem, BatchWriteItem
		items, err := jsonObject(raw)
		if err != nil {
			return nil, err
		}
		for name := range items {
			needs = append(needs, need{"dynamodb:" + op, table(name)})
		}
		sort.Slice(needs, func(i, j int) bool { return needs[i].resource < needs[j].resource })
	}
	if raw, ok := fields["TransactItems"]; ok {
		more, err := transactNeeds(raw, table)
		if err != nil {
			return nil, err
		}
		needs = append(needs, more...)
	}
	name := text(fields["TableName"])
	if len(needs) > 0 && name == "" {
		return needs, nil
	}
	resource := table(name)
	if index := text(fields["IndexName"]); index != "" {
		resource += "/index/" + index
	}
	return append(needs, need{"dynamodb:" + op, resource}), nil
}

// transactNeeds: the items of a transaction take the permissions of the single operations.
func transactNeeds(raw json.RawMessage, table func(string) string) ([]need, error) {
	actions := map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem",
		"ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}
	var items []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, errNotJSON()
	}
	var needs []need
	for _, item := range items {
		for kind, inner := range item {
			fields, err := jsonObject(inner)
			if err != nil {
				return nil, err
			}
			needs = append(needs, need{"dynamodb:" + actions[kind], table(text(fields["TableName"]))})
		}
	}
	return needs, nil
}

// jsonObject reads the top level of a JSON object. Names that differ only by
// case are refused: what is authorized and what is served must be the same.
func jsonObject(body []byte) (map[string]json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	if len(body) == 0 {
		return fields, nil
	}
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, errNotJSON()
	}
	seen := map[string]bool{}
	for name := range fields {
		folded := strings.ToLower(name)
		if seen[folded] {
			return nil, errNotJSON()
		}
		seen[folded] = true
	}
	return fields, nil
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func errNotJSON() *awsapi.Error {
	return &awsapi.Error{Code: "SerializationException", Status: http.StatusBadRequest,
		Message: "the request body is not a JSON object with distinct names"}
}
