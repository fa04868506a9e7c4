package control

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"porchlight/internal/localcloud/iotcore/registry"
)

// Sizes of one page of a list.
const (
	defaultPage = 25
	maxPage     = 250
)

func invalid(format string, a ...any) error {
	return fmt.Errorf("%w: %w", registry.ErrInvalid, fmt.Errorf(format, a...))
}

// page cuts a list. AWS IoT has two spellings of one thing: marker and
// pageSize, nextToken and maxResults. The marker is the last item of the page
// before.
func page(r *http.Request, items []string) (cut []string, next *string, err error) {
	q := r.URL.Query()
	size := defaultPage
	for _, name := range []string{"pageSize", "maxResults"} {
		if text := q.Get(name); text != "" {
			if size, err = strconv.Atoi(text); err != nil || size < 1 || size > maxPage {
				return nil, nil, invalid("%s must be 1 to %d", name, maxPage)
			}
		}
	}
	marker := q.Get("marker")
	if marker == "" {
		marker = q.Get("nextToken")
	}
	if marker != "" {
		i := slices.Index(items, marker)
		if i < 0 {
			return nil, nil, invalid("the marker does not belong to this list: start again without it")
		}
		items = items[i+1:]
	}
	if len(items) > size {
		return items[:size], &items[size-1], nil
	}
	return items, nil, nil
}

// flag reads a boolean of the query.
func flag(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, invalid("%s must be true or false", name)
	}
	return b, nil
}
