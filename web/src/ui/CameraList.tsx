import type { Camera } from "../api/types";
import { ago, cameraName } from "../lib/format";
import { t } from "../messages";
import { homeHash } from "../router";
import { useApp } from "./context";
import { Icon } from "./icons";
import { Notice } from "./Notice";

export function CameraList() {
  const { cameras } = useApp();
  const list = cameras.list.value;
  const problem = cameras.problem.value;
  return (
    <section class="cameras" aria-labelledby="cameras-heading">
      <h2 id="cameras-heading">{t.cameras.heading}</h2>
      {problem && !list && <Notice problem={problem} onRetry={() => cameras.poller.now()} />}
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

function CameraCard({ camera }: { camera: Camera }) {
  const { feed, clock } = useApp();
  const { filter } = feed;
  const name = cameraName(camera.camera);
  const chosen = filter.value.camera === camera.camera;
  const last = feed.events.value.find((event) => event.camera === camera.camera);
  const bad = !camera.online || camera.state === "failed";
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
      <span class={`pill pill-${camera.online ? "live" : "off"}`} data-testid="camera-online">
        <span class="dot" aria-hidden="true" />
        {camera.online ? t.cameras.online : t.cameras.offline}
      </span>
      <div class="camera-more">
        {camera.online ? <CameraState camera={camera} /> : <p class="camera-problem">{t.cameras.offlineHint}</p>}
        {camera.detector && <p>{t.cameras.detector(camera.detector.model)}</p>}
        {last && <p>{t.cameras.lastEvent(ago(new Date(last.started_at), clock.value))}</p>}
      </div>
    </article>
  );
}

function CameraState({ camera }: { camera: Camera }) {
  const text = t.cameras.state[camera.state];
  if (camera.state !== "failed") return <p>{text}</p>;
  return (
    <p class="camera-problem">
      <strong>{text}.</strong> {camera.message ?? t.cameras.failedHint}
    </p>
  );
}
