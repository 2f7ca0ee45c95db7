"use strict";
(() => {
  const SIGNS = { keep: "✓", rebuild: "✗", unknown: "?", conditional: "…", built: "●", failed: "!" };
  const ORDER = ["failed", "rebuild", "unknown", "conditional", "built", "keep"];
  const BOX = { width: 190, height: 24, step: 32, gap: 50, letters: 24, most: 100 };
  const byId = (id) => document.getElementById(id);
  const table = byId("table");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const wheels = JSON.parse(byId("graph").textContent).map((edges, at) => {
    const [name, version, action, , wave] = Array.from(rows[at].cells, (cell) => cell.textContent);
    return { ...edges, label: `${name} ${version}`, state: action, wave: Number(wave) || Infinity };
  });
  const placeOf = new Map(rows.map((row, at) => [row, at]));
  const words = byId("words");
  const state = byId("state");

  // Search: every word must be in the wheel's cells or reasons.
  let texts = null;
  const textOf = (row) =>
    [...Array.from(row.cells).slice(0, 5), ...row.querySelectorAll("summary, .file, .reasons")]
      .map((each) => each.textContent).join("\n").toLowerCase();
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (wanted.length) texts ??= rows.map(textOf);
    let found = 0;
    rows.forEach((row, at) => {
      row.hidden = Boolean(state.value && wheels[at].state !== state.value) ||
        !wanted.every((word) => texts[at].includes(word));
      found += !row.hidden;
    });
    byId("found").textContent = `${found} of ${rows.length} wheels`;
  };
  const clear = () => { words.value = state.value = ""; filter(); };

  // Sorting: what is equal stays in the order of the plan.
  const keys = [
    (at, row) => row.cells[0].textContent,
    (at, row) => Number(row.cells[1].dataset.rank),
    (at) => ORDER.indexOf(wheels[at].state),
    (at, row) => row.cells[3].textContent,
    (at) => wheels[at].wave,
    (at, row) => row.querySelector("summary").textContent,
  ];
  const sort = (column, header) => {
    const turn = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const keyed = rows.map((row, at) => [keys[column](at, row), at]);
    keyed.sort(([a, i], [b, j]) => (a < b ? -turn : a > b ? turn : i - j));
    for (const each of table.tHead.rows[0].cells) each.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", turn === 1 ? "ascending" : "descending");
    body.append(...keyed.map(([, at]) => rows[at]));
  };
  Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => sort(column, header));
    header.replaceChildren(button);
    header.setAttribute("aria-sort", "none");
  });

  // The neighbourhood: on whom a wheel hangs, the wheel, who hangs on it.
  let users = null;
  const ahead = (at) => new Set([...wheels[at].waits_for, ...wheels[at].requires]);
  const behind = (at) => {
    if (!users) {
      users = wheels.map(() => new Set());
      wheels.forEach((_, user) => ahead(user).forEach((other) => users[other].add(user)));
    }
    return users[at];
  };
  const make = (tag, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const box = (at, x, y, kind) => {
    const { label, state: of } = wheels[at];
    const short = label.length > BOX.letters ? label.slice(0, BOX.letters - 1) + "…" : label;
    return make("a", { href: `#w${at}`, class: `${of} ${kind}` },
      make("title", {}, `${label}: ${of}`),
      make("rect", { x, y, width: BOX.width, height: BOX.height, rx: 4 }),
      make("text", { x: x + 8, y: y + 16, class: "sign" }, SIGNS[of]),
      make("text", { x: x + 24, y: y + 16 }, short));
  };
  const picture = (at) => {
    const rank = (each) => ORDER.indexOf(wheels[each].state);
    const sides = [ahead(at), behind(at)].map((side) =>
      Array.from(side).sort((a, b) => rank(a) - rank(b) || a - b));
    const shown = sides.map((side) => side.slice(0, BOX.most));
    const lines = Math.max(1, ...sides.map((side, i) => shown[i].length + (side.length > BOX.most)));
    const middle = sides[0].length ? BOX.width + BOX.gap : 0;
    const right = middle + BOX.width + BOX.gap;
    const edges = [];
    const boxes = [box(at, middle, 0, "this")];
    shown.forEach((side, i) => {
      side.forEach((other, line) => {
        const waits = (i ? wheels[other].waits_for : wheels[at].waits_for).includes(i ? at : other);
        const y = line * BOX.step + BOX.height / 2;
        const [from, to] = i
          ? [[middle + BOX.width, BOX.height / 2], [right, y]]
          : [[BOX.width, y], [middle, BOX.height / 2]];
        const bend = (from[0] + to[0]) / 2;
        const d = `M${from} C${bend},${from[1]} ${bend},${to[1]} ${to}`;
        edges.push(make("path", { d, class: waits ? "waits" : "requires" }));
        boxes.push(box(other, i ? right : 0, line * BOX.step, "other"));
      });
      if (sides[i].length > BOX.most) {
        const more = `and ${sides[i].length - BOX.most} more`;
        boxes.push(make("text", { x: i ? right : 0, y: BOX.most * BOX.step + 16 }, more));
      }
    });
    const width = (sides[1].length ? right : middle) + BOX.width + 4;
    const height = lines * BOX.step;
    const size = { viewBox: `-2 -2 ${width} ${height}`, width, height };
    return make("svg", { ...size, role: "group", "aria-label": `Around ${wheels[at].label}` },
      ...edges, ...boxes);
  };
  const draw = (details) => {
    const at = placeOf.get(details.closest("tr"));
    const place = details.querySelector("div");
    if (place.querySelector("figure") || !(ahead(at).size + behind(at).size)) return;
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = "Left: what it requires. Right: what requires it. " +
      "Solid: binds to it and waits for it; dashed: requires it.";
    figure.append(picture(at), caption);
    place.append(figure);
  };
  body.addEventListener("toggle", (event) => { if (event.target.open) draw(event.target); }, true);

  const open = (details) => {
    details.open = true;
    details.closest("tr").scrollIntoView();
    details.querySelector("summary").focus({ preventScroll: true });
  };

  // A link to a wheel opens it, wherever the filter had put it.
  const follow = () => {
    const details = byId(location.hash.slice(1))?.closest("details");
    if (!details) return;
    const row = details.closest("tr");
    if (row.hidden) clear();
    open(details);
  };
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    if (event.target.closest("a")?.getAttribute("href") === location.hash) follow();
  });

  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      words.focus();
      words.select();
    } else if (event.key === "Escape" && event.target === words) {
      clear();
    } else if (event.key === "Enter" && event.target === words) {
      const first = Array.from(body.rows).find((row) => !row.hidden);
      if (first) open(first.querySelector("details"));
      event.preventDefault();
    }
  });
  words.addEventListener("input", filter);
  state.addEventListener("change", filter);
  document.querySelector(".controls").hidden = false;
  filter();
  follow();
})();
