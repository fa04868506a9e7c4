import type { CameraEvent } from "../api/types";
import { labelsOf, whatOf } from "../events/words";
import { ago, cameraName, duration, score, timeOfDay } from "../lib/format";
import { t } from "../messages";
import { eventHash } from "../router";
import { useApp } from "./context";
import { Picture } from "./Picture";

export function EventCard({ event }: { event: CameraEvent }) {
  const { clock } = useApp();
  const what = whatOf(event);
  const camera = cameraName(event.camera);
  const started = new Date(event.started_at);
  const best = labelsOf(event)[0]?.[1] ?? event.score;
  return (
    <article
      class={event.severity === "alert" ? "event event-alert" : "event"}
      data-testid="event-card"
      data-event-id={event.event_id}
      data-state={event.state}
    >
      <Picture event={event} alt="" />
      <div class="event-text">
        <h4 class="event-what">
          <a class="event-link" href={eventHash(event.event_id)}>
            {what}
          </a>
          <span class="score">
            {score(best)}
            <span class="visually-hidden"> {t.event.sure}</span>
          </span>
        </h4>
        <p class="event-where">
          <AlertMark event={event} />
          {camera}
        </p>
        <p class="event-when">
          <time dateTime={event.started_at}>{timeOfDay(started)}</time>
          <span class="event-ago">{ago(started, clock.value)}</span>
        </p>
        <EventState event={event} />
      </div>
    </article>
  );
}

/** Marks what the owner wants to be told of, in words and not by color alone. */
export function AlertMark({ event }: { event: CameraEvent }) {
  if (event.severity !== "alert") return null;
  return (
    <>
      <strong class="alert-mark" data-testid="alert-mark">
        {t.events.alert}
      </strong>{" "}
    </>
  );
}

export function EventState({ event }: { event: CameraEvent }) {
  if (event.state === "ended" && event.ended_at) {
    return (
      <p class="event-state">{t.events.lasted(duration(new Date(event.started_at), new Date(event.ended_at)))}</p>
    );
  }
  return (
    <p class="event-state event-now">
      <span class="dot" aria-hidden="true" />
      {t.events.ongoing}
    </p>
  );
}
