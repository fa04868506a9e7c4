package provisioning

import (
	"context"
	"log/slog"
)

// The metrics, in CloudWatch's namespace Porchlight.
const (
	metricAllowed = "DevicesAllowed"
	metricRefused = "DevicesRefused"
)

func (h *Hook) allowed(ctx context.Context, r request, thing string) {
	h.cfg.Log.InfoContext(ctx, "device allowed", "serial", r.serial, "thing", thing, "certificate", r.certificateID,
		"claim", r.claim, metricAllowed, 1, h.counting(metricAllowed))
}

func (h *Hook) refused(ctx context.Context, r request, reason string, err error) {
	h.cfg.Log.WarnContext(ctx, "device refused", "serial", r.serial, "reason", reason, "certificate", r.certificateID,
		"claim", r.claim, "client", r.clientID, "err", err, metricRefused, 1, h.counting(metricRefused))
}

// counting makes a log line one that CloudWatch counts, in its embedded metric
// format: no call, no cost but the line's.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func (h *Hook) counting(metric string) slog.Attr {
	type definition struct {
		Name string
		Unit string
	}
	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []definition
	}
	return slog.Any("_aws", struct {
		Timestamp         int64 // Unix time in milliseconds
		CloudWatchMetrics []directive
	}{h.cfg.Now().UnixMilli(), []directive{{"Porchlight", [][]string{{}}, []definition{{metric, "Count"}}}}})
}
