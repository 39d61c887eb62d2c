// Keys for the staff desk. Everything works without them: rows are links, buttons are buttons.
"use strict";

(() => {
  const rows = () => Array.from(document.querySelectorAll("#rows a"));

  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const focused = all.indexOf(document.activeElement);
    const opened = all.findIndex((row) => row.getAttribute("aria-current") === "true");
    const from = focused >= 0 ? focused : opened;
    const to = from < 0 ? 0 : Math.min(Math.max(from + step, 0), all.length - 1);
    all[to].focus();
  };

  const focus = (id) => {
    const element = document.getElementById(id);
    if (!element) return false;
    element.focus();
    return true;
  };

  // A key acts on the row that has the frame: where another application is open, that one is opened first.
  const act = (...ids) => {
    const row = document.activeElement.closest("#rows a");
    if (row && row.getAttribute("aria-current") !== "true") {
      location.assign(row.href.split("#")[0] + "#" + ids.join("+"));
      return;
    }
    ids.some(focus);
  };

  const toggleKeys = () => {
    const keys = document.getElementById("desk-keys");
    if (!keys) return;
    keys.open = !keys.open;
    if (keys.open) keys.querySelector("summary").focus();
  };

  const pick = () => {
    const row = document.activeElement.closest("#rows li");
    const box = row && row.querySelector("input[name=chosen]");
    if (box) box.click();
  };

  // How many are chosen stands beside what is done with them.
  const count = document.getElementById("bulk-count");
  const tell = () => {
    const chosen = document.querySelectorAll("input[name=chosen]:checked").length;
    count.textContent = chosen ? ` (${chosen})` : "";
  };
  if (count) {
    document.addEventListener("change", tell);
    tell();
  }

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    a: () => act("decision-approve", "confirm-proposal"),
    r: () => act("reason"),
    t: () => act("take", "let-go"),
    x: pick,
    "/": () => focus("q") || focus("desk-search"),
    "?": toggleKeys,
  };

  const isTyping = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;

  // Somebody is typing or choosing: a page that comes anew would lose it.
  const isBusy = () => document.querySelector("input[name=chosen]:checked") !== null
    || Array.from(document.querySelectorAll("form.decision textarea")).some((field) => field.value)
    || isTyping(document.activeElement || document.body);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isTyping(event.target)) {
      event.target.blur();
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
    const press = keys[event.key];
    if (!press) return;
    event.preventDefault();
    press();
  });

  // Opened by a key: go on where it led to.
  if (location.hash) location.hash.slice(1).split("+").some(focus);

  // What takes effect later counts down, and is looked at again when the time is over.
  document.querySelectorAll("[data-due]").forEach((element) => {
    let left = Number(element.dataset.due);
    const words = element.textContent;
    const tick = () => {
      if (left > 0) element.textContent = words.replace(/\d+/, left);
      else if (!isBusy()) return setTimeout(() => location.reload(), 2000);
      left -= 1;
      return setTimeout(tick, 1000);
    };
    tick();
  });

  // A second click while the first is on its way would only come too late.
  document.querySelectorAll("form.decision, form.act").forEach((form) => {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
    });
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });
})();
