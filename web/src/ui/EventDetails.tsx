import type { ComponentChildren } from "preact";
import type { CameraEvent } from "../api/types";
import { labelsOf, surestFirst } from "../events/words";
import { ago, cameraName, duration, fullTime, score } from "../lib/format";
import { labelName, t } from "../messages";
import { cameraHash } from "../router";
import { useApp } from "./context";
import { AlertMark, EventState } from "./EventCard";
import { EventVideo } from "./EventVideo";

export function EventDetails({ event }: { event: CameraEvent }) {
  const { clock } = useApp();
  const labels = labelsOf(event);
  const camera = cameraName(event.camera);
  const started = new Date(event.started_at);
  return (
    <>
      <EventVideo event={event} />
      <dl class="facts">
        <Fact name={t.event.seen} wide>
          <Labels labels={labels} />
        </Fact>
        {event.cloud_labels && (
          <Fact name={t.event.secondLook} wide testid="cloud-labels">
            <Labels labels={surestFirst(event.cloud_labels)} />
          </Fact>
        )}
        {event.severity && (
          <Fact name={t.event.kind}>{event.severity === "alert" ? <AlertMark event={event} /> : t.event.detection}</Fact>
        )}
        <Fact name={t.event.camera}>
          {camera} <span class="aside">{event.camera}</span>
          <a class="text-link fact-link" href={cameraHash(event.camera, started)} data-testid="whole-day">
            {t.event.wholeDay}
          </a>
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

function Labels({ labels }: { labels: [label: string, score: number][] }) {
  return (
    <ul class="chips">
      {labels.map(([label, value]) => (
        <li class="chip" key={label}>
          {labelName(label)} <span class="score">
            {score(value)} {t.event.sure}
          </span>
        </li>
      ))}
    </ul>
  );
}

interface FactProps {
  name: string;
  wide?: boolean;
  testid?: string;
  children: ComponentChildren;
}

export function Fact({ name, wide, testid, children }: FactProps) {
  return (
    <div class={wide ? "fact fact-wide" : "fact"} data-testid={testid}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
