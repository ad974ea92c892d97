// The composer: text, commands, files, and inline queries (`@bot …`) with their results.

import { add, remove } from "./blocks.js";
import { $, bdi, el, icon } from "./dom.js";
import { summary } from "./messages.js";
import { act, messagesOf, on, store } from "./store.js";
import { toEnd } from "./scroll.js";

const text = $("#text");
const popup = $("#popup");
/** Pause in typing after which an inline query is sent, in milliseconds, as in Telegram's apps. */
const PAUSE_MS = 300;
/** Icons of inline results without a picture, by kind. */
const CARDS = { video: "play", mpeg4_gif: "play", audio: "note", photo: "picture", document: "file" };

let here = null;
/** What the text is for: {kind: "reply" or "edit", message}, or null for a new message. */
let purpose = null;
/** What was begun and not sent in the chats that are not open, by person and chat. */
const drafts = new Map();
let timer = 0;
let asked = "";

/** Set up the composer; `where()` returns {me, chat, canWrite, isGroup}, `complain` shows errors. */
export function compose(where, complain) {
  here = where;
  const guarded = (work) => work().catch((error) => complain(error.message));
  for (const [id, name] of [["attach", "clip"], ["send", "send"]]) $(`#${id}`).append(icon(name));
  $("#quote button").append(icon("close"));
  $("#composer").onsubmit = (event) => {
    event.preventDefault();
    guarded(send);
  };
  text.oninput = suggest;
  text.onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      guarded(send);
    } else if (event.key === "ArrowUp" && !popup.hidden) popup.querySelector("button:last-of-type")?.focus();
    else if (event.key === "ArrowUp" && !text.value) editNewest(event);
    else if (event.key === "Escape") {
      if (popup.hidden) cancel();
      else close();
    }
  };
  popup.onkeydown = (event) => {
    const step = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
    if (step) document.activeElement[step]?.focus();
    else if (event.key === "Escape") {
      close();
      text.focus();
    }
  };
  text.onpaste = (event) => {
    if (event.clipboardData.files.length) guarded(() => uploadAll([...event.clipboardData.files]));
  };
  $("#chat").ondragover = (event) => event.preventDefault();
  $("#chat").ondrop = (event) => {
    event.preventDefault();
    guarded(() => uploadAll([...event.dataTransfer.files]));
  };
  $("#attach").onclick = () => $("#file").click();
  $("#file").onchange = ({ target }) => {
    const files = [...target.files];
    target.value = "";
    guarded(() => uploadAll(files));
  };
  $("#quote button").onclick = cancel;
  on("cards", (event) => event.person === here().me && offer(event, complain));
  on("commands", () => text.value.startsWith("/") && suggest());
}

/** Keep what has been begun in the open chat, which is about to be left. */
export function keepDraft() {
  const { me, chat } = here();
  if (text.value.trim() || purpose) drafts.set(`${me}/${chat}`, { words: text.value, purpose });
  else drafts.delete(`${me}/${chat}`);
}

/** Show what has been begun in the open chat, which was opened just now. */
export function showDraft() {
  const { me, chat } = here();
  const draft = drafts.get(`${me}/${chat}`);
  drafts.delete(`${me}/${chat}`);
  quote(draft?.purpose ?? null);
  text.value = draft?.words ?? "";
  suggest();
}

/** Return the text that a person has begun in a chat that is not open. */
export const draftOf = (person, chat) => drafts.get(`${person}/${chat}`)?.words.replaceAll("\n", " ") ?? "";

/** Put a text into the composer as if it had been typed. */
export function type(words) {
  text.value = words;
  text.focus();
  suggest();
}

/** Quote this message in the next one. */
export function reply(message) {
  quote({ kind: "reply", message });
  text.focus();
}

/** Change the text of an own message. */
export function edit(message) {
  quote({ kind: "edit", message });
  type(message.text);
}

/** Edit the newest own text of the open chat, as Telegram's apps do on the arrow key. */
function editNewest(event) {
  const { me, chat } = here();
  const newest = [...messagesOf(chat).values()].findLast((one) => one.from?.id === me && one.text && !one.via_bot);
  if (!newest) return;
  event.preventDefault(); // otherwise the key also moves the cursor to the beginning
  edit(newest);
}

function quote(what) {
  purpose = what;
  $("#quote").hidden = !what;
  const label = what?.kind === "edit" ? "Edit" : "Reply";
  if (what) $("#quote span").replaceChildren(el("b", {}, `${label}\u00a0· `), bdi(summary(what.message)));
}

/** Neither reply nor edit; the text of an edit goes with it. */
function cancel() {
  if (purpose?.kind === "edit") clear();
  quote(null);
}

