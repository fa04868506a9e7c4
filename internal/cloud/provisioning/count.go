package provisioning

import "context"

// The metrics, in CloudWatch's namespace Porchlight.
const (
	metricAllowed = "DevicesAllowed"
	metricRefused = "DevicesRefused"
)

func (h *Hook) allowed(ctx context.Context, r request, thing string) {
	h.cfg.Log.InfoContext(ctx, "device allowed", "serial", r.serial, "thing", thing, "certificate", r.certificateID,
		"claim", r.claim, metricAllowed, 1, "_aws", h.counting(metricAllowed))
}

func (h *Hook) refused(ctx context.Context, r request, reason string, err error) {
	h.cfg.Log.WarnContext(ctx, "device refused", "serial", r.serial, "reason", reason, "certificate", r.certificateID,
		"claim", r.claim, "client", r.clientID, "err", err, metricRefused, 1, "_aws", h.counting(metricRefused))
}

// counting is the field _aws of a log line, which makes it one that CloudWatch
// counts, in its embedded metric format: no call, no cost but the line's.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func (h *Hook) counting(metric string) any {
	type definition struct{ Name, Unit string }
	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []definition
	}
	return struct {
		Timestamp         int64 // Unix time in milliseconds
		CloudWatchMetrics []directive
	}{h.cfg.Now().UnixMilli(), []directive{{"Porchlight", [][]string{{}}, []definition{{metric, "Count"}}}}}
}
