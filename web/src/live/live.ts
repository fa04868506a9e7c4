import { batch, computed, signal } from "@preact/signals";
import { Video } from "../playback/video";
import { Refusal, type Status } from "./commands";
import { Connection, PHASES, type Phase } from "./connection";
import { lost, type Ending, type Kind } from "./ending";
import { numbersOf, type Numbers } from "./numbers";
import { Standby } from "./standby";
import type { Join, LivePorts, LiveState, Quality } from "./state";

/** Milliseconds before trying again, after one failure and after more. */
const WAITS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/** What lasts as long, in milliseconds, was none that failed. */
const LASTING = 10_000;

/** How often the connection is looked at, in milliseconds. */
const LOOK = 500;

/** Without packets for as long, another way to the camera is looked for, in milliseconds … */
const STILL = 2_000;
/** … and after as long everything is done anew, beside what there is. */
const DEAD = 5_000;

/** A page that nobody looks at goes on for as long, in milliseconds. */
const UNSEEN = 60_000;

/** Nobody may look, or there is nothing to see: no other way helps. */
const CLOSED: ReadonlySet<Kind> = new Set(["no-live", "private", "forbidden", "replaced", "signed-out"]);

/**
 * One camera live: connects, tells how far it is, connects anew when the
 * connection breaks off, and in the meantime shows what a recording would.
 */
export class Live {
  readonly state = signal<LiveState>({ name: "closed" });
  /** What keeps the picture away, until there is one. */
  readonly ending = signal<Ending | undefined>(undefined);
  /** Of the connection that is or was shown last. */
  readonly join = signal<Join>({});
  readonly numbers = signal<Numbers | undefined>(undefined);
  readonly sound = signal(false);
  readonly muted = signal(true);
  /** Undefined where it cannot be chosen. */
  readonly quality = signal<Quality | undefined>(undefined);
  /** Why a choice of quality was refused. */
  readonly qualityRefused = signal<string | undefined>(undefined);
  /** The stream that is sent. */
  readonly sent = signal("");
  /** The same as a recording is shown: later, but by plain HTTPS. */
  readonly behind: Video;
  /** Which of the two is on screen. */
  readonly way = computed(() =>
    this.state.value.name === "live" ? "webrtc" : this.behind.state.value.name === "ready" ? "hls" : undefined,
  );

  #camera = "";
  #element: HTMLVideoElement | undefined;
  #behindElement: HTMLVideoElement | undefined;
  #joining: Connection | undefined;
  #shown: Connection | undefined;
  #streams = new WeakMap<Connection, MediaStream>();
  #joins = new WeakMap<Connection, Join>();
  #since = 0;
  #liveAt: number | undefined;
  #failures = 0;
  #packets = 0;
  #packetsAt = 0;
  #wish: Quality = "auto";
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #standby: Standby;
  #unseen: ReturnType<typeof setTimeout> | undefined;
  #look: ReturnType<typeof setInterval> | undefined;
  #detach: AbortController | undefined;
  #unwatch: (() => void)[] = [];

  constructor(private readonly ports: LivePorts) {
    this.behind = new Video(ports.openEngine, ports.page, ports.now);
    this.#standby = new Standby(this.behind, ports.askBehind);
  }

