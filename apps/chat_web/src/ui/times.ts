const locale = navigator.languages as string[];

const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(locale, { weekday: "long" });
const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long" });
const dayAndYear = new Intl.DateTimeFormat(locale, { dateStyle: "long" });
const short = new Intl.DateTimeFormat(locale, { dateStyle: "short" });
const whole = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function timeOfDay(at: string): string {
  return clock.format(Date.parse(at));
}

/** For a tooltip, and for whoever wants to know exactly. */
export function exactly(at: string): string {
  return whole.format(Date.parse(at));
}

/** A key that is the same all day long, in this time zone. */
export function dayKey(at: string): string {
  return new Date(at).toDateString();
}

export function dayName(at: string): string {
  const then = new Date(at);
  const days = daysBefore(then);
  if (days <= 1) return capital(relative.format(-days, "day"));
  if (days < 7) return weekday.format(then);
  const isThisYear = then.getFullYear() === new Date().getFullYear();
  return (isThisYear ? day : dayAndYear).format(then);
}

/** For a list: the time today, else the day. */
export function shortly(at: string): string {
  const then = new Date(at);
  const days = daysBefore(then);
  if (days === 0) return clock.format(then);
  if (days === 1) return capital(relative.format(-1, "day"));
  return days < 7 ? weekday.format(then) : short.format(then);
}

/** "5 minutes ago", "yesterday", and the day where that is long ago. */
export function ago(at: string): string {
  const passed = Date.now() - Date.parse(at);
  if (passed < MINUTE) return "just now";
  if (passed < HOUR) return relative.format(-Math.floor(passed / MINUTE), "minute");
  if (passed < DAY) return relative.format(-Math.floor(passed / HOUR), "hour");
  const days = daysBefore(new Date(at));
  return days < 7 ? relative.format(-days, "day") : dayName(at);
}

/** How many midnights ago. */
function daysBefore(then: Date): number {
  const midnight = new Date().setHours(0, 0, 0, 0);
  return Math.max(0, Math.round((midnight - new Date(then).setHours(0, 0, 0, 0)) / DAY));
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
