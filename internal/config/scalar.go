package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"porchlight/internal/polygon"
)

var errNumber = errors.New("not a number of this kind")

// decodeScalar sets what target points to. When value does not fit it returns
// what is wanted instead.
func decodeScalar(value, target any) (want string) {
	switch value.(type) {
	case map[string]any, []any, nil:
		value = "" // a text like any other below, but no value
		if _, isText := target.(*string); isText {
			return "a text"
		}
	}
	text := strings.TrimSpace(fmt.Sprint(value))
	var err error
	switch target := target.(type) {
	case *string:
		*target = text
	case *bool:
		*target, err = strconv.ParseBool(text)
		want = "true or false"
	case *int:
		var v int64
		v, err = wholeNumber(text)
		*target = int(v)
		want = "a whole number"
	case *int64:
		*target, err = parseBytes(text)
		want = "a size like 64MB"
	case *float64:
		*target, err = finiteNumber(text)
		want = "a number"
	case *time.Duration:
		*target, err = time.ParseDuration(text)
		want = "a duration like 5s or 12h"
	}
	if err == nil {
		return ""
	}
	return want
}

func finiteNumber(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, errNumber
	}
	return f, nil
}

// wholeNumber also takes 5.0, which is what some nuclei make of 5. Beyond
// 2^53 a number may have been rounded on its way here, so it is refused.
func wholeNumber(text string) (int64, error) {
	f, err := finiteNumber(text)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, errNumber
	}
	return int64(f), nil
}

func parseBytes(text string) (int64, error) {
	unit := int64(1)
	for suffix, size := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if rest, ok := strings.CutSuffix(strings.ToUpper(text), suffix); ok {
			text, unit = strings.TrimSpace(rest), size
			break
		}
	}
	v, err := wholeNumber(text)
	if err != nil || v > math.MaxInt64/unit || v < math.MinInt64/unit {
		return 0, errNumber
	}
	return v * unit, nil
}

// decodePolygon reads a list of corners, each [x,y] or a text "x,y", or all of
// them in one text "x,y; x,y; …". Its shape is judged later.
func decodePolygon(value any) (polygon.Polygon, error) {
	corners, ok := value.([]any)
	if !ok {
		text, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("%s: want a list of corners [[x,y], …] or a text \"x,y; x,y; …\"", brief(value))
		}
		return polygon.Parse(text)
	}
	if len(corners) > polygon.MaxCorners {
		return nil, fmt.Errorf("%w: it has %d corners: draw at most %d", polygon.ErrInvalid, len(corners), polygon.MaxCorners)
	}
	var poly polygon.Polygon
	for i, corner := range corners {
		x, y := "", ""
		switch c := corner.(type) {
		case []any:
			if len(c) == 2 {
				x, y = fmt.Sprint(c[0]), fmt.Sprint(c[1])
			}
		case string:
			x, y, _ = strings.Cut(c, ",")
		}
		p, err := polygon.ParsePoint(x, y)
		if err != nil {
			return nil, fmt.Errorf("corner %d: %s: want two numbers [x,y] in fractions of the frame", i+1, brief(corner))
		}
		poly = append(poly, p)
	}
	return poly, nil
}
