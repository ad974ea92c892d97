// Elements, and how names, sizes and times are written.

/** Create an element with classes, properties and children. */
export function el(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = Object.assign(document.createElement(name), properties);
  if (classes.length) node.className = classes.join(" ");
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const $ = (selector) => document.querySelector(selector);
export const bdi = (words) => el("bdi", {}, words);
export const nameOf = (user) => [user.first_name, user.last_name].filter(Boolean).join(" ");

const SVG = "http://www.w3.org/2000/svg";

/** Return an icon of icons.svg; what it means is said by a label beside it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/page/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Return the round picture of a user or chat: the bot's own, or initials on one of 7 colours. */
export function face({ id, name, isBot }, size = "") {
  const node = el(size ? `span.face.${size}` : "span.face", { ariaHidden: "true" });
  if (isBot) node.append(el("img", { src: "/page/icon.svg", alt: "" }));
  else {
    node.append(name.split(/\s+/).slice(0, 2).map((word) => [...word][0] ?? "").join("").toUpperCase());
    node.style.background = `var(--face-${((id % 7) + 7) % 7 + 1})`;
  }
  return node;
}

/** Format a number of bytes as Telegram's apps do: "420 KB", "6.2 MB". */
export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(Math.round(bytes / 1e3), bytes ? 1 : 0)} KB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Return a number with its noun: "1 new message", "3 new messages". */
export const counted = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;

export const length = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

const date = (seconds) => new Date(seconds * 1000);
export const clock = (seconds) => date(seconds).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
const isToday = (seconds) => date(seconds).toDateString() === new Date().toDateString();

/** Return the day of a message as a heading between days shows it. */
export const day = (seconds) => isToday(seconds) ? "Today" : date(seconds).toLocaleDateString("en-GB", { day: "numeric", month: "long" });

/** Return when a chat's last message came: a time today, a weekday this week, else a date. */
export function when(seconds) {
  if (isToday(seconds)) return clock(seconds);
  const isRecent = Date.now() / 1000 - seconds < 6 * 86_400;
  return date(seconds).toLocaleDateString("en-GB", isRecent ? { weekday: "short" } : { day: "2-digit", month: "2-digit", year: "2-digit" });
}

/** Cut a URL in its middle: host, path and the last characters of an id tell it from others. */
export function shortUrl(url) {
  const words = url.replace(/^https?:\/\/(www\.)?/, "").split(/\s/)[0];
  return words.length > 40 ? `${words.slice(0, 32)}…${words.slice(-5)}` : words;
}
