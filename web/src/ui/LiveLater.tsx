import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { t } from "../messages";
import { Notice } from "./Notice";

type Part = typeof import("./LivePage");

let part: Promise<Part> | undefined;

/** Fetches live view, which most visits do without; once. */
export const loadLive = (): void => {
  part ??= import("./LivePage");
  part.catch(() => (part = undefined));
};

/** The live page, as soon as it has been loaded. */
export function LiveLater({ camera }: { camera: string }) {
  const since = useMemo(() => performance.now(), [camera]);
  const loaded = useSignal<Part | "failed" | undefined>(undefined);
  useEffect(() => {
    loadLive();
    part?.then(
      (module) => (loaded.value = module),
      () => (loaded.value = "failed"),
    );
  }, []);
  if (loaded.value && loaded.value !== "failed") return <loaded.value.LivePage camera={camera} since={since} />;
  return (
    <main class="day-page">
      {loaded.value === "failed" ? (
        <Notice problem={t.live.notLoaded} onRetry={() => location.reload()} retryLabel={t.live.reload} />
      ) : (
        <p class="player-note" role="status">
          {t.live.loading}
        </p>
      )}
    </main>
  );
}