/** Send a text to the open chat, as a reply if a message is quoted. */
export async function say(words) {
  const { me, chat } = here();
  const answered = purpose?.kind === "reply" ? purpose.message.message_id : 0;
  quote(null);
  await act("say", { person: me, chat, text: words, reply_to: answered });
}

async function send() {
  const words = text.value.trim();
  if (!words || !here().canWrite) return;
  text.focus(); // the button is disabled until there is another text
  const { me, chat } = here();
  const edited = purpose?.kind === "edit" && purpose.message;
  clear();
  if (!edited) return say(words);
  quote(null);
  if (words !== edited.text) await act("edit", { person: me, chat, message: edited.message_id, text: words });
}

/** Send files to the chat that is open now, the first one with what has been written as its caption. */
async function uploadAll(files) {
  const { me, chat, canWrite } = here();
  if (!canWrite || !files.length) return;
  const isEdit = purpose?.kind === "edit";
  let caption = isEdit ? "" : text.value.trim();
  if (!isEdit) clear();
  for (const file of files) {
    await upload(file, { person: me, chat, caption });
    caption = "";
  }
}

/** Send a file; until it has arrived, a bubble in its chat shows how much of it has. */
function upload(file, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file, file.name || "pasted.png");
  const ring = el("div.ring", { role: "progressbar", ariaLabel: `Sending ${file.name}` }, "0 %");
  const pending = el("li.mine.tail", {}, el("div.row", {}, el("div.stack", {}, el("div.bubble", {}, ring))));
  if (here().chat === fields.chat && here().me === fields.person) {
    add(pending);
    toEnd(true);
  }
  return posted(form, (done) => {
    ring.style.setProperty("--done", done);
    ring.ariaValueNow = done;
    ring.textContent = `${done} %`;
  }).finally(() => remove(pending));
}

/** Post a form; `progress` gets the percentage. fetch() does not tell how much has been sent. */
function posted(form, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => progress(Math.round((loaded / total) * 100));
    request.onload = () => (request.status === 200 ? resolve() : reject(new Error(request.responseText)));
    request.onerror = () => reject(new Error("The file could not be sent."));
    request.open("POST", "/page/upload");
    request.send(form);
  });
}

function clear() {
  text.value = "";
  suggest();
}

function suggest() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
  $("#send").disabled = !text.value.trim();
  clearTimeout(timer);
  const inline = text.value.match(new RegExp(`^@${store.bot.username}\\s+([^]*)$`));
  if (inline) {
    asked = inline[1].trim();
    timer = setTimeout(() => act("ask", { person: here().me, text: asked }), PAUSE_MS);
  } else if (/^\/\w*$/.test(text.value)) commands(text.value.slice(1));
  else close();
}

function commands(begun) {
  const { isGroup, me } = here();
  const scopes = isGroup ? ["all_chat_administrators"] : [`chat/${me}`, "all_private_chats"];
  const language = store.people.get(me)?.language_code ?? "";
  const keys = scopes.flatMap((scope) => [`${scope}/${language}`, `${scope}/`]);
  const list = keys.map((key) => store.commands[key]).find(Boolean) ?? [];
  const fitting = list.filter(({ command }) => command.startsWith(begun));
  show(fitting.map(({ command, description }) => option(`/${command}`, description, null, () => {
    clear();
    text.focus(); // what was pressed disappears
    say(`/${command}`);
  })));
}

/** Offer the results of a query, unless another has been typed meanwhile. */
function offer({ query, text: chosen, cards }, complain) {
  if (!text.value.startsWith(`@${store.bot.username}`) || chosen !== asked) return;
  const options = cards.map((card) => {
    const still = card.still ? el("img", { src: `/page/media/${card.still}`, alt: "" }) : el("span.still", {}, icon(CARDS[card.kind] ?? "link"));
    return option(card.title, card.description, still, () => {
      const { me, chat } = here();
      clear();
      text.focus();
      act("choose", { person: me, chat, query, card: card.id, text: chosen }).catch((error) => complain(error.message));
    });
  });
  show(options, "The bot has nothing to offer for this.");
}

function option(title, about, still, onclick) {
  return el("button", { type: "button", role: "option", onclick }, still,
    el("span", {}, bdi(title), el("small", {}, bdi(about))));
}

function show(options, otherwise = "") {
  popup.replaceChildren(...(options.length ? options : otherwise ? [el("p", {}, otherwise)] : []));
  popup.hidden = !popup.childElementCount;
  popup.setAttribute("role", options.length ? "listbox" : "note");
}

function close() {
  popup.hidden = true;
}
