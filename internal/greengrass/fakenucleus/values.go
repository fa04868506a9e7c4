package fakenucleus

import (
	"encoding/json"
	"strconv"
	"strings"
)

// fromRecipe converts the values of a recipe to what a component reads:
// nucleus lite makes the scalars of a YAML recipe strings.
func (k Kind) fromRecipe(tree map[string]any) map[string]any {
	convert := k.fromUpdate
	if k == Lite {
		convert = func(v any) any { return each(v, asText) }
	}
	object, _ := convert(tree).(map[string]any)
	return object
}

// fromUpdate converts the values of an update: the Java nucleus makes whole
// numbers floats, nucleus lite writes floats with all digits that they have.
func (k Kind) fromUpdate(value any) any {
	return each(value, func(v any) any {
		number, isNumber := v.(json.Number)
		if !isNumber {
			return v
		}
		text, whole := number.String(), !strings.ContainsAny(number.String(), ".eE")
		if k == Java && whole {
			return json.Number(text + ".0")
		}
		if f, err := number.Float64(); k == Lite && !whole && err == nil {
			return json.Number(strconv.FormatFloat(f, 'g', 17, 64))
		}
		return v
	})
}

func asText(value any) any {
	switch v := value.(type) {
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return value
}

// each converts the scalars in a value.
func each(value any, convert func(any) any) any {
	switch v := value.(type) {
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, inner := range v {
			object[key] = each(inner, convert)
		}
		return object
	case []any:
		list := make([]any, 0, len(v))
		for _, inner := range v {
			list = append(list, each(inner, convert))
		}
		return list
	}
	return convert(value)
}
