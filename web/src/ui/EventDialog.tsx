import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ApiError } from "../api/client";
import type { CameraEvent } from "../api/types";
import { whatOf } from "../events/words";
import { cameraName } from "../lib/format";
import { isAbort, problemOf, type Problem } from "../lib/problem";
import { t } from "../messages";
import { eventHash } from "../router";
import { useApp } from "./context";
import { EventDetails } from "./EventDetails";
import { Icon } from "./icons";
import { Notice } from "./Notice";

/** One event, large, over the list. The address says which. */
export function EventDialog({ id }: { id: string }) {
  const { feed, router } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  const fetched = useSignal<CameraEvent | undefined>(undefined);
  const problem = useSignal<Problem | undefined>(undefined);
  const attempt = useSignal(0);

  useEffect(() => {
    dialog.current?.showModal();
  }, []);

  const event = feed.find(id) ?? (fetched.value?.event_id === id ? fetched.value : undefined);
  useEffect(() => {
    if (event) return;
    const abort = new AbortController();
    problem.value = undefined;
    feed.event(id, abort.signal).then(
      (found) => (fetched.value = found),
      (error: unknown) => {
        if (isAbort(error)) return;
        const gone = error instanceof ApiError && error.status === 404;
        problem.value = gone ? t.problem.eventGone : problemOf(error);
      },
    );
    return () => abort.abort();
  }, [id, attempt.value, event === undefined]);

  const list = feed.events.value;
  const at = list.findIndex((other) => other.event_id === id);
  const newer = at > 0 ? list[at - 1] : undefined;
  const older = at >= 0 ? list[at + 1] : undefined;
  const show = (other: CameraEvent | undefined) => other && router.replace(eventHash(other.event_id));

  function onKeyDown(key: KeyboardEvent) {
    // There the arrows have a meaning of their own.
    if (key.target instanceof Element && key.target.closest("video, select")) return;
    if (key.key === "ArrowLeft") show(newer);
    if (key.key === "ArrowRight") show(older);
  }

  return (
    <dialog
      ref={dialog}
      class="sheet"
      aria-labelledby="event-heading"
      data-testid="event-dialog"
      onKeyDown={onKeyDown}
      onClose={() => router.leave(feed.filter.value)}
      onClick={(click) => click.target === dialog.current && dialog.current?.close()}
    >
      <div class="sheet-inner">
        <div class="sheet-head">
          <h2 id="event-heading">
            {event ? whatOf(event) : t.event.heading}
            {event && <span class="sheet-where">{cameraName(event.camera)}</span>}
          </h2>
          <IconButton name="previous" label={t.event.newer} disabled={!newer} onClick={() => show(newer)} />
          <IconButton name="next" label={t.event.older} disabled={!older} onClick={() => show(older)} />
          <IconButton name="close" label={t.event.close} onClick={() => dialog.current?.close()} />
        </div>
        {event && <EventDetails event={event} key={id} />}
        {!event && !problem.value && <div class="picture skeleton" role="status" aria-label={t.event.loading} />}
        {!event && problem.value && <Notice problem={problem.value} onRetry={() => attempt.value++} />}
      </div>
    </dialog>
  );
}

interface IconButtonProps {
  name: "previous" | "next" | "close";
  label: string;
  disabled?: boolean;
  onClick: () => void;
}

function IconButton({ name, label, disabled = false, onClick }: IconButtonProps) {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={label}
      aria-disabled={disabled}
      onClick={() => !disabled && onClick()}
    >
      <Icon name={name} />
    </button>
  );
}
