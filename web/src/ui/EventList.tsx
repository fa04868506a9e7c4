import { useEffect, useRef } from "preact/hooks";
import { groupByDay } from "../events/group";
import { dayName } from "../lib/format";
import { t } from "../messages";
import { useApp } from "./context";
import { EventCard } from "./EventCard";
import { Filters } from "./Filters";
import { Icon } from "./icons";
import { Notice } from "./Notice";

export function EventList() {
  const { feed, cameras, clock } = useApp();
  const problem = feed.problem.value;
  function retry() {
    feed.poller.now();
    cameras.poller.now();
  }
  return (
    <section class="events" id="events" tabIndex={-1} aria-labelledby="events-heading" aria-busy={!feed.loaded.value}>
      <div class="events-head">
        <h2 id="events-heading">{t.events.heading}</h2>
        <Filters />
      </div>
      {problem && <Notice problem={problem} onRetry={retry} retryLabel={t.tryNow} />}
      {!feed.loaded.value && !problem && <Skeletons />}
      {feed.loaded.value && feed.events.value.length === 0 && <Empty />}
      {groupByDay(feed.events.value).map((day) => (
        <section class="day" key={day.key} aria-labelledby={`day-${day.key}`}>
          <h3 class="day-name" id={`day-${day.key}`}>
            {dayName(day.date, clock.value)}
          </h3>
          <ol class="event-grid">
            {day.events.map((event) => (
              <li key={event.event_id}>
                <EventCard event={event} />
              </li>
            ))}
          </ol>
        </section>
      ))}
      {feed.loaded.value && feed.events.value.length > 0 && <Older />}
    </section>
  );
}

/** Loads the next page when its end comes near, or when the button is pressed. */
function Older() {
  const { feed } = useApp();
  const sentinel = useRef<HTMLDivElement>(null);
  const { value: more } = feed.hasOlder;
  const { value: busy } = feed.loadingOlder;
  const { value: problem } = feed.olderProblem;

  useEffect(() => {
    if (!sentinel.current || !more || busy || problem) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) void feed.loadOlder();
      },
      { rootMargin: "400px" },
    );
    observer.observe(sentinel.current);
    return () => observer.disconnect();
  }, [more, busy, problem]);

  return (
    <div class="older" ref={sentinel}>
      {problem && <Notice problem={problem} onRetry={() => void feed.loadOlder()} />}
      {!problem && more && (
        <button type="button" class="button" aria-disabled={busy} onClick={() => void feed.loadOlder()}>
          {busy ? t.events.loadingOlder : t.events.older}
        </button>
      )}
      {!problem && !more && <p class="older-end">{t.events.end}</p>}
    </div>
  );
}

function Empty() {
  const { feed } = useApp();
  if (Object.values(feed.filter.value).some(Boolean)) {
    return (
      <div class="empty" data-testid="no-events">
        <Icon name="moon" />
        <p class="empty-title">{t.events.emptyFiltered}</p>
        <a class="button" href="#/">
          {t.events.clear}
        </a>
      </div>
    );
  }
  return (
    <div class="empty" data-testid="no-events">
      <Icon name="moon" />
      <p class="empty-title">{t.events.empty}</p>
      <p>{t.events.emptyHint}</p>
    </div>
  );
}

function Skeletons() {
  return (
    <>
      <p class="visually-hidden" role="status">
        {t.events.loading}
      </p>
      <div class="event-grid" aria-hidden="true">
        {[0, 1, 2, 3, 4, 5].map((i) => (
          <div class="event" key={i}>
            <div class="picture skeleton" />
            <div class="event-text">
              <span class="bar skeleton" />
              <span class="bar bar-short skeleton" />
            </div>
          </div>
        ))}
      </div>
    </>
  );
}
