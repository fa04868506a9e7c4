import { effect, type ReadonlySignal } from "@preact/signals";
import type { CameraEvent } from "./api/types";
import type { PageWatch } from "./lib/poller";

/** Counts the events that arrive while nobody looks; looking resets it. */
export function countNews(
  arrived: ReadonlySignal<readonly CameraEvent[]>,
  page: PageWatch,
  show: (news: number) => void,
): void {
  let news = 0;
  effect(() => {
    const { length } = arrived.value;
    if (!page.hidden() || length === 0) return;
    news += length;
    show(news);
  });
  page.onChange(() => {
    if (page.hidden()) return;
    news = 0;
    show(news);
  });
}
