/** Draws a porch with a visitor in the box, as SVG: the mock's thumbnails. */
export function scene(box: readonly number[], night: boolean, w = 640, h = 360): string {
  const [x0 = 0, y0 = 0, x1 = 1, y1 = 1] = box;
  const [left, top, width, height] = [x0 * w, y0 * h, (x1 - x0) * w, (y1 - y0) * h];
  const sky = night ? "#141c2b" : "#9db8c9";
  const wall = night ? "#2a2d35" : "#b9a58b";
  const floor = night ? "#1d1f24" : "#85796a";
  const coat = night ? "#56627a" : "#3c4f73";
  const head = Math.min(width, height) * 0.3;
  const middle = left + width / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" preserveAspectRatio="none">
<rect width="${w}" height="${h}" fill="${sky}"/>
<path d="M0 250h640v400H0z" fill="${floor}"/>
<path d="M0 0h150v250H0zM520 0h120v250H520z" fill="${wall}"/>
<path d="M545 60h70v190h-70z" fill="${night ? "#3b2c22" : "#6b4a34"}"/>
<circle cx="530" cy="70" r="26" fill="#f5b841" opacity="${night ? 0.35 : 0.12}"/>
<circle cx="530" cy="70" r="9" fill="#ffe3a1"/>
<path d="M150 210q180-40 370 0v40H150z" fill="${night ? "#1c2a22" : "#6f8a5c"}"/>
<ellipse cx="${middle}" cy="${top + height}" rx="${width * 0.5}" ry="6" fill="#000" opacity=".3"/>
<rect x="${left + width * 0.14}" y="${top + head * 0.9}" width="${width * 0.72}" height="${height * 0.5}" rx="${width * 0.25}" fill="${coat}"/>
<path d="M${left + width * 0.26} ${top + height * 0.6}h${width * 0.2}v${height * 0.4}h-${width * 0.2}zM${left + width * 0.54} ${top + height * 0.6}h${width * 0.2}v${height * 0.4}h-${width * 0.2}z" fill="#23262e"/>
<circle cx="${middle}" cy="${top + head / 2}" r="${head / 2}" fill="#d9a98a"/>
</svg>`;
}
