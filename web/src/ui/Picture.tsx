import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Box, CameraEvent } from "../api/types";
import { t } from "../messages";
import { useApp } from "./context";
import { Icon } from "./icons";

/**
 * Milliseconds to wait before asking again for a picture that would not load.
 * Its address may have expired, or the picture may still be on its way.
 */
const WAITS = [500, 2_000, 6_000, 20_000];

interface Props {
  event: CameraEvent;
  alt: string;
  /** Words on the box; without them the box is bare. */
  caption?: string;
  eager?: boolean;
}

/** An event's whole best picture, with the box drawn over it. */
export function Picture({ event, alt, caption, eager }: Props) {
  const { feed } = useApp();
  const frame = useRef<HTMLDivElement>(null);
  const shown = useSignal(false);
  const barred = useSignal(false);
  const failures = useSignal(0);
  const renewed = useSignal<CameraEvent | undefined>(undefined);

  const { event_id, sequence } = event;
  const fresher = renewed.value?.event_id === event_id && renewed.value.sequence >= sequence ? renewed.value : event;
  const url = fresher.thumbnail_url;

  // A later state of the event brings a new address: begin counting anew.
  useEffect(() => {
    failures.value = 0;
  }, [event_id, sequence]);

  useEffect(() => {
    const wait = failures.value > 0 ? WAITS[failures.value - 1] : undefined;
    if (wait === undefined) return;
    const timer = setTimeout(() => {
      feed.renew(event_id).then(
        (fresh) => (renewed.value = fresh),
        () => failures.value++,
      );
    }, wait);
    return () => clearTimeout(timer);
  }, [event_id, failures.value]);

  function loaded({ currentTarget: image }: { currentTarget: HTMLImageElement }) {
    shown.value = true;
    // Through the object model, which a strict content security policy allows.
    const ratio = image.naturalWidth / image.naturalHeight;
    if (!frame.current || !(ratio > 0)) return;
    frame.current.style.aspectRatio = String(ratio);
    frame.current.classList.toggle("frame-tall", ratio < 16 / 9);
    barred.value = Math.abs(ratio - 16 / 9) > 0.05;
  }

  function failed() {
    shown.value = false;
    failures.value++;
  }

  return (
    <div class="picture">
      {/* The same picture, blurred, fills the bars beside one of another shape. */}
      {barred.value && shown.value && <img class="backdrop" src={url} alt="" />}
      <div class="frame" ref={frame}>
        {url && (
          <img
            class={shown.value ? "" : "unseen"}
            src={url}
            alt={alt}
            loading={eager ? "eager" : "lazy"}
            decoding="async"
            onLoad={loaded}
            onError={failed}
          />
        )}
        {shown.value && <BoxOutline box={event.box} caption={caption} />}
      </div>
      {!shown.value && (
        <span class={url && failures.value === 0 ? "placeholder skeleton" : "placeholder"}>
          {(!url || failures.value > 0) && (
            <>
              <Icon name="picture" />
              <span>{t.events.noPicture}</span>
            </>
          )}
        </span>
      )}
    </div>
  );
}

function BoxOutline({ box: [x0, y0, x1, y1], caption }: { box: Box; caption: string | undefined }) {
  if (!(x1 > x0 && y1 > y0)) return null;
  // Beside the box where there is room, so that the words hide nothing.
  const where = y0 > 0.12 ? "above" : y1 < 0.88 ? "below" : "inside";
  const at = (v: number) => `${Math.min(1, Math.max(0, v)) * 100}%`;
  return (
    <span
      class="box"
      data-testid="event-box"
      style={{ left: at(x0), top: at(y0), right: at(1 - x1), bottom: at(1 - y1) }}
    >
      {caption && <span class={`box-caption ${where} ${x0 > 0.6 ? "from-right" : ""}`}>{caption}</span>}
    </span>
  );
}
