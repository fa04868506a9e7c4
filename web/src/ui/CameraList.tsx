import type { Camera } from "../api/types";
import { ago, cameraName } from "../lib/format";
import { t } from "../messages";
import { cameraHash, homeHash, liveHash } from "../router";
import { useApp } from "./context";
import { Icon } from "./icons";
import { loadLive } from "./LiveLater";
import { Notice } from "./Notice";

export function CameraList() {
  const { cameras, feed } = useApp();
  // Those that need a hand come first; otherwise the order is the API's.
  const list = cameras.list.value?.toSorted((a, b) => Number(needsHelp(b)) - Number(needsHelp(a)));
  const problem = cameras.problem.value;
  return (
    <section class="cameras" aria-labelledby="cameras-heading">
      <h2 id="cameras-heading">{t.cameras.heading}</h2>
      {problem && !list && !feed.problem.value && <Notice problem={problem} onRetry={() => cameras.poller.now()} />}
      {!list && !problem && <div class="camera skeleton" aria-hidden="true" />}
      {list?.length === 0 && (
        <div class="empty empty-small" data-testid="no-cameras">
          <Icon name="camera" />
          <p class="empty-title">{t.cameras.empty}</p>
          <p>{t.cameras.emptyHint}</p>
        </div>
      )}
      {list && list.length > 0 && (
        <ul class="camera-list">
          {list.map((camera) => (
            <li key={camera.camera}>
              <CameraCard camera={camera} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const needsHelp = (camera: Camera): boolean => !camera.online || camera.state === "failed";

const isPrivate = (camera: Camera): boolean => camera.online && camera.state === "private";

function statusOf(camera: Camera): string {
  if (!camera.online) return t.cameras.offline;
  if (camera.state === "failed") return t.cameras.failed;
  return isPrivate(camera) ? t.cameras.private : t.cameras.online;
}

function CameraCard({ camera }: { camera: Camera }) {
  const { feed, clock } = useApp();
  const { filter } = feed;
  const name = cameraName(camera.camera);
  const chosen = filter.value.camera === camera.camera;
  const last = feed.events.value.find((event) => event.camera === camera.camera);
  const bad = needsHelp(camera);
  return (
    <article
      class={`camera${bad ? " camera-bad" : ""}${chosen ? " camera-chosen" : ""}`}
      data-testid="camera-card"
      data-camera={camera.camera}
    >
      <span class="camera-icon">
        <Icon name="camera" />
      </span>
      <div class="camera-text">
        <h3>
          <a
            class="camera-link"
            href={homeHash({ ...filter.value, camera: chosen ? "" : camera.camera })}
            aria-label={chosen ? `${name}: ${t.events.clear}` : t.cameras.showEvents(name)}
            aria-current={chosen ? "true" : undefined}
          >
            {name}
          </a>
        </h3>
        <p class="camera-id">{camera.camera}</p>
      </div>
      <span class={`pill pill-${bad ? "off" : isPrivate(camera) ? "quiet" : "live"}`} data-testid="camera-status">
        <span class="dot" aria-hidden="true" />
        {statusOf(camera)}
      </span>
      <div class="camera-more">
        <CameraState camera={camera} />
        {last && <p>{t.cameras.lastEvent(ago(new Date(last.started_at), clock.value))}</p>}
        {camera.detector && <p>{t.cameras.detector(camera.detector.model)}</p>}
        <p class="camera-day">
          <a
            class="button button-small"
            href={liveHash(camera.camera)}
            aria-label={t.live.openOf(name)}
            data-testid="open-live"
            // Ready by the time the press has become a click.
            onPointerEnter={loadLive}
            onPointerDown={loadLive}
            onFocus={loadLive}
          >
            <Icon name="live" />
            {t.live.open}
          </a>
          <a
            class="button button-small"
            href={cameraHash(camera.camera)}
            aria-label={t.day.openOf(name)}
            data-testid="camera-day"
          >
            <Icon name="play" />
            {t.day.open}
          </a>
        </p>
      </div>
    </article>
  );
}

function CameraState({ camera }: { camera: Camera }) {
  if (!camera.online) return <p class="camera-problem">{t.cameras.offlineHint}</p>;
  if (camera.state === "failed") return <p class="camera-problem">{camera.message ?? t.cameras.failedHint}</p>;
  return <p>{t.cameras.state[camera.state]}</p>;
}
