// Render messages: text with entities, media, quotes and buttons.

import { store } from "./store.js";

const media = (file) => `/page/media/${encodeURIComponent(file.file_id)}`;
const largest = (sizes) => sizes[sizes.length - 1];

/** Create an element with classes, properties and children. */
export function el(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = Object.assign(document.createElement(name), properties);
  if (classes.length) node.className = classes.join(" ");
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const nameOf = (user) => [user.first_name, user.last_name].filter(Boolean).join(" ");

/** Return a summary of a message in one line. */
export function summary(message) {
  const words = (message.text ?? message.caption ?? "").replaceAll("\n", " ");
  const kinds = { video: "🎬 Video", animation: "🔁 Animation", live_photo: "📸 Live photo", photo: "🖼 Photo", audio: "🎵 Sound", document: "📄 File" };
  const kind = Object.keys(kinds).find((key) => message[key]);
  return [kind && kinds[kind], words].filter(Boolean).join(" · ") || "…";
}

/** Render text with entities. Offsets are UTF-16 units, as in JavaScript. */
export function rich(text, entities, hands) {
  const sorted = [...(entities ?? [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  let next = 0;
  const walk = (start, end) => {
    const out = document.createDocumentFragment();
    let at = start;
    while (next < sorted.length && sorted[next].offset < end) {
      const entity = sorted[next++];
      const stop = entity.offset + entity.length;
      out.append(text.slice(at, entity.offset));
      const node = wrapped(entity, text.slice(entity.offset, stop), hands);
      node.append(walk(entity.offset, stop));
      out.append(node);
      at = stop;
    }
    out.append(text.slice(at, end));
    return out;
  };
  return walk(0, text.length);
}

function wrapped(entity, words, hands) {
  const plain = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
    blockquote: "blockquote", expandable_blockquote: "blockquote" };
  if (plain[entity.type]) return el(plain[entity.type]);
  const link = (title, onclick) => el("a", {
    title, tabIndex: 0, onclick, onkeydown: (event) => event.key === "Enter" && onclick(),
  });
  switch (entity.type) {
    case "text_link": return link(entity.url, () => hands.address(entity.url));
    case "url": return link(words, () => hands.address(words));
    case "bot_command": return link("Send", () => hands.say(words));
    case "spoiler": {
      const node = el("span.spoiler");
      node.onclick = () => node.classList.add("open");
      return node;
    }
    default: return el("span");
  }
}

/** Render one message, or the messages of one album, as a list item. */
export function item(messages, context, hands) {
  const [first] = messages;
  const isMine = first.from?.id === context.me;
  const bubble = el("div.bubble");
  if (context.isGroup && !isMine && first.from) bubble.append(el("div.sender", { dir: "auto" }, nameOf(first.from)));
  if (first.via_bot) bubble.append(el("div.sender", {}, `via @${first.via_bot.username}`));
  if (first.reply_to_message) bubble.append(quoted(first.reply_to_message, hands));
  const tiles = messages.filter((m) => m.photo || m.live_photo || m.video || m.animation);
  if (tiles.length) {
    bubble.append(mosaic(tiles, context.isNew));
    bubble.classList.add("media");
  }
  for (const message of messages) {
    if (message.audio) bubble.append(sound(message.audio));
    else if (message.document && !message.animation) bubble.append(file(message.document));
    const words = message.text ?? message.caption;
    if (words) {
      const entities = message.text ? message.entities : message.caption_entities;
      bubble.append(el("div.words", { dir: "auto" }, rich(words, entities, hands)));
    }
  }
  bubble.append(meta(first));
  bubble.ondblclick = () => hands.reply(first);
  const node = el(isMine ? "li.mine" : "li", {}, bubble);
  const reaction = messages.find((m) => m.reaction)?.reaction;
  if (reaction) node.append(el("span.reaction", { title: "The bot's reaction" }, reaction));
  const keys = messages.find((m) => m.reply_markup?.inline_keyboard)?.reply_markup.inline_keyboard;
  if (keys?.length) node.append(keyboard(keys, messages[0], hands));
  return node;
}

function meta(message) {
  const time = new Date(message.date * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return el("div.meta", {}, `${message.edit_date ? "edited " : ""}${time}`);
}

function quoted(message, hands) {
  const name = message.from ? `${nameOf(message.from)}: ` : "";
  return el("button.reply", { type: "button", dir: "auto", onclick: () => hands.show(message) }, name + summary(message));
}

/** Arrange pictures and videos: one alone, two side by side, more in rows of three and two. */
function mosaic(messages, isNew) {
  const box = el(messages.length === 1 ? "div.mosaic.one" : "div.mosaic");
  messages.forEach((message, index) => {
    const tile = el("div", {}, message.photo ? picture(message.photo) : moving(message, isNew && messages.length === 1));
    if (messages.length > 1) {
      const [columns, ratio] = place(index, messages.length);
      tile.style.gridColumn = `span ${columns}`;
      tile.style.aspectRatio = ratio;
    }
    if (message.has_media_spoiler) {
      tile.classList.add("covered");
      tile.onclick = () => tile.classList.remove("covered");
    }
    box.append(tile);
  });
  return box;
}

function place(index, count) {
  const rest = count % 3;
  if (rest === 1 && index < 4) return [3, "4 / 3"];
  if (rest === 2 && index < 2) return [3, "1"];
  return [2, "1"];
}

function picture(sizes) {
  const size = largest(sizes);
  return el("img", { src: media(size), width: size.width, height: size.height, alt: "", loading: "lazy" });
}

const visible = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) {
      target.preload = "metadata";
      visible.unobserve(target);
    }
  }
});

function moving(message, plays) {
  const video = message.animation ?? message.live_photo ?? message.video;
  const still = message.live_photo ? largest(video.photo) : video.cover ? largest(video.cover) : video.thumbnail;
  const node = el("video", {
    src: media(video), controls: !message.animation, loop: !!message.animation, playsInline: true, preload: "none",
    width: video.width, height: video.height, muted: true, autoplay: plays || !!message.animation,
  });
  node.style.aspectRatio = `${video.width} / ${video.height}`;
  if (still) node.poster = media(still);
  visible.observe(node);
  return node;
}

function sound(audio) {
  const cover = audio.thumbnail ? el("img", { src: media(audio.thumbnail), alt: "" }) : el("span", {}, "🎵");
  return el("div.audio", {}, cover,
    el("b", { dir: "auto" }, audio.title || audio.file_name), el("small", { dir: "auto" }, audio.performer ?? ""),
    el("audio", { src: media(audio), controls: true, preload: "none" }));
}

function file(document) {
  const size = `${(document.file_size / 1e6).toFixed(2)} MB`;
  return el("div.file", {}, el("span", {}, "📄"),
    el("a", { href: media(document), download: document.file_name, dir: "auto" }, document.file_name), el("small", {}, size));
}

function keyboard(rows, message, hands) {
  return el("div.keys", {}, ...rows.map((row) => el("div", {}, ...row.map((key) =>
    el("button", { type: "button", dir: "auto", title: key.url ?? "", onclick: () => press(key, message, hands) }, key.text)))));
}

function press(key, message, hands) {
  if (key.callback_data) hands.press(message, key.callback_data);
  else if (key.copy_text) hands.copy(key.copy_text.text);
  else if (key.url || key.web_app) hands.address(key.url ?? key.web_app.url);
  else {
    const query = key.switch_inline_query_chosen_chat?.query ?? key.switch_inline_query ?? key.switch_inline_query_current_chat ?? "";
    hands.type(`@${store.bot.username} ${query}`);
  }
}
