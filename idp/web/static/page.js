/* What scripts add; every page works without. */
"use strict";

/* Show or hide a password. */
for (const wrap of document.querySelectorAll(".password")) {
  const input = wrap.querySelector("input");
  if (!input) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "reveal";
  const say = () => {
    const hidden = input.type === "password";
    button.textContent = hidden ? wrap.dataset.show : wrap.dataset.hide;
    button.setAttribute("aria-label", `${button.textContent}: ${wrap.dataset.what}`);
  };
  button.addEventListener("click", () => {
    input.type = input.type === "password" ? "text" : "password";
    say();
    input.focus();
  });
  input.form?.addEventListener("submit", () => { input.type = "password"; });
  say();
  wrap.classList.add("has-reveal");
  wrap.append(button);
}

/* The error summary takes the focus. */
document.getElementById("error-summary")?.focus();

/* "Send again" counts down first. */
for (const button of document.querySelectorAll("button[data-wait]")) {
  const text = button.textContent;
  let left = Number(button.dataset.wait);
  const tick = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? button.dataset.waitText.replace("{}", left) : text;
    if (left-- > 0) setTimeout(tick, 1000);
  };
  tick();
}

/* Leaving a half-filled form asks first. */
for (const form of document.querySelectorAll("form[data-unsaved]")) {
  let changed = false;
  form.addEventListener("input", () => { changed = true; });
  form.addEventListener("submit", () => { changed = false; });
  form.addEventListener("kept", () => { changed = false; });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

  /* Another language keeps what was typed, passwords apart: this tab holds it until the page is there. */
  const place = "typed:" + location.pathname;
  const fields = () => Array.from(form.elements).filter(
    (field) => field.name && !["hidden", "password", "submit"].includes(field.type) && !field.closest(".password"),
  );
  const isChoice = (field) => ["checkbox", "radio"].includes(field.type);
  for (const link of document.querySelectorAll(".languages a")) {
    link.addEventListener("click", () => {
      const typed = fields().map((field) => [field.name, isChoice(field) ? field.value : "", isChoice(field) ? field.checked : field.value]);
      try { sessionStorage.setItem(place, JSON.stringify(typed)); } catch { return; }
      form.dispatchEvent(new Event("kept"));
    });
  }
  let typed = null;
  try { typed = sessionStorage.getItem(place); sessionStorage.removeItem(place); } catch { /* no storage: nothing was kept */ }
  for (const [name, value, now] of typed ? JSON.parse(typed) : []) {
    for (const field of fields().filter((one) => one.name === name)) {
      if (!isChoice(field)) field.value = now;
      else if (field.value === value) field.checked = now;
    }
  }
}
