import { useEffect, useRef } from "preact/hooks";
import { timeOfDay } from "../lib/format";
import type { Problem } from "../lib/problem";
import { t } from "../messages";
import type { Video } from "../playback/video";
import { Notice } from "./Notice";

/** Of use for looking closely and for skimming. */
const RATES = [0.25, 0.5, 1, 2, 4, 8];

interface Props {
  video: Video;
  label: string;
  poster?: string | undefined;
  /** What to say when there is no video and none will come. */
  none: Problem;
  /** Whether the video takes the focus of the button that opened it. */
  takeFocus?: boolean;
}

/** A video with the browser's own controls, speed, the clock, and words for what keeps it from playing. */
export function Player({ video, label, poster, none, takeFocus = false }: Props) {
  const element = useRef<HTMLVideoElement>(null);
  const state = video.state.value;
  const date = video.date.value;

  useEffect(() => {
    if (!element.current) return;
    video.attach(element.current);
    if (takeFocus) element.current.focus();
  }, [video]);

  return (
    <div
      class="player"
      data-testid="player"
      data-state={state.name}
      data-time={date === undefined ? undefined : new Date(date).toISOString()}
    >
      <div class="screen">
        <video
          ref={element}
          data-testid="video"
          aria-label={label}
          controls={state.name === "ready"}
          tabIndex={0}
          playsInline
          preload="auto"
          poster={poster}
        />
        <p class="screen-words" role="status">
          {state.name === "opening" && t.video.opening}
        </p>
      </div>
      <PlayerNotice video={video} none={none} />
      <div class="player-bar" hidden={state.name !== "ready" && state.name !== "opening"}>
        <p class="player-time" data-testid="player-time">
          <span class="visually-hidden">{t.video.recorded} </span>
          {date !== undefined && <time dateTime={new Date(date).toISOString()}>{timeOfDay(new Date(date))}</time>}
        </p>
        <label class="choice choice-rate">
          <span class="visually-hidden">{t.video.speed}</span>
          <select
            data-testid="player-speed"
            value={String(video.rate.value)}
            onChange={(event) => video.setRate(Number(event.currentTarget.value))}
          >
            {[...new Set([...RATES, video.rate.value])].sort((a, b) => a - b).map((rate) => (
              <option key={rate} value={String(rate)}>
                {t.video.rate(rate)}
              </option>
            ))}
          </select>
        </label>
      </div>
    </div>
  );
}

function PlayerNotice({ video, none }: { video: Video; none: Problem }) {
  const state = video.state.value;
  const retry = () => video.renew();
  switch (state.name) {
    case "waiting":
      return <Notice problem={t.video.waiting} quiet />;
    case "none":
      return <Notice problem={none} onRetry={retry} quiet />;
    case "unplayable":
      return <Notice problem={t.video.unplayable} />;
    case "failed":
      return <Notice problem={state.problem} onRetry={retry} retryLabel={state.again ? t.tryNow : t.retry} />;
    default:
      return null;
  }
}
