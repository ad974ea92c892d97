// Pictures, videos, sounds and files of messages.

import { el, icon, length, size } from "./dom.js";

export const media = (file) => `/page/media/${encodeURIComponent(file.file_id)}`;
const largest = (sizes) => sizes[sizes.length - 1];
/** Narrowest and widest shape of media in a bubble: its width divided by its height. */
const SHAPES = [0.5, 2.4];

/** Return the media that a mosaic shows, or undefined for a message without. */
export const shownIn = (message) => message.photo ?? message.live_photo ?? message.video ?? message.animation;

/** Return the file that a mosaic shows. */
const fileIn = (message) => (message.photo ? largest(message.photo) : shownIn(message));

/** Return the still of a message's media; undefined if there is none. */
export function still(message) {
  if (message.photo) return largest(message.photo);
  const video = message.live_photo ?? message.video ?? message.animation;
  if (message.live_photo) return largest(video.photo);
  return video?.cover ? largest(video.cover) : (video ?? message.audio)?.thumbnail;
}

/** Arrange pictures and videos: one alone, two side by side, more in rows of three and two. */
export function mosaic(messages, isNew) {
  const isAlone = messages.length === 1;
  const box = el(isAlone ? "div.mosaic.one" : "div.mosaic");
  messages.forEach((message, index) => {
    const tile = el("div", {}, message.photo ? picture(message) : moving(message, isNew, isAlone));
    tile.dataset.file = fileIn(message).file_id;
    if (isAlone) shape(tile, message);
    else {
      const [columns, ratio] = place(index, messages.length);
      tile.style.gridColumn = `span ${columns}`;
      tile.style.aspectRatio = ratio;
    }
    if (message.has_media_spoiler) cover(tile);
    box.append(tile);
  });
  return box;
}

/** Return the shape of a message's media: its width divided by its height. */
function shapeOf(message) {
  const { width, height } = fileIn(message);
  return width && height ? width / height : 1;
}

/** Return the shape in which a message's media is shown. */
const ratioOf = (message) => Math.min(Math.max(shapeOf(message), SHAPES[0]), SHAPES[1]);

/** Make a bubble as wide as its media: one alone has no bars beside it, and fits into the chat with its buttons. */
export function fit(stack, messages) {
  stack.classList.add("pictured");
  if (messages.length === 1) stack.style.setProperty("--shape", ratioOf(messages[0]));
}

function shape(tile, message) {
  tile.style.aspectRatio = ratioOf(message);
  if (shapeOf(message) !== ratioOf(message)) tile.classList.add("boxed"); // shown whole, with bars
}

function place(index, count) {
  const rest = count % 3;
  if (rest === 1 && index < 4) return [3, "4 / 3"];
  if (rest === 2 && index < 2) return [3, "1"];
  return [2, "1"];
}

function cover(tile) {
  tile.classList.add("covered");
  const button = el("button.cover", { type: "button" }, el("span", {}, "Sensitive – show"));
  button.onclick = () => {
    tile.classList.remove("covered");
    button.remove();
  };
  tile.append(button);
}

const picture = (message) => image(fileIn(message), "Picture");

function image(file, alt) {
  return el("img", { src: media(file), width: file.width, height: file.height, alt, loading: "lazy" });
}

/** Whoever wants less motion starts videos and animations with their button. */
const stands = matchMedia("(prefers-reduced-motion: reduce)");

/** Render a video; one that is not new shows its still until it is played. */
function moving(message, isNew, isAlone) {
  const plays = !stands.matches && (!!message.animation || (isNew && isAlone));
  const poster = still(message);
  // Chromium computes at each frame how much of every video is seen, also of those out of sight.
  const shown = poster && !isNew && !plays ? image(poster, "Video") : video(message, plays);
  const out = document.createDocumentFragment();
  out.append(shown, el("span.tag", {}, tag(message)));
  if (!plays) out.append(starter(shown, message));
  return out;
}

function video(message, plays) {
  const file = fileIn(message);
  const poster = still(message);
  const node = el("video", {
    src: media(file), loop: !!message.animation, playsInline: true, preload: poster ? "none" : "metadata", tabIndex: 0,
    width: file.width, height: file.height, muted: true, autoplay: plays, ariaLabel: "Video",
  });
  if (poster) node.poster = media(poster);
  if (!message.animation || !plays) pointAt(node);
  return node;
}

/** A video shows its controls while it is pointed at, and while it stands. */
function pointAt(video) {
  video.onpointerenter = video.onfocus = () => { video.controls = true; };
  video.onpointerleave = () => { if (!video.paused) video.controls = false; };
}

/** Return the button that a video has until it plays; `shown` is the video or its still. */
function starter(shown, message) {
  const button = el("button.play", { type: "button", ariaLabel: "Play the video" }, icon("play"));
  shown.onplay = () => button.remove();
  button.onclick = () => {
    const node = shown.matches("video") ? shown : video(message, false);
    if (node !== shown) shown.replaceWith(node);
    node.muted = false;
    node.focus(); // the button disappears
    node.play();
    button.remove();
  };
  return button;
}

function tag(message) {
  const video = fileIn(message);
  if (message.live_photo) return "LIVE";
  if (message.animation) return "GIF";
  return [video.duration && length(video.duration), video.file_size && size(video.file_size)].filter(Boolean).join(", ");
}

/** Render a message's sound with a player: a button on the cover, and a line to move along. */
export function sound({ audio }) {
  const title = audio.title || audio.file_name;
  const player = el("audio", { src: media(audio), preload: "none" });
  const cover = audio.thumbnail && el("img", { src: media(audio.thumbnail), alt: "" });
  const button = el("button.listen", { type: "button" }, cover, icon("play"));
  const line = el("input", { type: "range", min: 0, max: audio.duration || 1, step: "any", value: 0, ariaLabel: "Position in the sound" });
  const time = el("span");
  const about = [audio.performer, size(audio.file_size)].filter(Boolean).join(" · ");
  const show = () => {
    if (player.paused) swap(button, "play", `Play ${title}`);
    else swap(button, "pause", `Pause ${title}`);
    line.value = player.currentTime;
    line.style.setProperty("--done", `${(player.currentTime / line.max) * 100}%`);
    line.ariaValueText = time.textContent = `${length(player.currentTime)} / ${length(player.duration || audio.duration || 0)}`;
  };
  for (const event of ["play", "pause", "timeupdate", "durationchange"]) player.addEventListener(event, show);
  player.onplay = () => pauseOthers(player);
  button.onclick = () => (player.paused ? player.play() : player.pause());
  line.oninput = () => { player.currentTime = line.value; };
  show();
  return el("div.audio", {}, button, el("b", { dir: "auto" }, title), line, el("small", {}, time, about && el("bdi", {}, about)), player);
}

function swap(button, name, label) {
  button.querySelector("use").setAttribute("href", `/page/icons.svg#${name}`);
  button.ariaLabel = label;
}

/** As in Telegram's apps, one sound is heard at a time. */
function pauseOthers(player) {
  for (const other of document.querySelectorAll("audio")) if (other !== player) other.pause();
}

/** Render a message's document as a link to it. */
export function file({ document: file }) {
  return el("div.file", {}, el("span", {}, icon("file")),
    el("a", { href: media(file), download: file.file_name, dir: "auto" }, file.file_name), el("small", {}, size(file.file_size)));
}
