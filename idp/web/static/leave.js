/* After sign-out: go on as soon as every site's frame has loaded, and after three seconds at the latest. */
"use strict";

const next = document.getElementById("go-on").href;
const frames = Array.from(document.querySelectorAll("iframe.sign-out"));
let waiting = frames.length;
let gone = false;

const leave = () => {
  if (gone) return;
  gone = true;
  location.replace(next);
};

for (const frame of frames) {
  frame.addEventListener("load", () => { waiting -= 1; if (waiting === 0) leave(); });
  frame.src = frame.dataset.src;
}
setTimeout(leave, 3000);
