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
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
}
