import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { CameraEvent } from "../api/types";
import type { Live } from "../live/live";
import type { Quality } from "../live/state";
import { live as words } from "../live/messages";
import { saveBlob, snapshotName, snapshotOf } from "../live/snapshot";
import { cameraName, timeOfDay } from "../lib/format";
import { useApp } from "./context";
import { Drawing, Icon } from "./icons";

const paths = {
  sound: "M4 9.5v5h3.5l5 4v-13l-5 4zM16 9a4.2 4.2 0 0 1 0 6M18.5 6.5a7.8 7.8 0 0 1 0 11",
  silence: "M4 9.5v5h3.5l5 4v-13l-5 4zM16 9.5l5 5M21 9.5l-5 5",
  shot: "M4 8h3.5L9 5.5h6L16.5 8H20v11H4zM12 10a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6",
  full: "M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5",
  small: "M4 6h16v12H4zM12 12h6v4h-6z",
};

interface Props {
  live: Live;
  camera: string;
  /** The newest event with a picture. */
  last: CameraEvent | undefined;
}

/** The picture, what there is to say about it, and what can be done with it. */
export function LivePlayer({ live, camera, last }: Props) {
  const player = useRef<HTMLDivElement>(null);
  const direct = useRef<HTMLVideoElement>(null);
  const behind = useRef<HTMLVideoElement>(null);
  const state = live.state.value;
  const way = live.way.value;
  const label = words.of(cameraName(camera));

  useEffect(() => {
    if (direct.current && behind.current) live.attach(direct.current, behind.current);
  }, [live]);

  const phase = state.name === "connecting" || state.name === "reconnecting" ? state.phase : undefined;
  return (
    <div
      ref={player}
      class="player live-player"
      data-testid="live-player"
      data-state={state.name}
      data-phase={phase}
      data-way={way}
      data-ending={live.ending.value?.kind}
      data-join-ms={live.join.value.picture === undefined ? undefined : Math.round(live.join.value.picture)}
    >
      <div class={`screen${way ? "" : " screen-still"}`}>
        <video
          ref={direct}
          class={way === "hls" ? "off" : undefined}
          data-testid="live-video"
          aria-label={label}
          tabIndex={way === "hls" ? -1 : 0}
          autoPlay
          playsInline
          muted
          poster={last?.thumbnail_url}
        />
        <video
          ref={behind}
          class={way === "hls" ? undefined : "off"}
          data-testid="live-behind"
          aria-label={label}
          tabIndex={way === "hls" ? 0 : -1}
          playsInline
          muted
        />
        <Badge live={live} last={last} />
        <p class="screen-words" role="status" data-testid="live-words">
          {wordsOf(live)}
        </p>
        {state.name === "paused" && (
          <button type="button" class="button button-main screen-button" data-testid="live-resume" onClick={() => live.resume()}>
            <Icon name="play" />
            {words.resume}
          </button>
        )}
      </div>
      <Controls live={live} camera={camera} player={player} />
    </div>
  );
}

/** What the picture is: now, some seconds ago, or no more than a picture. */
function Badge({ live, last }: { live: Live; last: CameraEvent | undefined }) {
  const { clock } = useApp();
  const way = live.way.value;
  const date = live.behind.date.value;
  const seconds = date === undefined ? 0 : Math.round((Math.max(Date.now(), clock.value.getTime()) - date) / 1000);
  const text =
    way === "webrtc" ? words.badge.live
    : way === "hls" ? (seconds > 0 && seconds < 120 ? words.badge.behind(seconds) : words.badge.behindUnknown)
    : live.state.value.name === "connecting" && last ? words.badge.poster(timeOfDay(new Date(last.updated_at)))
    : words.badge.still;
  return (
    <p class={`live-badge live-badge-${way ?? "still"}`} data-testid="live-badge">
      <span class="dot" aria-hidden="true" />
      {text}
    </p>
  );
}

function wordsOf(live: Live): string {
  const state = live.state.value;
  const behind = live.way.value === "hls";
  switch (state.name) {
    case "connecting":
      return behind ? "" : words.phase[state.phase];
    case "reconnecting":
      return behind ? "" : words.reconnecting;
    case "waiting":
      return words.waiting;
    case "paused":
      return words.paused;
    default:
      return "";
  }
}

interface ControlsProps {
  live: Live;
  camera: string;
  player: { current: HTMLDivElement | null };
}

function Controls({ live, camera, player }: ControlsProps) {
  const said = useSignal("");
  const full = useSignal(false);
  const way = live.way.value;
  const muted = live.muted.value;
  const quality = live.quality.value;
  const state = live.state.value;

  useEffect(() => {
    const changed = () => (full.value = document.fullscreenElement === player.current);
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, []);

  async function shoot() {
    const video = live.screen;
    const blob = video && (await snapshotOf(video));
    const name = snapshotName(camera, new Date());
    if (blob) saveBlob(blob, name);
    said.value = blob ? words.snapshotTaken(name) : words.snapshotFailed;
  }

  /** On a phone of Apple's only the video itself can have the screen. */
  function toggleFull() {
    const video = live.screen as (HTMLVideoElement & { webkitEnterFullscreen?: () => void }) | undefined;
    if (document.fullscreenElement) void document.exitFullscreen();
    else if (player.current?.requestFullscreen) player.current.requestFullscreen().catch(() => {});
    else video?.webkitEnterFullscreen?.();
  }

  function toggleSmall() {
    if (document.pictureInPictureElement) void document.exitPictureInPicture();
    else live.screen?.requestPictureInPicture().catch(() => {});
  }

  const fallback = way === "hls" && (state.name === "failed" && !state.ending.again ? words.fallbackStays : words.fallback);
  const refused = live.qualityRefused.value;
  return (
    <>
      <div class="player-actions live-actions">
        {way && (live.sound.value || way === "hls") && (
          <Act testid="live-mute" main path={muted ? paths.silence : paths.sound} onClick={() => live.mute(!muted)}>
            {muted ? words.unmute : words.mute}
          </Act>
        )}
        {way && (
          <Act testid="live-snapshot" path={paths.shot} onClick={() => void shoot()}>
            {words.snapshot}
          </Act>
        )}
        {way && document.pictureInPictureEnabled && (
          <Act testid="live-small" path={paths.small} onClick={toggleSmall}>
            {words.pictureInPicture}
          </Act>
        )}
        {way && (
          <Act testid="live-full" path={paths.full} onClick={toggleFull}>
            {full.value ? words.leaveFullScreen : words.fullScreen}
          </Act>
        )}
        {way === "webrtc" && quality && (
          <label class="choice choice-rate">
            <span class="visually-hidden">{words.quality}</span>
            <select data-testid="live-quality" value={quality} onChange={(event) => void live.choose(event.currentTarget.value as Quality)}>
              {Object.entries(words.qualities).map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <p class="player-note" role="status" data-testid="live-note">
        {refused !== undefined ? words.qualityRefused(refused) : fallback || said.value}
      </p>
    </>
  );
}

interface ActProps {
  testid: string;
  path: string;
  onClick: () => void;
  /** Its words stay where there is little room. */
  main?: boolean;
  children: string;
}

const Act = ({ testid, path, onClick, main = false, children }: ActProps) => (
  <button type="button" class={main ? "button act-main" : "button"} title={children} data-testid={testid} onClick={onClick}>
    <Drawing path={path} />
    <span>{children}</span>
  </button>
);
