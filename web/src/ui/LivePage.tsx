import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Camera } from "../api/types";
import type { Ending } from "../live/ending";
import { browserPorts } from "../live/browser";
import { Live } from "../live/live";
import { live as words } from "../live/messages";
import { cameraName } from "../lib/format";
import type { Problem } from "../lib/problem";
import { t } from "../messages";
import { cameraHash, homeHash } from "../router";
import { useApp } from "./context";
import { Icon } from "./icons";
import { LiveDetails } from "./LiveDetails";
import { LivePlayer } from "./LivePlayer";
import { Notice } from "./Notice";
import "../styles/live.css";

interface Props {
  camera: string;
  /** When it was asked for, by performance.now. */
  since: number;
}

/** A camera live. */
export function LivePage({ camera, since }: Props) {
  const { api, page, cameras, feed } = useApp();
  const live = useMemo(() => new Live(browserPorts(api, page)), []);
  const heading = useRef<HTMLHeadingElement>(null);
  const name = cameraName(camera);
  const known = cameras.list.value?.find((one) => one.camera === camera);
  const last = feed.events.value.find((event) => event.camera === camera && event.thumbnail_url);

  useEffect(() => {
    live.start(camera, since);
    heading.current?.focus();
  }, [camera]);
  useEffect(() => {
    // The gateway learns at once that nobody looks any more; on the way back it goes on.
    const leave = () => live.pause();
    const back = () => live.resume();
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", back);
    return () => {
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("pageshow", back);
      live.dispose();
    };
  }, [live]);
  // What the gateway tells of its camera is news before the next try would be.
  const there = known?.online === true && known.state === "running";
  useEffect(() => {
    if (there && live.state.peek().name === "failed") live.retry();
  }, [there]);

  const ending = live.ending.value;
  return (
    <main class="day-page live-page" data-testid="live-page" data-camera={camera} aria-labelledby="live-heading">
      <div class="day-head">
        <a class="button button-quiet" href={homeHash(feed.filter.value)} data-testid="live-back">
          <Icon name="previous" />
          {t.day.back}
        </a>
        <h2 id="live-heading" ref={heading} tabIndex={-1}>
          {name}
        </h2>
        <a class="button button-small" href={cameraHash(camera)} aria-label={words.recordingsOf(name)} data-testid="live-recordings">
          <Icon name="play" />
          {words.recordings}
        </a>
      </div>
      <LivePlayer live={live} camera={camera} last={last} />
      {ending && (
        <Notice
          problem={problemOf(ending, known)}
          quiet={ending.kind === "private" || known?.state === "private"}
          onRetry={() => live.retry()}
          retryLabel={ending.again ? t.tryNow : t.retry}
        />
      )}
      <LiveDetails live={live} />
    </main>
  );
}

/** The API says that a camera cannot be seen; why, the list of cameras knows. */
function problemOf({ kind, problem }: Ending, camera: Camera | undefined): Problem {
  if (kind !== "no-live" || !camera) return problem;
  if (!camera.online) return words.problem.offline;
  return camera.state === "private" ? words.problem.private : problem;
}
