import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { cameraName, dayKey, dayName, timeOfDay } from "../lib/format";
import { t } from "../messages";
import { CameraDay, type Note } from "../playback/day";
import { openEngine } from "../playback/engine";
import { dayAround, type Span } from "../playback/spans";
import { cameraHash, homeHash, liveHash } from "../router";
import { useApp } from "./context";
import { DayEvents } from "./DayEvents";
import { Icon } from "./icons";
import { Notice } from "./Notice";
import { Player } from "./Player";
import { SavePart } from "./SavePart";
import { Timeline } from "./Timeline";

interface Props {
  camera: string;
  /** A time of the day to show, in milliseconds since 1970; absent for today. */
  at: number | undefined;
  /** Whether an event lies over the page. */
  covered: boolean;
}

/** A camera's recordings, a day at a time. */
export function CameraDayPage({ camera, at, covered }: Props) {
  const { api, page, feed } = useApp();
  const day = useMemo(() => new CameraDay(api, page, Date.now, openEngine), []);
  const part = useSignal<Span | undefined>(undefined);
  const heading = useRef<HTMLHeadingElement>(null);
  // The button's focus goes to the video in its place; the timeline keeps its own.
  const byButton = useRef(false);
  const name = cameraName(camera);

  useEffect(() => day.show(camera, at), [camera, at]);
  useEffect(() => () => day.stop(), [day]);
  useEffect(() => {
    if (covered) day.video.pause();
  }, [covered]);
  useEffect(() => {
    part.value = undefined;
    heading.current?.focus();
  }, [camera]);

  const empty = day.loaded.value && day.spans.value.length === 0;
  return (
    <main class="day-page" data-testid="camera-day-page" data-camera={camera} aria-labelledby="day-heading">
      <div class="day-head">
        <a class="button button-quiet" href={homeHash(feed.filter.value)} data-testid="day-back">
          <Icon name="previous" />
          {t.day.back}
        </a>
        <h2 id="day-heading" ref={heading} tabIndex={-1}>
          {name}
        </h2>
        <a class="button" href={liveHash(camera)} aria-label={t.live.openOf(name)} data-testid="day-live">
          <Icon name="live" />
          {t.live.open}
        </a>
        <DayChoice camera={camera} day={day} />
      </div>
      {day.problem.value && <Notice problem={day.problem.value} onRetry={() => day.poller.now()} retryLabel={t.tryNow} />}
      {day.video.open.value ? (
        <Player video={day.video} label={t.video.ofCamera(name)} none={t.video.noneThen} takeFocus={byButton.current} />
      ) : (
        <Closed
          day={day}
          onPlay={() => {
            byButton.current = true;
            day.play();
          }}
        />
      )}
      <p class="player-note" role="status" data-testid="player-note">
        {day.note.value && wordsOf(day.note.value)}
      </p>
      {!empty && <Timeline day={day} part={part.value} />}
      {!empty && day.loaded.value && <SavePart day={day} part={part} />}
      {day.loaded.value && <DayEvents day={day} />}
    </main>
  );
}

/** In place of the video, before it is asked for. */
function Closed({ day, onPlay }: { day: CameraDay; onPlay: () => void }) {
  const loaded = day.loaded.value;
  if (loaded && day.spans.value.length === 0) {
    return (
      <div class="empty" data-testid="no-video">
        <Icon name="moon" />
        <p class="empty-title">{t.day.empty}</p>
        <p>{t.day.emptyHint}</p>
      </div>
    );
  }
  return (
    <div class="screen screen-closed">
      {loaded ? (
        <button type="button" class="button button-main" data-testid="play-day" onClick={onPlay}>
          <Icon name="play" />
          {t.day.play} <time dateTime={new Date(day.cursor.value).toISOString()}>{timeOfDay(new Date(day.cursor.value))}</time>
        </button>
      ) : (
        <p class="screen-words" role="status">
          {!day.problem.value && t.day.loading}
        </p>
      )}
    </div>
  );
}

function DayChoice({ camera, day }: { camera: string; day: CameraDay }) {
  const { router, clock } = useApp();
  const { from, to } = day.day.value;
  const today = dayKey(clock.value);
  const key = dayKey(new Date(from));
  const go = (other: string) => router.go(cameraHash(camera, other === today ? undefined : other));
  const before = dayKey(new Date(dayAround(from - 3_600_000).from));
  const after = dayKey(new Date(to));
  const last = key >= today;
  return (
    <div class="day-choice">
      <button type="button" class="icon-button" aria-label={t.day.previous} title={t.day.previous} data-testid="day-before" onClick={() => go(before)}>
        <Icon name="previous" />
      </button>
      <label class="day-field">
        <span class="day-words">{dayName(new Date(from), clock.value)}</span>
        <span class="visually-hidden">{t.day.choose}</span>
        <input
          type="date"
          data-testid="day-input"
          value={key}
          max={today}
          required
          onChange={(event) => event.currentTarget.value && go(event.currentTarget.value)}
        />
      </label>
      <button
        type="button"
        class="icon-button"
        aria-label={t.day.next}
        title={t.day.next}
        aria-disabled={last}
        data-testid="day-after"
        onClick={() => !last && go(after)}
      >
        <Icon name="next" />
      </button>
    </div>
  );
}

function wordsOf(note: Note): string {
  switch (note.kind) {
    case "gap":
      return t.video.skipped(timeOfDay(new Date(note.from)), timeOfDay(new Date(note.to)));
    case "newest":
      return t.day.newest;
    case "over":
      return t.day.over;
  }
}
