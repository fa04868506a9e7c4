package main

import (
	"context"
	"fmt"
	"time"
)

// pipelines holds the CPU of the detection pipeline against that of looking
// at every frame, on the clip and on its empty beginning.
func pipelines(ctx context.Context, b *bench) ([]row, error) {
	f := b.footage
	every, err := f.everyFrame(ctx)
	if err != nil {
		return nil, err
	}
	same, err := f.look(ctx, f.clip, lookFPS)
	if err != nil {
		return nil, err
	}
	active, err := f.pipeline(ctx, f.clip)
	if err != nil {
		return nil, err
	}
	still, err := f.pipeline(ctx, f.still)
	if err != nil {
		return nil, err
	}
	day := &pass{cpu: active.cpu, video: active.video}
	perSecond := 0.1*active.perSecond() + 0.9*still.perSecond()
	day.cpu = time.Duration(perSecond * float64(day.video))

	measured := func(p *pass) string {
		return fmt.Sprintf("%.1f %% of a core, %d of %d frames looked at", 100*p.perSecond(), p.inferences, p.frames)
	}
	against := func(p *pass) (float64, string) {
		ratio := every.perSecond() / p.perSecond()
		return ratio, fmt.Sprintf("%.1f× less (%.1f× at %d fps)", ratio, same.perSecond()/p.perSecond(), lookFPS)
	}
	activeRatio, activeText := against(active)
	_, stillText := against(still)
	dayRatio, dayText := against(day)
	return []row{
		{"every frame looked at, CPU", measured(every), "", "baseline", ""},
		{fmt.Sprintf("every frame at %d fps looked at, CPU", lookFPS), measured(same), "", "", ""},
		{"pipeline on the clip (constant activity), CPU", measured(active), "≥ 2× less", activeText, f.judge(atLeast(activeRatio, 2))},
		{"pipeline on a still scene, CPU", measured(still), "", stillText, ""},
		{"a day with 10 % activity, from these two", fmt.Sprintf("%.1f %% of a core", 100*perSecond), "≥ 10× less", dayText, f.judge(atLeast(dayRatio, 10))},
	}, nil
}
