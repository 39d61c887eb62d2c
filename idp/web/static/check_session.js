/* The frame that sites ask whether the session is still the same (OpenID Connect Session Management 1.0, 3.2). */
"use strict";

const cookieName = document.currentScript.dataset.cookie;

const readState = () => {
  for (const pair of document.cookie.split("; ")) {
    const at = pair.indexOf("=");
    if (pair.slice(0, at) === cookieName) return pair.slice(at + 1);
  }
  return "";
};

const hash = async (text) => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
};

const judge = async (origin, message) => {
  const words = typeof message === "string" ? message.split(" ") : [];
  const parts = words.length === 2 ? words[1].split(".") : [];
  if (parts.length !== 2 || !words[0] || !parts[0] || !parts[1]) return "error";
  /* Without access to our cookie nobody can tell; "changed" would make the site ask again and again. */
  if (document.hasStorageAccess && !(await document.hasStorageAccess())) return "error";
  const state = readState();
  if (!state) return "changed";
  const expected = await hash(`${words[0]} ${origin} ${state} ${parts[1]}`);
  return expected === parts[0] ? "unchanged" : "changed";
};

window.addEventListener("message", async (event) => {
  if (!event.source || event.source === window || event.origin === "null") return;
  event.source.postMessage(await judge(event.origin, event.data), event.origin);
});
