import { whatOf } from "../events/words";
import { cameraName } from "../lib/format";
import { t } from "../messages";
import { useApp } from "./context";

/** Tells a screen reader, politely, what has just arrived. */
export function Announcer() {
  const { feed } = useApp();
  const [first, ...rest] = feed.arrived.value;
  let text = "";
  if (first) {
    text =
      rest.length > 0
        ? t.events.announceMany(rest.length + 1)
        : (first.severity === "alert" ? t.events.announceAlert : t.events.announce)(whatOf(first), cameraName(first.camera));
  }
  return (
    <p class="visually-hidden" aria-live="polite" data-testid="announcer">
      {/* A new key makes even equal words count as news. */}
      <span key={first?.event_id}>{text}</span>
    </p>
  );
}
