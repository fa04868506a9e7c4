package onemachine

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// relay logs a line of the component's JSON log as our own; what is not one is
// logged as it is.
func relay(ctx context.Context, line string, log *slog.Logger) {
	var fields map[string]any
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		log.WarnContext(ctx, "camera component", "output", line)
		return
	}
	var level slog.Level
	text, _ := fields["level"].(string)
	if err := level.UnmarshalText([]byte(text)); err != nil {
		level = slog.LevelWarn
	}
	message, _ := fields["msg"].(string)
	for _, key := range []string{"time", "level", "msg"} {
		delete(fields, key)
	}
	if !log.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(time.Now(), level, message, 0)
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		record.AddAttrs(slog.Any(key, fields[key]))
	}
	_ = log.Handler().Handle(ctx, record)
}
