"use strict";
for (const section of document.querySelectorAll("section")) {
  const table = section.querySelector("table.privileges");
  if (!table) continue;
  const tools = section.querySelector(".tools");
  const [text, state, shown] = [tools.querySelector("input"), tools.querySelector("select"), tools.querySelector("output")];
  const rows = [...table.tBodies[0].rows];
  tools.hidden = false;

  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const content = row.textContent.toLowerCase();
      const fits = words.every((word) => content.includes(word))
        && (!state.value || row.dataset.behaviour === state.value);
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = count === rows.length ? "" : `${count} of ${rows.length}`;
  };
  text.addEventListener("input", filter);
  state.addEventListener("change", filter);

  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const risk = rows[0].cells[column].dataset.sort !== undefined;
      const before = head.getAttribute("aria-sort");
      const way = before === "descending" || (!before && !risk) ? "ascending" : "descending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", way);
      const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
      const order = (a, b) => key(a).localeCompare(key(b), "en", { numeric: true });
      rows.sort((a, b) => (way === "ascending" ? order(a, b) : order(b, a)));
      table.tBodies[0].append(...rows);
    });
  });
}

if (navigator.clipboard) {
  for (const block of document.querySelectorAll("pre")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.append(button);
  }
}

// Paper has nothing to click: every finding is printed in full, then folded as before.
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const details of closed) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of closed) details.open = false;
});
