/** The few pictures the app draws itself; all are decoration beside words. */

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 64 64" aria-hidden="true">
      <rect width="64" height="64" rx="15" fill="#1d2430" />
      <circle class="logo-glow" cx="32" cy="35" r="19" fill="#f5b841" opacity=".16" />
      <circle class="logo-glow" cx="32" cy="35" r="13" fill="#f5b841" opacity=".2" />
      <path d="M32 9v6" stroke="#f5b841" stroke-width="3" stroke-linecap="round" />
      <path d="M19.5 25 32 14.5 44.5 25z" fill="#f5b841" stroke="#f5b841" stroke-width="2" stroke-linejoin="round" />
      <path d="M23.5 28.5h17l-2.6 17.5H26.1z" fill="#ffe3a1" />
      <path d="M32 32.5c2.8 3 4 5 4 6.8a4 4 0 0 1-8 0c0-1.8 1.2-3.8 4-6.8z" fill="#f09b1c" />
      <path d="M25 49.5h14" stroke="#f5b841" stroke-width="4" stroke-linecap="round" />
    </svg>
  );
}

const paths = {
  camera: "M3 8.5A2.5 2.5 0 0 1 5.5 6h8A2.5 2.5 0 0 1 16 8.5v7a2.5 2.5 0 0 1-2.5 2.5h-8A2.5 2.5 0 0 1 3 15.5zM16 11l5-3v8l-5-3",
  picture: "M4 5h16v14H4zM4 16l4.5-4.5 4 4L15 13l5 5M15.5 9.5h.01",
  close: "M6 6l12 12M18 6 6 18",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  warning: "M12 4 2.5 20h19zM12 10v4.5M12 17.3v.1",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5.5M12 7.6v.1",
  play: "M7 4.5v15l12.5-7.5z",
  save: "M12 4v11M7 10.5l5 5 5-5M4.5 19.5h15",
  live: "M12 10.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3zM8.2 8.2a5.4 5.4 0 0 0 0 7.6M15.8 8.2a5.4 5.4 0 0 1 0 7.6M5.3 5.3a9.5 9.5 0 0 0 0 13.4M18.7 5.3a9.5 9.5 0 0 1 0 13.4",
  moon: "M20 14.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.5z",
};

export const Icon = ({ name }: { name: keyof typeof paths }) => <Drawing path={paths[name]} />;

/** For pictures that only one part of the app needs. */
export function Drawing({ path }: { path: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
