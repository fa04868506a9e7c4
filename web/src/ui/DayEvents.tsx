import type { CameraEvent } from "../api/types";
import { whatOf } from "../events/words";
import { timeOfDay } from "../lib/format";
import { t } from "../messages";
import { LEAD, type CameraDay } from "../playback/day";
import { eventHash } from "../router";
import { AlertMark, EventState } from "./EventCard";

/** What happened on the day, in words: the marks of the timeline for everyone. */
export function DayEvents({ day }: { day: CameraDay }) {
  const events = day.events.value;
  return (
    <section class="day-events" id="events" tabIndex={-1} aria-labelledby="day-events-heading">
      <h3 class="day-name" id="day-events-heading">
        {events.length > 0 ? t.day.events : t.day.noEvents}
      </h3>
      <ol class="day-list">
        {events.map((event) => (
          <li key={event.event_id}>
            <DayEvent event={event} onPlay={() => day.play(Date.parse(event.started_at) - LEAD)} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function DayEvent({ event, onPlay }: { event: CameraEvent; onPlay: () => void }) {
  const when = timeOfDay(new Date(event.started_at));
  const what = whatOf(event);
  return (
    <div class="day-event" data-testid="day-event" data-event-id={event.event_id}>
      <button type="button" class="day-event-play" onClick={onPlay}>
        <span class="visually-hidden">{t.day.play} </span>
        <time dateTime={event.started_at}>{when}</time>
        <span class="day-event-what">{what}</span>
      </button>
      <AlertMark event={event} />
      <EventState event={event} />
      <a class="text-link" href={eventHash(event.event_id)} aria-label={t.day.detailsOf(what, when)}>
        {t.day.details}
      </a>
    </div>
  );
}
