import { t } from "../messages";

const clock = new Intl.DateTimeFormat(t.locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minute = new Intl.DateTimeFormat(t.locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(t.locale, { weekday: "long", day: "numeric", month: "long" });
const dayWithYear = new Intl.DateTimeFormat(t.locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const moment = new Intl.DateTimeFormat(t.locale, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
const relative = new Intl.RelativeTimeFormat(t.locale, { numeric: "always", style: "short" });
const percent = new Intl.NumberFormat(t.locale, { style: "percent", maximumFractionDigits: 0 });

/** Local date as yyyy-mm-dd. */
export function dayKey(date: Date): string {
  const pad = (n: number) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

export function dayName(date: Date, now: Date): string {
  const key = dayKey(date);
  if (key === dayKey(now)) return t.time.today;
  if (key === dayKey(new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1))) return t.time.yesterday;
  return (date.getFullYear() === now.getFullYear() ? day : dayWithYear).format(date);
}

/** Hours and minutes. */
export const minuteOfDay = (date: Date): string => minute.format(date);
export const timeOfDay = (date: Date): string => clock.format(date);
export const fullTime = (date: Date): string => moment.format(date);

/** How long ago, in the largest fitting unit; a future time counts as now. */
export function ago(date: Date, now: Date): string {
  const seconds = Math.floor((now.getTime() - date.getTime()) / 1000);
  if (seconds < 10) return t.time.justNow;
  if (seconds < 60) return relative.format(-seconds, "second");
  if (seconds < 3600) return relative.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return relative.format(-Math.floor(seconds / 3600), "hour");
  return relative.format(-Math.floor(seconds / 86_400), "day");
}

/** A length of time; at least a second. */
export function duration(from: Date, to: Date): string {
  const total = Math.max(1, Math.round((to.getTime() - from.getTime()) / 1000));
  if (total < 60) return t.time.seconds(total);
  if (total < 3600) return t.time.minutes(Math.floor(total / 60), total % 60);
  return t.time.hours(Math.floor(total / 3600), Math.floor((total % 3600) / 60));
}

export const score = (fraction: number): string => percent.format(fraction);

/** A camera's name as people write it: front-door becomes Front door. */
export function cameraName(camera: string): string {
  const name = camera.slice(camera.indexOf(".") + 1).replace(/[-_]+/g, " ").trim() || camera;
  return name.charAt(0).toUpperCase() + name.slice(1);
}
