// Keeps the numbers of one camera up to date.
"use strict";
const place = document.getElementById("stats");

function text(c) {
  const lines = [
    `picture   ${c.width}x${c.height}, ${c.fps.toFixed(1)} a second${c.last ? ", last " + new Date(c.last).toLocaleTimeString() : ""}`,
    `frames    ${c.frames}, looked at ${c.looked} in ${c.regions} regions`,
    `objects   ${c.found} found, ${c.ignored} ignored, ${c.tracks} followed now`,
    `now       ${c.moving ? "something moves" : "nothing moves"}${c.event ? ", event " + c.event : ""}`,
  ];
  for (const [stage, ms] of Object.entries(c.took_ms)) {
    lines.push(`${stage.padEnd(9)} ${ms.toFixed(2)} ms`);
  }
  return lines.join("\n");
}

async function refresh() {
  try {
    const answer = await fetch("/stats");
    if (answer.status === 401) {
      location.assign("/login");
      return;
    }
    const { cameras } = await answer.json();
    const camera = cameras.find((c) => c.camera === place.dataset.camera);
    place.textContent = camera ? text(camera) : "This camera is not configured any more.";
  } catch {
    place.textContent = "The component cannot be reached.";
  }
  setTimeout(refresh, 1000);
}
refresh();
