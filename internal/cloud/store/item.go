package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func key(pk, sk string) item { return item{"pk": str(pk), "sk": str(sk)} }

// text returns a string attribute, "" when it is missing.
func text(it item, name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// encode turns a value into an item by way of its JSON, so that the table
// speaks the same names and forms as the wire.
func encode(v any) (item, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var fields map[string]any
	if err := dec.Decode(&fields); err != nil {
		return nil, err
	}
	return encodeMap(fields), nil
}

func encodeMap(fields map[string]any) item {
	it := make(item, len(fields)+5) // room for the keys
	for name, v := range fields {
		it[name] = encodeValue(v)
	}
	return it
}

func encodeValue(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return str(v)
	case json.Number:
		return &types.AttributeValueMemberN{Value: v.String()}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case []any:
		list := make([]types.AttributeValue, len(v))
		for i := range v {
			list[i] = encodeValue(v[i])
		}
		return &types.AttributeValueMemberL{Value: list}
	case map[string]any:
		return &types.AttributeValueMemberM{Value: encodeMap(v)}
	default: // JSON has nothing else but null
		return &types.AttributeValueMemberNULL{Value: true}
	}
}

// decode is the inverse of encode; attributes that v does not know are left out.
func decode(it item, v any) error {
	fields, err := decodeMap(it)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

func decodeMap(it item) (map[string]any, error) {
	fields := make(map[string]any, len(it))
	for name, attribute := range it {
		v, err := decodeValue(attribute)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		fields[name] = v
	}
	return fields, nil
}

func decodeValue(attribute types.AttributeValue) (any, error) {
	switch a := attribute.(type) {
	case *types.AttributeValueMemberS:
		return a.Value, nil
	case *types.AttributeValueMemberN:
		return json.Number(a.Value), nil
	case *types.AttributeValueMemberBOOL:
		return a.Value, nil
	case *types.AttributeValueMemberNULL:
		return nil, nil
	case *types.AttributeValueMemberL:
		list := make([]any, len(a.Value))
		for i := range a.Value {
			v, err := decodeValue(a.Value[i])
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	case *types.AttributeValueMemberM:
		return decodeMap(a.Value)
	default:
		return nil, fmt.Errorf("%T is not written by this store", attribute)
	}
}
