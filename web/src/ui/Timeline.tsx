import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { whatOf } from "../events/words";
import { minuteOfDay, timeOfDay } from "../lib/format";
import { t } from "../messages";
import type { CameraDay } from "../playback/day";
import { covers, type Span } from "../playback/spans";
import { fraction, ticksOf, viewOf, ZOOMS, type Zoom } from "../playback/view";
import { useApp } from "./context";
import { Icon } from "./icons";

const SECOND = 1_000;

/** What keys move by, in milliseconds. */
const STEPS: Record<string, number> = {
  ArrowLeft: -10 * SECOND,
  ArrowRight: 10 * SECOND,
  ArrowDown: -60 * SECOND,
  ArrowUp: 60 * SECOND,
  PageDown: -600 * SECOND,
  PageUp: 600 * SECOND,
};

/** How long a key rests, in milliseconds, before the time it points at is gone to. */
const REST = 400;

interface Props {
  day: CameraDay;
  /** A part that is about to be saved. */
  part: Span | undefined;
}

/** A day from left to right: where there is video, what happened, and the time shown, to be moved. */
export function Timeline({ day, part }: Props) {
  const { clock } = useApp();
  const zoom = useSignal<Zoom>("day");
  const track = useRef<HTMLDivElement>(null);
  const rest = useRef<ReturnType<typeof setTimeout>>(undefined);
  const last = useRef<Span>(undefined);
  const dragging = useRef(false);
  useEffect(() => () => clearTimeout(rest.current), []);

  const whole = day.day.value;
  const at = day.cursor.value;
  // While a finger drags, the ground must not move under it.
  const view = dragging.current && last.current ? last.current : viewOf(whole, zoom.value, at, last.current);
  last.current = view;
  const here = eventAt(day, at);
  const words = [timeOfDay(new Date(at)), covers(day.spans.value, at) ? t.day.video : t.day.noVideo];
  if (here) words.push(whatOf(here));

  function pointedAt(pointer: PointerEvent): number {
    const box = track.current?.getBoundingClientRect();
    if (!box || box.width === 0) return at;
    const part = Math.min(1, Math.max(0, (pointer.clientX - box.left) / box.width));
    return view.from + part * (view.to - view.from);
  }

  function onPointerDown(pointer: PointerEvent) {
    if (pointer.button !== 0) return;
    track.current?.setPointerCapture(pointer.pointerId);
    clearTimeout(rest.current);
    dragging.current = true;
    day.aim.value = pointedAt(pointer);
  }

  function onPointerUp(pointer: PointerEvent) {
    if (!dragging.current) return;
    dragging.current = false;
    day.play(pointedAt(pointer));
  }

  function onPointerCancel() {
    dragging.current = false;
    day.aim.value = undefined;
  }

  function onKeyDown(key: KeyboardEvent) {
    const spans = day.spans.value;
    let to: number | undefined;
    if (key.key in STEPS) to = at + (STEPS[key.key] ?? 0);
    if (key.key === "Home") to = spans[0]?.from ?? whole.from;
    if (key.key === "End") to = (spans.at(-1)?.to ?? whole.to) - 5 * SECOND;
    if (key.key === "Enter" || key.key === " ") {
      key.preventDefault();
      clearTimeout(rest.current);
      day.play(at);
    }
    if (to === undefined || key.altKey || key.ctrlKey || key.metaKey) return;
    key.preventDefault();
    const aim = Math.min(Math.max(to, whole.from), whole.to - SECOND);
    day.aim.value = aim;
    clearTimeout(rest.current);
    rest.current = setTimeout(() => day.go(aim), REST);
  }

  const place = (time: number) => ({ left: `${fraction(view, time) * 100}%` });
  const stretch = ({ from, to }: Span) => {
    const [a, b] = [fraction(view, from), fraction(view, to)].map((x) => Math.min(1, Math.max(0, x)));
    return { left: `${(a ?? 0) * 100}%`, width: `${((b ?? 0) - (a ?? 0)) * 100}%` };
  };
  const inView = (time: number) => time >= view.from && time <= view.to;

  return (
    <div class="timeline-box">
      <div
        ref={track}
        class="timeline"
        role="slider"
        tabIndex={0}
        aria-label={t.day.timeline}
        aria-valuemin={0}
        aria-valuemax={Math.round((whole.to - whole.from) / SECOND)}
        aria-valuenow={Math.round((at - whole.from) / SECOND)}
        aria-valuetext={words.join(", ")}
        data-testid="timeline"
        data-from={new Date(view.from).toISOString()}
        data-to={new Date(view.to).toISOString()}
        data-cursor={new Date(at).toISOString()}
        onPointerDown={onPointerDown}
        onPointerMove={(pointer) => dragging.current && (day.aim.value = pointedAt(pointer))}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerCancel}
        onKeyDown={onKeyDown}
      >
        <svg class="timeline-video" viewBox="0 0 10000 1" preserveAspectRatio="none" aria-hidden="true">
          <path d={pathOf(day.spans.value, view)} data-testid="timeline-video" data-ranges={day.spans.value.length} />
        </svg>
        {clock.value.getTime() < view.to && <span class="timeline-future" style={stretch({ from: clock.value.getTime(), to: view.to })} />}
        {part && <span class="timeline-part" style={stretch(part)} />}
        {day.events.value
          .filter((event) => inView(Date.parse(event.started_at)))
          .map((event) => (
            <span
              key={event.event_id}
              class={event.severity === "alert" ? "mark mark-alert" : "mark mark-detection"}
              data-testid="timeline-mark"
              data-event-id={event.event_id}
              style={place(Date.parse(event.started_at))}
            />
          ))}
        <span class="ticks">
          {ticksOf(whole, view, zoom.value).map((tick) => (
            <span class="tick" key={tick} style={place(tick)}>
              <span class="tick-label">{minuteOfDay(new Date(tick))}</span>
            </span>
          ))}
        </span>
        {inView(at) && <span class="cursor" style={place(at)} />}
      </div>
      <div class="timeline-foot">
        <ul class="legend">
          <li>
            <span class="legend-video" aria-hidden="true" /> {t.day.legendVideo}
          </li>
          <li>
            <span class="mark mark-alert" aria-hidden="true" /> {t.day.legendAlert}
          </li>
          <li>
            <span class="mark mark-detection" aria-hidden="true" /> {t.day.legendDetection}
          </li>
        </ul>
        <Jump day={day} step={-1} />
        <Jump day={day} step={1} />
        <label class="choice choice-zoom">
          <span class="visually-hidden">{t.day.zoom}</span>
          <select
            data-testid="timeline-zoom"
            value={zoom.value}
            onChange={(event) => (zoom.value = event.currentTarget.value as Zoom)}
          >
            {(Object.keys(ZOOMS) as Zoom[]).map((name) => (
              <option key={name} value={name}>
                {t.day.spans[name]}
              </option>
            ))}
          </select>
        </label>
      </div>
    </div>
  );
}

function Jump({ day, step }: { day: CameraDay; step: 1 | -1 }) {
  const to = day.neighbor(step);
  const label = step > 0 ? t.day.nextEvent : t.day.previousEvent;
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={label}
      aria-disabled={to === undefined}
      data-testid={step > 0 ? "next-event" : "previous-event"}
      onClick={() => to !== undefined && day.play(to)}
    >
      <Icon name={step > 0 ? "next" : "previous"} />
    </button>
  );
}

/** The event that goes on at a time, if one does. */
function eventAt(day: CameraDay, at: number) {
  return day.events.value.find(
    (event) => Date.parse(event.started_at) <= at && at <= Date.parse(event.ended_at ?? event.updated_at),
  );
}

/** All of the video as one shape; what is short is drawn wide enough to be seen. */
function pathOf(spans: readonly Span[], view: Span): string {
  let path = "";
  for (const span of spans) {
    if (span.to < view.from || span.from > view.to) continue;
    const from = Math.max(0, Math.round(fraction(view, span.from) * 10_000));
    const to = Math.min(10_000, Math.round(fraction(view, span.to) * 10_000));
    const width = Math.max(50, to - from);
    path += `M${from} 0h${width}v1h-${width}z`;
  }
  return path;
}
