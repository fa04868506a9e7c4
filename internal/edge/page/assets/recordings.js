// Shows what is recorded of one camera on one day, by this browser's clock, and
// plays it.
"use strict";
const camera = document.querySelector("main").dataset.camera;
const [day, line, hours, player, now, save, word, list] =
  ["day", "line", "hours", "player", "now", "save", "word", "list"].map((id) => document.getElementById(id));
const longest = 10 * 60e3; // of one clip, milliseconds
const order = { continuous: 0, detection: 1, alert: 2 };

let ranges = []; // of the day, times in milliseconds
let shown = ""; // what the list was made of
let begin = 0, end = 0; // of the day
let clip = null; // that is playing
let asked = 0; // how often something was to be played

const iso = (ms) => new Date(ms).toISOString();
const clock = (ms) => new Date(ms).toLocaleTimeString();
const address = (what, from, to) => `/camera/${encodeURIComponent(camera)}/${what}?from=${iso(from)}&to=${iso(to)}`;

function say(text) {
  word.textContent = text;
}

function lasting(ms) {
  const s = Math.max(1, Math.round(ms / 1000));
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
}

// ask returns an answer, or null and says why there is none.
async function ask(url) {
  let answer;
  try {
    answer = await fetch(url);
  } catch {
    say("The component cannot be reached.");
    return null;
  }
  if (answer.status === 401) {
    location.assign("/login");
    return null;
  }
  if (!answer.ok) {
    say(await answer.text());
    return null;
  }
  return answer.json();
}

function choose(ms) {
  const d = new Date(ms);
  begin = new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  end = new Date(d.getFullYear(), d.getMonth(), d.getDate() + 1).getTime();
  day.value = `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
  return load();
}

async function load() {
  const from = begin;
  const answer = await ask(address("ranges", begin, end - 1));
  if (!answer || from !== begin) return; // another day was chosen meanwhile
  const text = begin + JSON.stringify(answer.ranges);
  if (text === shown) return;
  shown = text;
  ranges = answer.ranges.map((r) => ({ from: Date.parse(r.from), to: Date.parse(r.to), class: r.class }));
  if (ranges.length === 0) say("Nothing is recorded of that day.");
  else say(answer.more ? "There is more than can be listed." : "");
  draw();
  list.replaceChildren(...ranges.map(row));
}

function part(x, width, kind) {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [key, value] of Object.entries({ x, y: 0, width, height: 40, class: kind })) rect.setAttribute(key, value);
  return rect;
}

function draw() {
  const at = (ms) => (1000 * (Math.min(Math.max(ms, begin), end) - begin)) / (end - begin);
  const parts = [...ranges].sort((a, b) => order[a.class] - order[b.class])
    .map((r) => part(at(r.from), Math.max(1, at(r.to) - at(r.from)), r.class));
  const t = playingAt();
  if (t >= begin && t < end) parts.push(part(at(t), 2, "head"));
  line.replaceChildren(...parts);
  hours.replaceChildren(...[0, 6, 12, 18, 24].map((h) => {
    const label = document.createElement("span");
    label.textContent = `${h}:00`;
    return label;
  }));
}

function row(r) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  const link = document.createElement("a");
  const to = Math.min(r.to, r.from + longest);
  button.textContent = `${clock(r.from)} – ${clock(r.to)}`;
  button.addEventListener("click", () => play(r.from, r.to));
  link.href = address("clip.mp4", r.from, to) + "&download=1";
  link.textContent = to < r.to ? "download the first 10 minutes" : "download";
  item.append(button, ` ${r.class}, ${lasting(r.to - r.from)} · `, link);
  return item;
}

// play plays what there is from a time on, to the end of the stretch it is in.
async function play(at, until) {
  const turn = ++asked;
  const range = ranges.find((r) => r.to >= at);
  if (!range) {
    say("Nothing is recorded after that.");
    return;
  }
  const from = Math.max(at, range.from);
  until = until ?? range.to;
  const to = Math.min(from + longest, until);
  const answer = await ask(address("clip", from, to));
  if (!answer || turn !== asked) return;
  const pieces = answer.pieces.map((p) => ({ at: Date.parse(p.at), offset: p.offset_s }));
  clip = { from, to: Date.parse(answer.to), rest: answer.rest && Date.parse(answer.rest), until, pieces };
  say("");
  save.href = address("clip.mp4", from, to) + "&download=1";
  save.hidden = player.hidden = false;
  player.src = address("clip.mp4", from, to);
  player.play().catch(() => {}); // the browser wants a touch first
}

// playingAt is what time is on screen.
function playingAt() {
  if (!clip) return NaN;
  const t = player.currentTime;
  const p = clip.pieces.findLast((p) => p.offset <= t) ?? clip.pieces[0];
  return p.at + (t - p.offset) * 1000;
}

player.addEventListener("loadedmetadata", () => {
  const into = (clip.from - clip.pieces[0].at) / 1000; // clips begin with a keyframe
  if (into > 0.5) player.currentTime = into;
});
player.addEventListener("timeupdate", () => {
  now.textContent = new Date(playingAt()).toLocaleString();
  draw();
});
player.addEventListener("ended", () => {
  const next = clip.rest ?? clip.to + 1;
  if (next < clip.until && next > clip.from) play(next, clip.until);
});
player.addEventListener("error", () => {
  const lost = player.error && player.error.code === MediaError.MEDIA_ERR_NETWORK;
  say(lost ? "The connection was lost." : "This browser cannot play this video; it may be H.265. Download it and use a player.");
});

line.addEventListener("click", (e) => {
  const box = line.getBoundingClientRect();
  play(begin + ((e.clientX - box.left) / box.width) * (end - begin));
});
day.addEventListener("change", () => {
  const [y, m, d] = day.value.split("-").map(Number);
  if (y) choose(new Date(y, m - 1, d).getTime());
});
document.getElementById("before").addEventListener("click", () => choose(begin - 3600e3));
document.getElementById("after").addEventListener("click", () => choose(end + 3600e3));

// A time after # is shown at once, as in #2026-11-21T12:00:00Z.
async function start() {
  const wanted = Date.parse(location.hash.slice(1));
  await choose(wanted || Date.now());
  if (wanted) play(wanted);
}
window.addEventListener("hashchange", start);
start();
setInterval(() => end > Date.now() && load(), 15e3);
