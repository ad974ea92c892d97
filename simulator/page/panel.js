// The side panel: its tabs, and the facts about the bot that are read while one of them is open.

import { calls } from "./calls.js";
import { $, icon } from "./dom.js";
import { faults, showBreakers } from "./faults.js";
import { processes, showProcesses } from "./processes.js";
import { samples } from "./samples.js";
import { drawn, showRows, timeline } from "./timeline.js";

/** Pause between two looks at the bot, in milliseconds. */
const LOOK_MS = 1_000;
const tabs = [...document.querySelectorAll("[role=tab]")];

/** Set up the panel: `play` sends a sample, `notice` shows a text, `chat()` is the open chat. */
export function panel({ play, notice, chat }) {
  $("#close-aside").append(icon("close"));
  $("#toggle-aside").onclick = () => togglePanel(!$("#aside").classList.contains("open"));
  $("#close-aside").onclick = () => togglePanel(false);
  $("#aside").onkeydown = (event) => event.key === "Escape" && togglePanel(false);
  tabs.forEach((tab, index) => {
    tab.onclick = () => choose(tab);
    tab.onkeydown = ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step) choose(tabs.at((index + step) % tabs.length)).focus();
    };
  });
  choose(tabs[0]);
  samples((sample) => {
    togglePanel(false);
    play(sample);
  });
  timeline(chat);
  calls(notice);
  faults(notice);
  processes(notice);
  setInterval(() => look(chat()), LOOK_MS);
}

/** Open or close the panel where the window has no room for it beside the chat; the focus goes along. */
export function togglePanel(isOpen) {
  const [panel, opener] = [$("#aside"), $("#toggle-aside")];
  const hadFocus = panel.contains(document.activeElement);
  panel.classList.toggle("open", isOpen);
  opener.setAttribute("aria-expanded", isOpen);
  if (!opener.checkVisibility()) return; // there is room
  if (isOpen) panel.querySelector("[role=tab][aria-selected=true]").focus();
  else if (hadFocus) opener.focus();
}

function choose(chosen) {
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", tab === chosen);
    tab.tabIndex = tab === chosen ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
  }
  return chosen;
}

/** Read what the bot does now, if anybody can see it. */
async function look(chat) {
  const isSeen = ["request", "faults", "bot"].some((id) => $(`#${id}`).checkVisibility());
  if (document.hidden || !isSeen) return;
  const answer = await fetch(`/page/vitals/${drawn(chat).join("/")}`).catch(() => null);
  if (!answer?.ok) return;
  const vitals = await answer.json();
  showRows(vitals.rows);
  showBreakers(vitals.processes);
  showProcesses(vitals);
}
