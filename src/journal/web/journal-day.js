// The journal's day begins at 04:00 local, as in journal_day.py. Instants are microseconds since 1970 (UTC), as numbers:
// exact until the year 2255, and within 4 microseconds until 2999, the last year that an event may have.

export const MINUTE_US = 60e6;
export const DAY_US = 24 * 60 * MINUTE_US;
const DAY_STARTS_H = 4;

/**
 * The journal day of an instant, as a Date at local noon of that day: noon, so that no change of clocks moves the date.
 * @param {number} atUs
 */
function noonOf(atUs) {
  const local = new Date(Math.floor(atUs / 1000));
  return new Date(
    local.getFullYear(),
    local.getMonth(),
    local.getDate() - (local.getHours() < DAY_STARTS_H ? 1 : 0),
    12,
  );
}

/**
 * The journal day of an instant, as 2026-11-24.
 * @param {number} atUs
 */
export function dayOf(atUs) {
  const day = noonOf(atUs);
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return `${String(day.getFullYear()).padStart(4, "0")}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

/**
 * How many whole journal days lie between two instants; negative when `untilUs` is on an earlier day.
 * @param {number} fromUs
 * @param {number} untilUs
 */
export function daysBetween(fromUs, untilUs) {
  const utcDay = (/** @type {Date} */ day) => Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
  return Math.round((utcDay(noonOf(untilUs)) - utcDay(noonOf(fromUs))) / (DAY_US / 1000));
}

/**
 * The next 04:00 local after an instant: what is due before it is due today.
 * @param {number} atUs
 */
export function dayEndsAtUs(atUs) {
  const day = noonOf(atUs);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1, DAY_STARTS_H).getTime() * 1000;
}

/**
 * How many minutes local time is ahead of UTC at an instant.
 * @param {number} atUs
 */
export function offsetMin(atUs) {
  return -new Date(Math.floor(atUs / 1000)).getTimezoneOffset() || 0;
}
