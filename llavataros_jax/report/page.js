"use strict";

// Links to the parts of the page.
for (const part of document.querySelectorAll("main > section[id]")) {
  const link = document.createElement("a");
  link.href = "#" + part.id;
  link.textContent = part.querySelector("h2").textContent;
  document.querySelector("header nav").append(link);
}

// A click on a head sorts by its column: first upwards, then downwards; missing values come last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sign = down ? -1 : 1;
      const key = (row) => row.cells[column].dataset.value;
      const compare = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === "" || y === "") return (x === "") - (y === "");
        return sign * (column ? x - y : x.localeCompare(y, undefined, { numeric: true }));
      };
      body.append(...[...body.rows].sort(compare));
    });
  });
}

// One film speaks at a time. Browsers that play no film out of an address that holds it get a blob.
const films = [...document.querySelectorAll("video")];
for (const film of films) {
  film.addEventListener("play", () => {
    for (const other of films) if (other !== film) other.pause();
  });
  film.addEventListener(
    "error",
    () => {
      const [kind, content] = film.src.slice("data:".length).split(";base64,");
      if (content === undefined) return;
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      film.src = URL.createObjectURL(new Blob([bytes], { type: kind }));
    },
    { once: true },
  );
}

// Paper has no clicks: everything is open on it.
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((part) => (part.open = true));
});
addEventListener("afterprint", () => closed.forEach((part) => (part.open = false)));
