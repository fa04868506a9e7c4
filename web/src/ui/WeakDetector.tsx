import { useSignal } from "@preact/signals";
import { cameraName } from "../lib/format";
import { t } from "../messages";
import { useApp } from "./context";
import { Icon } from "./icons";

/** Says plainly that a camera makes do with the built-in people detector. */
export function WeakDetector() {
  const { cameras } = useApp();
  const copied = useSignal(false);
  const weak = cameras.weak.value;
  if (weak.length === 0) return null;
  const names = t.list(weak.map((camera) => cameraName(camera.camera)));

  async function copy() {
    await navigator.clipboard.writeText(t.cameras.weakCommand);
    copied.value = true;
  }

  return (
    <section class="notice notice-warn" aria-labelledby="weak-title" data-testid="weak-detector">
      <Icon name="info" />
      <div class="notice-text">
        <h2 class="notice-title" id="weak-title">
          {t.cameras.weakTitle}
        </h2>
        <p>{t.cameras.weakText(names)}</p>
        <p class="command">
          <code>{t.cameras.weakCommand}</code>
          {/* Browsers offer the clipboard on safe origins only. */}
          {"clipboard" in navigator && (
            <button type="button" class="button button-small" onClick={() => void copy()}>
              <span role="status">{copied.value ? t.cameras.copied : t.cameras.copy}</span>
            </button>
          )}
        </p>
      </div>
    </section>
  );
}
