/** A picture of what a video shows now, as JPEG in its full size; undefined when there is none or it may not be read. */
export async function snapshotOf(video: HTMLVideoElement): Promise<Blob | undefined> {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  if (canvas.width === 0) return undefined;
  try {
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    return (await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92))) ?? undefined;
  } catch {
    return undefined; // video of another origin that does not allow it
  }
}

/** front-door-2026-11-21-10-32-05.jpg, in local time. */
export function snapshotName(camera: string, at: Date): string {
  const pad = (n: number) => String(n).padStart(2, "0");
  const parts = [at.getFullYear(), at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()];
  return `${camera.slice(camera.indexOf(".") + 1).replace(/[^\w-]+/g, "-")}-${parts.map(pad).join("-")}.jpg`;
}

/** Has the browser save a blob under a name. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
