import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { CameraEvent } from "../api/types";
import { labelsOf, whatOf } from "../events/words";
import { cameraName, score, timeOfDay } from "../lib/format";
import { labelName, t } from "../messages";
import { openEngine } from "../playback/engine";
import type { Span } from "../playback/spans";
import { SETTLE, Video } from "../playback/video";
import { useApp } from "./context";
import { Icon } from "./icons";
import { Picture } from "./Picture";
import { Player } from "./Player";
import { SaveButton } from "./SaveButton";

/** How long after an event, in milliseconds, its video may still be on its way. */
const LATE = 10 * 60_000;

/** An event's picture and, once asked for, its video. */
export function EventVideo({ event }: { event: CameraEvent }) {
  const { api, page } = useApp();
  const gap = useSignal<Span | undefined>(undefined);
  const video = useMemo(() => new Video(openEngine, page, Date.now, { skipped: (span) => (gap.value = span) }), []);
  useEffect(() => () => video.dispose(), [video]);

  const { event_id: id, state, sequence } = event;
  const what = whatOf(event);
  const camera = cameraName(event.camera);
  const started = Date.parse(event.started_at);

  // A later state of the event may bring the video that was not there.
  useEffect(() => {
    if (video.state.peek().name === "waiting") video.renew();
  }, [sequence]);
  // What is followed has no end of its own: when the event has one, so has its video.
  useEffect(() => {
    if (state !== "ended" || !video.live.peek()) return;
    const timer = setTimeout(() => video.renew(), SETTLE);
    return () => clearTimeout(timer);
  }, [state]);

  function play() {
    gap.value = undefined;
    video.play({
      ask: (signal) => api.playEvent(id, signal),
      mayCome: () => Date.now() - Date.parse(event.ended_at ?? event.updated_at) < LATE,
    });
  }

  const { name } = video.state.value;
  const best = labelsOf(event)[0];
  const caption = best ? `${labelName(best[0])} ${score(event.score)}` : score(event.score);
  if (!video.open.value) {
    return (
      <div class="picture-large">
        <Picture event={event} alt={t.events.pictureOf(what, camera)} caption={caption} eager />
        <button type="button" class="button button-main play" data-testid="play-video" onClick={play}>
          <Icon name="play" />
          {t.video.play}
        </button>
      </div>
    );
  }
  return (
    <div class="picture-large" data-testid="event-video">
      <Player
        video={video}
        label={t.video.of(what, camera)}
        poster={event.thumbnail_url}
        none={event.clip ? t.video.gone : t.video.none}
        takeFocus
      />
      {gap.value && (
        <p class="player-note" role="status" data-testid="player-note">
          {t.video.skipped(timeOfDay(new Date(gap.value.from)), timeOfDay(new Date(gap.value.to)))}
        </p>
      )}
      <div class="player-actions">
        {name === "ready" && (
          <button type="button" class="button" data-testid="to-start" onClick={() => video.seek(started - 1_000)}>
            {t.video.toStart}
          </button>
        )}
        {name === "ready" && video.live.value && (
          <button type="button" class="button" data-testid="to-now" onClick={() => video.toNow()}>
            {t.video.toNow}
          </button>
        )}
        {name !== "none" && name !== "waiting" && <SaveButton ask={(signal) => api.getEventClip(id, signal)} />}
        <button type="button" class="button button-quiet" data-testid="close-video" onClick={() => video.close()}>
          {t.video.backToPicture}
        </button>
      </div>
    </div>
  );
}
