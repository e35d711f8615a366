"use strict";
// The address after # holds what is shown, so that a view can be linked to:
// #track=contention&kind=learned&sort=score&dir=descending&agent=a2c
(() => {
  const RISING = new Set(["agent", "steps", "seconds", "core", "parameters"]);
  const KEYS = ["track", "kind", "agent", "sort"];
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const menus = Object.fromEntries(KEYS.map((key) => [key, document.getElementById(`menu-${key}`)]));
  const told = document.getElementById("told");

  const offered = (key, value) => [...menus[key].options].some((option) => option.value === value);

  function asked() {
    const words = new URLSearchParams(location.hash.slice(1));
    const state = {};
    const unknown = [];
    for (const key of KEYS) {
      const value = words.get(key) || "";
      if (value && !offered(key, value)) unknown.push(`${key} ${value}`);
      state[key] = offered(key, value) ? value : "";
    }
    const turned = words.get("dir");
    state.dir = ["ascending", "descending"].includes(turned) ? turned : usual(state.sort || "score");
    state.unknown = unknown;
    return state;
  }

  const usual = (key) => (RISING.has(key) ? "ascending" : "descending");

  function address(state) {
    const words = KEYS.filter((key) => state[key]).map((key) => `${key}=${encodeURIComponent(state[key])}`);
    if (state.sort && state.dir !== usual(state.sort)) words.push(`dir=${state.dir}`);
    return words.join("&");
  }

  function go(change) {
    const next = address({ ...asked(), ...change });
    if (next) location.hash = next;
    else {
      history.pushState(null, "", location.pathname + location.search);
      show();
    }
  }

  function valueOf(row, key) {
    const found = row.dataset[key];
    if (key === "agent") return found;
    return found === undefined ? null : Number(found);
  }

  function ordered(one, other, key, sign) {
    const [a, b] = [valueOf(one, key), valueOf(other, key)];
    if (a === null || b === null) return (a === null) - (b === null); // what is missing comes last
    const first = a < b ? -1 : a > b ? 1 : 0;
    return sign * first || Number(one.dataset.place) - Number(other.dataset.place);
  }

  function sort(table, key, direction) {
    const body = table.tBodies[0];
    const sign = direction === "ascending" ? 1 : -1;
    const rows = [...body.rows].sort((a, b) => ordered(a, b, key, sign));
    body.append(...rows);
    for (const head of all("th[data-sort]", table)) {
      if (head.dataset.sort === key) head.setAttribute("aria-sort", direction);
      else head.removeAttribute("aria-sort");
    }
  }

  function unsort(table) {
    const rows = [...table.tBodies[0].rows];
    table.tBodies[0].append(...rows.sort((a, b) => Number(a.dataset.place) - Number(b.dataset.place)));
    all("th[aria-sort]", table).forEach((head) => head.removeAttribute("aria-sort"));
  }

  function filter(state) {
    const inAgent = Boolean(state.agent);
    document.getElementById("board").hidden = inAgent;
    for (const page of all("article.agent")) page.hidden = page.dataset.agent !== state.agent;
    for (const part of all("[data-part=overview]")) part.hidden = Boolean(state.track);
    for (const part of all("[data-part=track]")) part.hidden = Boolean(state.track) && part.dataset.track !== state.track;
    for (const part of all("article.agent [data-track]")) part.hidden = Boolean(state.track) && part.dataset.track !== state.track;
    for (const row of all("#board [data-kind]")) row.hidden = Boolean(state.kind) && row.dataset.kind !== state.kind && row.dataset.kind !== "anchor";
  }

  function summary(state) {
    const rows = all(state.agent ? "article.agent:not([hidden]) table.ranks tbody tr" : "section[data-part=track]:not([hidden]) table.ranks tbody tr");
    const shown = rows.filter((row) => !row.hidden && row.dataset.kind !== "anchor").length;
    const count = `${shown} ${shown === 1 ? "row" : "rows"} shown`;
    return state.unknown.length ? `Not on this board: ${state.unknown.join(", ")}. ${count}` : count;
  }

  function show() {
    const state = asked();
    for (const key of KEYS) menus[key].value = key === "sort" ? state.sort || "score" : state[key];
    for (const table of all("#board table.ranks")) sort(table, state.sort || "score", state.dir);
    for (const table of all("article.agent table.ranks")) {
      if (state.sort) sort(table, state.sort, state.dir);
      else unsort(table);
    }
    filter(state);
    told.textContent = summary(state);
    document.title = [state.agent, state.track, "twin_gym leaderboard"].filter(Boolean).join(" · ");
  }

  function light(name) {
    for (const picture of all(".profile")) {
      picture.classList.toggle("has-lit", Boolean(name));
      for (const line of all(".line[data-agent]", picture)) line.classList.toggle("is-lit", line.dataset.agent === name);
    }
  }

  async function copy(button) {
    const text = button.dataset.command;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      prompt("The command", text);
    }
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  }

  for (const key of KEYS) {
    menus[key].addEventListener("change", () => {
      const value = menus[key].value;
      go(key === "sort" ? { sort: value, dir: usual(value) } : { [key]: value });
    });
  }
  document.getElementById("clear").addEventListener("click", () => go({ track: "", kind: "", agent: "", sort: "" }));
  document.addEventListener("click", (event) => {
    const head = event.target.closest("th button[data-key]");
    if (head) {
      const key = head.dataset.key;
      const now = head.closest("th").getAttribute("aria-sort");
      const turned = now === "descending" ? "ascending" : "descending";
      go({ sort: key, dir: now ? turned : usual(key) });
    }
    const button = event.target.closest(".copy");
    if (button) copy(button);
  });
  for (const kind of ["mouseover", "focusin"]) {
    document.addEventListener(kind, (event) => {
      const link = event.target.closest(".legend a[data-agent]");
      light(link ? link.dataset.agent : "");
    });
  }
  let shown = {};
  window.addEventListener("hashchange", () => {
    show();
    const state = asked();
    const moved = state.agent !== shown.agent || state.track !== shown.track;
    shown = state;
    if (!moved) return; // a click on a head of a column leaves the reader where they are
    const target = state.agent ? document.getElementById(`agent=${state.agent}`) : state.track && document.getElementById(`track=${state.track}`);
    if (target) {
      target.scrollIntoView();
      target.querySelector("h2").focus({ preventScroll: true });
    }
  });
  window.addEventListener("beforeprint", () => all("details").forEach((one) => { one.open = true; }));
  document.documentElement.classList.remove("no-script");
  all("table.ranks tbody").forEach((body) => [...body.rows].forEach((row, place) => { row.dataset.place = place; }));
  show();
  shown = asked();
})();
