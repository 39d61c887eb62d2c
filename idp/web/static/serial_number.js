/* Says while typing whether a serial number has the right shape; the server decides. */
"use strict";

for (const input of document.querySelectorAll("input[data-hint-good]")) {
  const told = document.createElement("p");
  told.className = "hint";
  told.setAttribute("role", "status");
  input.insertAdjacentElement("afterend", told);
  const look = (isDone) => {
    const typed = input.value.replace(/[\s\u2010-\u2015\u2212_-]/g, "").toUpperCase();
    const isWhole = /^[A-Z]{2}[0-9]{3}[A-Z]$/.test(typed);
    const isOnTheWay = /^([A-Z]{0,2}|[A-Z]{2}[0-9]{0,3})$/.test(typed);
    told.textContent = isWhole ? input.dataset.hintGood : typed && (isDone || !isOnTheWay) ? input.dataset.hintBad : "";
  };
  input.addEventListener("input", () => look(false));
  input.addEventListener("change", () => look(true));
}
