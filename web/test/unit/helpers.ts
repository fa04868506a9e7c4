import type { CameraEvent } from "../../src/api/types";
import type { PageWatch } from "../../src/lib/poller";

/** An event whose id sorts like n, a small number. */
export function event(n: number, changes: Partial<CameraEvent> = {}): CameraEvent {
  const at = new Date(Date.UTC(2026, 0, 5, 12) + n * 60_000).toISOString();
  return {
    event_id: idOf(n),
    sequence: 1,
    state: "started",
    camera: "home.door",
    started_at: at,
    updated_at: at,
    labels: { person: 0.9 },
    zones: [],
    score: 0.9,
    box: [0.1, 0.2, 0.3, 0.4],
    faces: [],
    model: "test",
    ...changes,
  };
}

export const idOf = (n: number): string => `01ARZ3NDEK${String(n).padStart(16, "0")}`;

export const idsOf = (events: readonly CameraEvent[]): string[] => events.map((e) => e.event_id);

export class MemoryStorage implements Storage {
  readonly #items = new Map<string, string>();
  get length(): number {
    return this.#items.size;
  }
  clear(): void {
    this.#items.clear();
  }
  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }
  key(index: number): string | null {
    return [...this.#items.keys()][index] ?? null;
  }
  removeItem(key: string): void {
    this.#items.delete(key);
  }
  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }
}

/** A page that the test shows and hides. */
export class FakePage implements PageWatch {
  isHidden = false;
  readonly #callbacks = new Set<() => void>();
  hidden(): boolean {
    return this.isHidden;
  }
  onChange(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }
  show(visible: boolean): void {
    this.isHidden = !visible;
    for (const callback of [...this.#callbacks]) callback();
  }
  get watchers(): number {
    return this.#callbacks.size;
  }
}

export const json = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

/** A token as a provider would make it; nobody here checks the signature. */
export function idToken(claims: Record<string, unknown>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.c2ln`;
}
