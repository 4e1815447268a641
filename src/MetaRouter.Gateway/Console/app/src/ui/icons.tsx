const PATHS = {
  overview: "M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z",
  front: "M4 4v16h16M8 15c1-5 4-8 11-9",
  decisions: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  users: "M12 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM5 20c.6-4 3.500-6 7-6s6.400 2 7 6",
  learning: "M4 20l5-7 4 3 7-11M15 5h5v5",
  playground: "M7 4v16M7 9h0M17 4v16M12 4v16M5 8h4M10 15h4M15 10h4",
  models: "M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.500 8-4.500M12 12v9",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v2M12 19v2M3 12h2M19 12h2M5.600 5.600l1.400 1.400M17 17l1.400 1.400M5.600 18.400L7 17M17 7l1.400-1.400",
  moon: "M20 14.500A8 8 0 0 1 9.500 4 8 8 0 1 0 20 14.500z",
  auto: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  leave: "M14 4h5v16h-5M4 12h10M10 8l4 4-4 4",
  table: "M4 5h16v14H4zM4 10h16M10 5v14",
  chart: "M4 4v16h16M8 16v-4M12 16V8M16 16v-6",
  back: "M14 6l-6 6 6 6",
  plus: "M12 5v14M5 12h14",
  warn: "M12 4l9 16H3zM12 10v4M12 17h.01",
  none: "M4 7l8-4 8 4v10l-8 4-8-4zM4 7l8 4 8-4M12 11v10",
  check: "M5 12l5 5 9-10",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="logo-back" width="32" height="32" rx="8" />
      <path d="M7 16h6c4 0 4-7 8-7h2M13 16c4 0 4 7 8 7h2" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" />
      <circle cx="24.5" cy="9" r="2.6" fill="#fff" />
      <circle cx="24.5" cy="23" r="2.6" fill="#9ec1ff" />
    </svg>
  );
}
