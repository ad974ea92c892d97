// The samples: what a newcomer may send, with a picture and what there is to see.

import { $, el, shortUrl } from "./dom.js";
import { on, store } from "./store.js";

/** Show the samples whenever they are known; `play(sample)` sends one. */
export function samples(play) {
  on("state", () => {
    const groups = Map.groupBy(store.samples, ({ group }) => group);
    const open = new Set([...document.querySelectorAll("#samples details[open]")].map(({ dataset }) => dataset.group));
    const boxes = [...groups].map(([name, all], index) => {
      const isOpen = open.size ? open.has(name) : !index;
      const box = el("details", { name: "samples", open: isOpen }, el("summary", {}, name), el("ul", {}, ...all.map((one) => row(one, play))));
      box.dataset.group = name;
      return box;
    });
    $("#samples > div").replaceChildren(...boxes);
  });
}

function row(sample, play) {
  const { title, about, url } = sample;
  return el("li", {}, el("button.sample", { type: "button", title: url.slice(0, 300), onclick: () => play(sample) },
    thumbnail(sample), el("b", {}, title), about && el("small", {}, about), url && el("span.url", { dir: "ltr" }, shortUrl(url))));
}

function thumbnail({ picture, icon }) {
  if (!picture) return el("span.thumb", { ariaHidden: "true" }, icon);
  const source = `/page/sample/${encodeURIComponent(picture)}`;
  return el("span.thumb", { ariaHidden: "true" }, el("img", { src: source, alt: "", loading: "lazy" }), el("i", {}, icon));
}