  /** Takes the two elements to play in. */
  attach(element: HTMLVideoElement, behind: HTMLVideoElement): void {
    this.#element = element;
    this.#behindElement = behind;
    this.#detach?.abort();
    this.#detach = new AbortController();
    const { signal } = this.#detach;
    element.addEventListener("loadeddata", () => this.#pictured(), { signal });
    // A browser may allow only silence, and its own controls mute too.
    for (const one of [element, behind]) one.addEventListener("volumechange", () => this.mute(one.muted), { signal });
    this.mute(this.muted.value);
    this.behind.attach(behind);
    const connection = this.#joining ?? this.#shown;
    if (connection) this.#put(connection);
  }

  /** Shows a camera; since is when it was asked for, by the clock. */
  start(camera: string, since: number = this.ports.clock()): void {
    this.stop();
    this.#camera = camera;
    this.#since = since;
    this.#standby.start(camera);
    this.#unwatch = [this.ports.page.onChange(() => this.#looked()), this.ports.onNetwork(() => this.#moved())];
    this.#look = setInterval(() => void this.#check(), LOOK);
    this.#begin();
    this.#looked();
  }

  /** Tries at once. */
  retry(): void {
    if (this.state.value.name === "closed") return;
    this.#failures = 0;
    this.#since = this.ports.clock();
    this.#begin();
  }

  /** Lets go of the camera until it is resumed; the last picture stays. */
  pause(): void {
    if (this.state.value.name === "closed") return;
    this.#letGo();
    this.state.value = { name: "paused" };
    this.ending.value = undefined;
  }

  resume(): void {
    if (this.state.value.name === "paused") this.retry();
  }

  /** Lets go of everything. */
  stop(): void {
    this.#letGo();
    this.#standby.stop();
    clearInterval(this.#look);
    for (const unwatch of this.#unwatch.splice(0)) unwatch();
    if (this.#element) this.#element.srcObject = null;
    this.#liveAt = undefined;
    this.#failures = 0;
    batch(() => {
      this.state.value = { name: "closed" };
      this.ending.value = this.numbers.value = undefined;
      this.join.value = {};
      this.#wish = "auto";
    });
  }

  /** Forgets the elements too. */
  dispose(): void {
    this.stop();
    this.behind.dispose();
    this.#detach?.abort();
    this.#element = this.#behindElement = undefined;
  }

  /** The element whose picture is on screen. */
  get screen(): HTMLVideoElement | undefined {
    return this.way.value === "hls" ? this.#behindElement : this.#element;
  }

  mute(muted: boolean): void {
    this.muted.value = muted;
    for (const element of [this.#element, this.#behindElement]) if (element && element.muted !== muted) element.muted = muted;
  }

  async choose(quality: Quality): Promise<void> {
    const before = this.#wish;
    this.#wish = this.quality.value = quality;
    this.qualityRefused.value = undefined;
    try {
      await this.#shown?.commands?.ask("quality", { quality });
    } catch (error) {
      if (this.#wish !== quality || (error instanceof Refusal && error.code === "closed")) return; // asked for again by the next connection
      this.#wish = this.quality.value = before;
      this.qualityRefused.value = error instanceof Error ? error.message : "";
    }
  }

  /** Connects, beside what is shown if anything is. */
  #begin(): void {
    clearTimeout(this.#retry);
    this.#joining?.close();
    this.#standby.soon();
    const join: Join = {};
    const connection: Connection = new Connection(
      { ...this.ports, ask: (signal) => this.ports.ask(this.#camera, signal) },
      {
        phase: (phase) => this.#phase(connection, join, phase),
        stream: (stream) => this.#stream(connection, stream),
        open: () => void this.#opened(connection),
        status: (status) => this.#status(connection, status),
        ended: (ending) => this.#ended(connection, ending),
      },
    );
    this.#joins.set(connection, join);
    this.#joining = connection;
    void connection.start();
  }

  #phase(connection: Connection, join: Join, phase: Phase): void {
    const before = PHASES[PHASES.indexOf(phase) - 1];
    if (before) join[before] = this.ports.clock() - this.#since;
    if (connection !== this.#joining || this.#isWell()) return;
    if (this.state.value.name === "waiting" && phase === "picture") return;
    this.state.value = this.#liveAt === undefined ? { name: "connecting", phase } : { name: "reconnecting", phase };
  }

  #stream(connection: Connection, stream: MediaStream): void {
    this.#streams.set(connection, stream);
    const [track] = stream.getVideoTracks();
    // What is on screen stays there until something comes in its place.
    if (!this.#shown || !track?.muted) this.#put(connection);
    else track.addEventListener("unmute", () => this.#joining === connection && this.#put(connection), { once: true });
  }

  #put(connection: Connection): void {
    const [element, stream] = [this.#element, this.#streams.get(connection)];
    if (!element || !stream || element.srcObject === stream) return;
    element.srcObject = stream;
    element.play().catch((error: unknown) => {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || element.muted) return;
      element.muted = true;
      element.play().catch(() => {});
    });
  }

  /** The first picture of a stream is on screen. */
  #pictured(): void {
    const connection = this.#joining;
    if (!connection || this.#element?.srcObject !== this.#streams.get(connection)) return;
    connection.shown();
    this.#shown?.close();
    this.#shown = connection;
    this.#joining = undefined;
    const join = this.#joins.get(connection) ?? {};
    join.picture = this.ports.clock() - this.#since;
    this.#packetsAt = this.ports.clock();
    this.#packets = 0;
    batch(() => {
      this.join.value = { ...join };
      this.numbers.value = undefined;
      this.sound.value = connection.sound;
      this.#well();
    });
  }

  /** There is a picture, and it moves. */
  #well(): void {
    this.#liveAt = this.ports.clock();
    this.ending.value = undefined;
    this.state.value = { name: "live" };
    this.#standby.close();
  }

  /** The gateway answers commands: a quality can be chosen, and one chosen before holds. */
  async #opened(connection: Connection): Promise<void> {
    try {
      await connection.commands?.ask("ping");
      if (connection !== this.#joining && connection !== this.#shown) return;
      this.quality.value = this.#wish;
      if (this.#wish !== "auto") await connection.commands?.ask("quality", { quality: this.#wish });
    } catch {
      // A gateway of another make: no choice there.
    }
  }

  #status(connection: Connection, status: Status): void {
    if (connection !== this.#joining && connection !== this.#shown) return;
    if (status.quality) this.sent.value = status.quality;
    if (status.state === "waiting") {
      this.#standby.callOff(); // a recording has no more to show
      this.ending.value = undefined;
      this.state.value = { name: "waiting" };
    } else if (this.state.value.name === "waiting" && connection === this.#shown) this.#well();
  }

  #ended(connection: Connection, ending: Ending): void {
    const wasShown = connection === this.#shown;
    if (wasShown) this.#shown = undefined;
    else if (connection === this.#joining) this.#joining = undefined;
    else return;
    if (wasShown) {
      this.sound.value = false;
      this.quality.value = undefined;
    }
    if (ending.kind === "signed-out") return this.stop();
    if (this.#shown) this.#put(this.#shown); // in case its place was taken already
    // There is another that may do.
    if (this.#joining && ending.again) this.state.value = { name: "reconnecting", phase: this.#joining.phase };
    else if (!this.#isWell()) this.#failed(ending, wasShown && this.#lasted());
  }

  #failed(ending: Ending, wasWell: boolean): void {
    if (wasWell) this.#failures = 0;
    if (wasWell && ending.kind === "lost") {
      // At once, and without alarming anybody.
      this.state.value = { name: "reconnecting", phase: undefined };
      this.#since = this.ports.clock();
      return this.#begin();
    }
    const closed = CLOSED.has(ending.kind);
    if (closed || !ending.again) {
      this.#joining?.close();
      this.#shown?.close();
      this.#joining = this.#shown = undefined;
    }
    batch(() => {
      this.ending.value = ending;
      this.state.value = { name: "failed", ending };
    });
    if (closed) this.#clear();
    else this.#standby.play();
    if (ending.again) this.#later();
  }

  #later(): void {
    clearTimeout(this.#retry);
    const wait = WAITS[Math.min(this.#failures++, WAITS.length - 1)] ?? 0;
    this.#retry = setTimeout(() => {
      if (this.ports.page.hidden()) return; // when it is looked at
      this.#since = this.ports.clock();
      this.#begin();
    }, wait * (0.8 + 0.4 * this.ports.random()));
  }

  /** Whether there was a picture for long enough to think that there can be one again. */
  #lasted(): boolean {
    return this.#liveAt !== undefined && this.ports.clock() - this.#liveAt > LASTING;
  }

  #isWell(): boolean {
    return this.#shown !== undefined && this.state.value.name === "live";
  }

  /** Nothing is to be seen, not even the last picture. */
  #clear(): void {
    this.#standby.close();
    if (this.#element) this.#element.srcObject = null;
  }

  /** Looks whether the picture still moves. */
  async #check(): Promise<void> {
    const connection = this.#shown;
    if (!connection) return;
    let numbers: Numbers;
    try {
      const report = await connection.stats();
      if (!report || connection !== this.#shown) return;
      numbers = numbersOf(report, this.numbers.value);
    } catch {
      return;
    }
    // Each second is often enough for people.
    if (!this.numbers.value || numbers.at - this.numbers.value.at >= 2 * LOOK - 50) this.numbers.value = numbers;
    this.sound.value = connection.sound;
    const now = this.ports.clock();
    if (numbers.packets !== this.#packets) {
      this.#packets = numbers.packets;
      this.#packetsAt = now;
      const { name } = this.state.value;
      if ((name === "reconnecting" || name === "failed") && this.#element?.srcObject === this.#streams.get(connection)) {
        // It has found its way back by itself.
        clearTimeout(this.#retry);
        this.#joining?.close();
        this.#joining = undefined;
        this.#well();
      }
      return;
    }
    const still = now - this.#packetsAt;
    if (still < STILL || this.ports.page.hidden()) return;
    if (this.state.value.name === "live") {
      this.state.value = { name: "reconnecting", phase: undefined };
      this.#standby.soon();
      connection.restart();
    } else if (this.state.value.name === "reconnecting" && still > DEAD && !this.#joining) {
      this.#failed(lost, this.#lasted());
    }
  }

  /** The page is shown or hidden. */
  #looked(): void {
    clearTimeout(this.#unseen);
    if (this.ports.page.hidden()) {
      this.#unseen = setTimeout(() => {
        if (this.ports.page.hidden() && !this.ports.seenApart()) this.pause();
      }, UNSEEN);
      return;
    }
    this.#packetsAt = this.ports.clock();
    const state = this.state.value;
    if (state.name === "paused") this.resume();
    else if (state.name === "failed" && state.ending.again) this.retry();
  }

  /** The device is on another network, or on one again. */
  #moved(): void {
    const state = this.state.value;
    if (state.name === "failed" && state.ending.again) return this.retry();
    const { name } = this.state.value;
    if (name === "closed" || name === "paused" || name === "failed" || this.#shown?.restart()) return;
    if (this.#joining?.phase === "session") return; // has only just begun
    this.#begin();
  }

  #letGo(): void {
    for (const timer of [this.#retry, this.#unseen]) clearTimeout(timer);
    this.#joining?.close();
    this.#shown?.close();
    this.#joining = this.#shown = undefined;
    this.#standby.close();
    batch(() => {
      this.quality.value = this.qualityRefused.value = undefined;
      this.sound.value = false;
      this.sent.value = "";
    });
  }
}
