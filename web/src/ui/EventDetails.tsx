import type { ComponentChildren } from "preact";
import type { CameraEvent } from "../api/types";
import { labelsOf, whatOf } from "../events/words";
import { ago, cameraName, duration, fullTime, score } from "../lib/format";
import { labelName, t } from "../messages";
import { useApp } from "./context";
import { AlertMark, EventState } from "./EventCard";
import { Picture } from "./Picture";

export function EventDetails({ event }: { event: CameraEvent }) {
  const { clock } = useApp();
  const labels = labelsOf(event);
  const camera = cameraName(event.camera);
  const best = labels[0];
  const caption = best ? `${labelName(best[0])} ${score(event.score)}` : score(event.score);
  const started = new Date(event.started_at);
  return (
    <>
      <div class="picture-large">
        <Picture event={event} alt={t.events.pictureOf(whatOf(event), camera)} caption={caption} eager />
      </div>
      <dl class="facts">
        <Fact name={t.event.seen} wide>
          <ul class="chips">
            {labels.map(([label, value]) => (
              <li class="chip" key={label}>
                {labelName(label)} <span class="score">
                  {score(value)} {t.event.sure}
                </span>
              </li>
            ))}
          </ul>
        </Fact>
        {event.severity && (
          <Fact name={t.event.kind}>{event.severity === "alert" ? <AlertMark event={event} /> : t.event.detection}</Fact>
        )}
        <Fact name={t.event.camera}>
          {camera} <span class="aside">{event.camera}</span>
        </Fact>
        <Fact name={t.event.started}>
          <time dateTime={event.started_at}>{fullTime(started)}</time>{" "}
          <span class="aside">{ago(started, clock.value)}</span>
        </Fact>
        {event.ended_at ? (
          <>
            <Fact name={t.event.ended}>
              <time dateTime={event.ended_at}>{fullTime(new Date(event.ended_at))}</time>
            </Fact>
            <Fact name={t.event.duration}>{duration(started, new Date(event.ended_at))}</Fact>
          </>
        ) : (
          <Fact name={t.event.updated}>
            <time dateTime={event.updated_at}>{fullTime(new Date(event.updated_at))}</time>
            <EventState event={event} />
          </Fact>
        )}
        <Zones name={t.event.zones} zones={event.zones} />
        <Zones name={t.event.appeared} zones={event.appeared} />
        <Zones name={t.event.removed} zones={event.removed} />
        {event.faces.length > 0 && (
          <Fact name={t.event.faces}>{event.faces.map((face) => face.name || t.event.stranger).join(", ")}</Fact>
        )}
        <Fact name={t.event.model}>{event.model}</Fact>
        <Fact name={t.event.id}>
          <code>{event.event_id}</code>
        </Fact>
      </dl>
    </>
  );
}

function Zones({ name, zones = [] }: { name: string; zones?: string[] | undefined }) {
  return zones.length > 0 ? <Fact name={name}>{zones.join(", ")}</Fact> : null;
}

function Fact({ name, wide, children }: { name: string; wide?: boolean; children: ComponentChildren }) {
  return (
    <div class={wide ? "fact fact-wide" : "fact"}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
