import { useSignal, type Signal } from "@preact/signals";
import { timeOfDay } from "../lib/format";
import { t } from "../messages";
import type { CameraDay } from "../playback/day";
import { partProblem, timeOnDay } from "../playback/part";
import type { Span } from "../playback/spans";
import { useApp } from "./context";
import { Icon } from "./icons";
import { SaveButton } from "./SaveButton";

/** How much is offered at first on either side of the time shown, in milliseconds. */
const AROUND = 30_000;

interface Props {
  day: CameraDay;
  /** What is about to be saved, for the timeline to show; undefined while nothing is. */
  part: Signal<Span | undefined>;
}

/** Chooses a part of the day by its two times and saves it. */
export function SavePart({ day, part }: Props) {
  const { api } = useApp();
  const wrong = useSignal<string | undefined>(undefined);
  const chosen = part.value;

  if (!chosen) {
    return (
      <div class="player-actions">
        <button
          type="button"
          class="button"
          data-testid="save-part"
          onClick={() => {
            const at = Math.floor(day.cursor.peek() / 1000) * 1000;
            wrong.value = undefined;
            part.value = { from: Math.max(day.day.value.from, at - AROUND), to: Math.min(day.day.value.to - 1_000, at + AROUND) };
          }}
        >
          <Icon name="save" />
          {t.save.part}
        </button>
      </div>
    );
  }

  const change = (changes: Partial<Span>) => {
    wrong.value = undefined;
    part.value = { ...chosen, ...changes };
  };
  const camera = day.camera.value;
  return (
    <section class="part" aria-labelledby="part-heading" data-testid="part">
      <h3 id="part-heading">{t.save.partHeading}</h3>
      <div class="part-fields">
        <TimeField name={t.save.from} testid="part-from" day={day} value={chosen.from} onChange={(from) => change({ from })} />
        <TimeField name={t.save.to} testid="part-to" day={day} value={chosen.to} onChange={(to) => change({ to })} />
      </div>
      <p class="part-hint">{t.save.hint}</p>
      {wrong.value && (
        <p class="part-wrong" role="alert" data-testid="part-wrong">
          {wrong.value}
        </p>
      )}
      <div class="player-actions">
        <SaveButton
          ask={(signal) => api.getCameraClip(camera, new Date(chosen.from), new Date(chosen.to), signal)}
          refuse={() => partProblem(chosen, day.spans.value)}
          onRefused={(why) => (wrong.value = why)}
        />
        <button type="button" class="button button-quiet" data-testid="part-close" onClick={() => (part.value = undefined)}>
          {t.event.close}
        </button>
      </div>
    </section>
  );
}

interface TimeFieldProps {
  name: string;
  testid: string;
  day: CameraDay;
  value: number;
  onChange: (at: number) => void;
}

function TimeField({ name, testid, day, value, onChange }: TimeFieldProps) {
  return (
    <div class="part-field">
      <label>
        <span>{name}</span>
        <input
          type="time"
          step={1}
          required
          data-testid={testid}
          value={timeOfDay(new Date(value))}
          onChange={(event) => {
            const at = timeOnDay(day.day.value, event.currentTarget.value);
            if (at !== undefined) onChange(at);
          }}
        />
      </label>
      <button
        type="button"
        class="button button-small"
        aria-label={t.save.here(name)}
        data-testid={`${testid}-here`}
        onClick={() => onChange(Math.floor(day.cursor.peek() / 1000) * 1000)}
      >
        {t.save.take}
      </button>
    </div>
  );
}
