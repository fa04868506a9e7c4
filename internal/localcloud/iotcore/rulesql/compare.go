package rulesql

import (
	"encoding/json"
	"strconv"
	"strings"
)

func (c comparison) eval(r *row) any {
	a, b := c.left.eval(r), c.right.eval(r)
	order, comparable := compare(a, b, c.operator == "=" || c.operator == "<>")
	if !comparable {
		return nil
	}
	switch c.operator {
	case "=":
		return order == 0
	case "<>":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// compare orders two values. Strings are equal or not; to order them, and to
// compare them with numbers, they must read as numbers. Everything else is
// undefined.
func compare(a, b any, equality bool) (order int, comparable bool) {
	if equality {
		switch x := a.(type) {
		case string:
			if y, ok := b.(string); ok {
				return strings.Compare(x, y), true
			}
		case bool:
			y, ok := b.(bool)
			if x == y {
				return 0, ok
			}
			return 1, ok
		}
	}
	x, ok1 := decimal(a)
	y, ok2 := decimal(b)
	switch {
	case !ok1 || !ok2:
		return 0, false
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

func decimal(v any) (float64, bool) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = v
	default:
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && f == f
}
