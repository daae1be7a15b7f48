/** How long ago, in one short word: `now`, `14 s`, `3 min`, `2 h`, `5 d`. */
export function formatAge(ageMs: number): string {
  const seconds = Math.floor(Math.max(0, ageMs) / 1_000);
  if (seconds < 1) return "now";
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/** Finer, for the freshness chip: `0.2 s`, `14 s`. */
export function formatFreshAge(ageMs: number): string {
  return ageMs < 10_000 ? `${(Math.max(0, ageMs) / 1_000).toFixed(1)} s` : formatAge(ageMs);
}

/** `14:03:27` of the reader's own day. */
export function formatTime(atUnixMs: number): string {
  const at = new Date(atUnixMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");
}

/** `2026-11-23 14:03:27`, the reader's own time zone. */
export function formatDateTime(atUnixMs: number): string {
  const at = new Date(atUnixMs);
  const day = [at.getFullYear(), twoDigits(at.getMonth() + 1), twoDigits(at.getDate())].join("-");
  return `${day} ${formatTime(atUnixMs)}`;
}

/** A node id is 56 characters: its end tells nodes apart as well as the whole. */
export function shortNodeId(id: string): string {
  return id.length <= 12 ? id : `${id.slice(0, 5)}…${id.slice(-4)}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `12,345`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
