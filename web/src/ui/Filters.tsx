import type { Filter } from "../events/feed";
import { cameraName } from "../lib/format";
import { labelName, t } from "../messages";
import { homeHash } from "../router";
import { useApp } from "./context";

export function Filters() {
  const { feed, cameras, router } = useApp();
  const filter = feed.filter.value;
  const change = (part: Partial<Filter>) => router.go(homeHash({ ...filter, ...part }));
  return (
    <div class="filters">
      <Choice
        label={t.events.filterCamera}
        testid="filter-camera"
        all={t.events.allCameras}
        value={filter.camera}
        options={(cameras.list.value ?? []).map((camera) => camera.camera)}
        name={cameraName}
        onChange={(camera) => change({ camera })}
      />
      <Choice
        label={t.events.filterLabel}
        testid="filter-label"
        all={t.events.allLabels}
        value={filter.label}
        options={feed.labels.value}
        name={labelName}
        onChange={(label) => change({ label })}
      />
      <Choice
        label={t.events.filterSeverity}
        testid="filter-severity"
        all={t.events.allSeverities}
        value={filter.severity}
        options={["alert"]}
        name={() => t.events.onlyAlerts}
        onChange={(severity) => change({ severity: severity === "alert" ? severity : "" })}
      />
    </div>
  );
}

interface ChoiceProps {
  label: string;
  testid: string;
  all: string;
  value: string;
  options: readonly string[];
  name: (option: string) => string;
  onChange: (option: string) => void;
}

function Choice({ label, testid, all, value, options, name, onChange }: ChoiceProps) {
  const offered = value === "" || options.includes(value) ? options : [...options, value];
  return (
    <label class="choice">
      <span class="visually-hidden">{label}</span>
      <select data-testid={testid} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{all}</option>
        {offered.map((option) => (
          <option key={option} value={option}>
            {name(option)}
          </option>
        ))}
      </select>
    </label>
  );
}
