
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, place = document) => [...place.querySelectorAll(selector)];

  // Theme: the system's until the button is used; kept where the browser lets a page keep anything.
  const theme = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const named = () => theme.setAttribute("aria-label", `Change to the ${dark() ? "light" : "dark"} theme`);
  const kept = (value) => {
    try {
      if (value) localStorage.setItem("pgsuite-theme", value);
      return localStorage.getItem("pgsuite-theme");
    } catch {
      return null;
    }
  };
  const chosen = kept();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  theme.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    kept(root.dataset.theme);
    named();
  });
  system.addEventListener("change", named);
  theme.hidden = false;
  named();

  // Tables: a header becomes a button; ties and the third state are the order of the report, nothing comes last.
  const key = (row, column) => row.cells[column].dataset.value;
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  };
  const regroup = (body) => {
    let above = null;
    for (const row of body.rows) {
      if (!row.className) return;
      const name = row.cells[0].textContent;
      row.className = name === above ? "repeat" : "group";
      above = name;
    }
  };
  const sort = (table, original, column, direction) => {
    const sign = direction === "ascending" ? 1 : -1;
    const there = original.filter((row) => key(row, column) !== undefined);
    const nothing = original.filter((row) => key(row, column) === undefined);
    there.sort((a, b) => sign * compare(key(a, column), key(b, column)));
    table.tBodies[0].append(...there, ...nothing);
    regroup(table.tBodies[0]);
  };
  for (const table of all("table[data-sortable]")) {
    const original = [...table.tBodies[0].rows];
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = header.textContent;
      header.replaceChildren(button);
      button.addEventListener("click", () => {
        const first = header.classList.contains("number") ? "descending" : "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        const direction = header.getAttribute("aria-sort") === first ? other : first;
        headers.forEach((one) => one.removeAttribute("aria-sort"));
        header.setAttribute("aria-sort", direction);
        sort(table, original, column, direction);
      });
    });
  }

  // Tables: as wide as their texts where there is room; else compact; else the cells of a row below each other.
  const places = all(".scroll");
  const fit = (place, room = place.clientWidth) => {
    if (!room) return; // in a closed fold
    const table = place.firstElementChild;
    for (const one of ["", "compact", "stacked"]) {
      table.dataset.fit = one;
      if (Math.max(table.offsetWidth, table.scrollWidth) <= room) return;
    }
  };
  for (const table of all(".scroll > table")) {
    const titles = [...table.tHead.rows[0].cells].map((header) => header.textContent);
    for (const row of table.tBodies[0].rows) [...row.cells].forEach((cell, n) => (cell.dataset.title = titles[n]));
  }
  const widths = new Map();
  const refit = () =>
    places
      .filter((place) => widths.get(place) !== place.clientWidth)
      .forEach((place) => {
        widths.set(place, place.clientWidth);
        fit(place);
      });
  refit();
  const resized = new ResizeObserver(() => requestAnimationFrame(refit));
  places.forEach((place) => resized.observe(place));

  // Series: one switch for an algorithm, in all figures.
  const buttons = all("button[data-series]");
  for (const button of buttons) {
    button.disabled = false;
    button.addEventListener("click", () => {
      const name = button.dataset.series;
      const shown = button.getAttribute("aria-pressed") !== "true";
      for (const one of buttons) if (one.dataset.series === name) one.setAttribute("aria-pressed", String(shown));
      for (const group of document.getElementsByClassName(`s-${name}`)) group.classList.toggle("off", !shown);
    });
  }

  // Contents: where the reader is.
  const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        links.forEach((link) => link.removeAttribute("aria-current"));
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "-10% 0px -75% 0px" },
  );
  all("main > section").forEach((section) => seen.observe(section));

  // Paper: all tables open, and no wider than a page is in the smaller letters of print.
  const PAGE = 940;
  addEventListener("beforeprint", () => {
    all("details.more").forEach((details) => (details.open = true));
    places.forEach((place) => fit(place, PAGE));
  });
  addEventListener("afterprint", () => places.forEach((place) => fit(place)));
})();
