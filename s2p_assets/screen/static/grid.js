/* A table as a grid: pages from the server where one looks, filters and sorting there too; for editors changed cells that
   are kept until they are saved together, under one reason. What a cell may hold is decided by the server alone. */
(() => {
  "use strict";
  const place = document.getElementById("grid");
  if (!place) { return; }
  const table = JSON.parse(place.dataset.grid);
  const columns = new Map(table.columns.map((column) => [column.name, column]));
  const byId = (id) => document.getElementById(id);
  const search = byId("grid-search");
  const listing = byId("row-list");
  const panel = byId("cell");
  const form = byId("changes");
  const base = `/tables/${table.name}`;

  const make = (tag, given = {}, ...inner) => {
    const element = Object.assign(document.createElement(tag), given);
    element.append(...inner.filter((one) => one !== null));
    return element;
  };
  const asText = (value) => (value === null || value === undefined ? "" : String(value));
  const later = (work, wait) => { let timer; return () => { clearTimeout(timer); timer = setTimeout(work, wait); }; };
  const ask = (address, given = {}) => fetch(address, { ...given, headers: { "HX-Request": "true", ...given.headers } });

  /* Which row: by its key, or where a kind of workbook has none by its place. */
  const named = table.key.length ? table.key : ["_file", "_sheet", "_row"];
  const keyOf = (row) => Object.fromEntries(named.map((name) => [name, row[name]]));
  const idOf = (row) => JSON.stringify(named.map((name) => row[name]));
  const queryOf = (row) => new URLSearchParams(named.map((name) => [name, asText(row[name])])).toString();
  const calledOf = (row) => named.map((name) => asText(row[name])).join(", ");

  /* What is typed below a header, as the server's filters. */
  const PLAIN = { text: true, code: true };
  const WORDS = { ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "=": "eq" };
  const filtersOf = (name, typed) => {
    const text = typed.trim();
    const kind = columns.get(name).kind;
    if (!text) { return []; }
    if (/^(empty|not empty)$/i.test(text)) { return [[`${name}.null`, String(/^empty$/i.test(text))]]; }
    if (PLAIN[kind]) { return text.startsWith("=") ? [[name, text.slice(1).trim()]] : [[`${name}.has`, text]]; }
    if (kind === "boolean") { return [[name, String(/^(y|j|t|1|x)/i.test(text))]]; }
    const span = text.match(/^(.+?)\s*\.\.\s*(.+)$/);
    if (span) { return [[`${name}.gte`, span[1]], [`${name}.lte`, span[2]]]; }
    const sign = text.match(/^(>=|<=|>|<|=)\s*(.+)$/);
    if (sign) { return [[`${name}.${WORDS[sign[1]]}`, sign[2]]]; }
    if (kind === "date" && /^\d{4}(-\d{2})?$/.test(text)) {
      const [year, month] = text.split("-").map(Number);
      const last = new Date(Date.UTC(year, month || 12, 0)).toISOString().slice(0, 10);
      return [[`${name}.gte`, month ? `${text}-01` : `${text}-01-01`], [`${name}.lte`, last]];
    }
    return [[name, text]];
  };

  /* What is asked for now: it also makes the addresses of the downloads. */
  let asked = new URLSearchParams();
  const question = (sorters, filters) => {
    const found = new URLSearchParams();
    for (const one of filters) { for (const [name, value] of filtersOf(one.field, asText(one.value))) { found.append(name, value); } }
    if (sorters.length) { found.set("sort", sorters.map((one) => (one.dir === "desc" ? "-" : "") + one.field).join(",")); }
    return found;
  };
  const renewDownloads = () => {
    const found = new URLSearchParams(asked);
    if (search.value.trim()) { found.set("search", search.value.trim()); }
    for (const link of document.querySelectorAll("[data-kind]")) {
      link.href = `${base}/download?${new URLSearchParams([["kind", link.dataset.kind], ...found])}`;
    }
    byId("grid-clear").hidden = !found.toString();
  };
  const sayFound = (count) => {
    if (count !== null) { byId("rows-found").textContent = `${count.toLocaleString("en")} ${count === 1 ? "row" : "rows"}`; }
  };

  /* On a phone: a list of rows, each a form. */
  const phone = matchMedia("(max-width: 640px)");
  phone.addEventListener("change", () => location.reload());
  const fill = async (cursor = "") => {
    const found = new URLSearchParams({ search: search.value, cursor });
    const answer = await ask(`${base}/list?${found}`);
    if (await window.s2p.refused(answer)) { return; }
    const part = document.createElement("template");
    part.innerHTML = await answer.text();
    if (!cursor) { listing.replaceChildren(); }
    listing.querySelector("[data-more]")?.closest("p").remove();
    listing.append(part.content);
  };
  if (phone.matches) {
    place.hidden = true;
    listing.hidden = false;
    search.addEventListener("input", later(() => fill(), 300));
    listing.addEventListener("click", (event) => {
      const more = event.target.closest("[data-more]");
      if (more) { fill(more.dataset.more); }
    });
    addEventListener("load", () => fill());
    return;
  }

  /* Changes that are not saved: row → {key, etag, values as they were typed, was, findings, theirs}. */
  const pending = new Map();
  const changesOf = (row) => pending.get(row._id);

  const showCell = (cell) => {
    const name = cell.getField();
    const column = columns.get(name);
    const row = cell.getData();
    const mine = changesOf(row);
    const value = row[name];
    const element = cell.getElement();
    const changed = Boolean(mine && name in mine.values);
    const findings = (mine && mine.findings[name]) || [];
    element.classList.toggle("changed", changed);
    const rejected = findings.some((one) => one.severity === "reject");
    element.classList.toggle("wrong", rejected);
    element.classList.toggle("noted", findings.length > 0 && !rejected);
    let text = asText(value);
    if (!changed && typeof value === "number" && column.kind === "money") {
      text = value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 6, useGrouping: false });
    }
    if (!changed && typeof value === "number" && column.kind === "number") {
      text = value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 100 ? 4 : 2, useGrouping: false });
    }
    if (!changed && column.kind === "percent" && typeof value === "number") { text = `${+(value * 100).toFixed(2)} %`; }
    if (typeof value === "boolean") { text = value ? "yes" : "no"; }
    const box = make("div", { className: "cell-value", textContent: text });
    if (!findings.length) { return box; }
    return make("div", {}, box, make("small", { className: "why", textContent: findings.map((one) => one.message).join(" ") }));
  };

  const inputOf = (column) => ({
    elementAttributes: { "aria-label": column.title, ...(column.options ? { list: `options-${column.name}` } : {}) },
    selectContents: true,
  });
  for (const column of table.columns.filter((one) => one.options)) {
    const list = make("datalist", { id: `options-${column.name}` });
    list.append(...column.options.map((value) => make("option", { value })));
    document.body.append(list);
  }

  /* Measuring every cell would take the browser seconds: a column is as wide as its kind and its title ask for. */
  const WIDTHS = { text: 190, code: 130, date: 112, timestamp: 170, boolean: 84, integer: 96, number: 106, money: 106, percent: 96 };
  const widthOf = (column) => Math.min(Math.max(WIDTHS[column.kind] || 130, column.title.length * 8.4 + 40), 300);
  const keysFirst = [...table.columns.filter((one) => one.is_key), ...table.columns.filter((one) => !one.is_key)];
  const declared = keysFirst.map((column) => ({
    title: column.title,
    field: column.name,
    headerTooltip: column.says + (column.unit ? ` (${column.unit})` : ""),
    headerFilter: "input",
    headerFilterPlaceholder: "filter",
    headerFilterParams: { elementAttributes: { "aria-label": `Filter ${column.title}` } },
    hozAlign: ["number", "integer", "money", "percent"].includes(column.kind) ? "right" : "left",
    formatter: showCell,
    frozen: column.is_key,
    headerSortTristate: true,
    editor: table.edited && !column.is_key ? "input" : false,
    editable: (cell) => Boolean(cell.getData()._there),
    editorParams: inputOf(column),
    width: widthOf(column),
  }));
  declared.unshift({
    title: "Row",
    field: "_open",
    headerSort: false,
    frozen: true,
    width: 56,
    hozAlign: "center",
    formatter: (cell) => (!cell.getData()._there ? "" : make("a", {
      href: `${base}/row?${queryOf(cell.getData())}`, textContent: "↗", title: "This row by itself",
      ariaLabel: `Row ${calledOf(cell.getData())} by itself`,
    })),
  });

  /* Every row has its place from the start, so that the scrollbar reaches any of them; what a row holds is asked for
     where somebody looks, a page at a time. Browsers draw nothing longer than some millions of pixels: of more rows
     there is a part, which the field for a row's number moves. */
  const ROW_HEIGHT = 34;
  const MOST = 400_000;
  let view = { from: 0, held: [], own: [] };
  const askRows = async (what, of, more) => {
    const wanted = new URLSearchParams([...of.asked, ...Object.entries(more).filter(([, value]) => value)]);
    const answer = await ask(`${base}/${what}?${wanted}`);
    return await window.s2p.refused(answer) ? null : answer.json();
  };
  const askPage = async (of, page) => {
    const at = of.from / table.page + page;
    const behind = of.known.get(at);
    if (behind !== undefined) { return askRows("rows", of, { limit: table.page, cursor: behind }); }
    of.places ||= askRows("places", of, { every: of.every });
    const told = await of.places;
    if (!told) { return null; }
    const place = Math.min(Math.floor(at * table.page / of.every), told.places.length);
    return askRows("rows", of, { limit: table.page, cursor: place ? told.places[place - 1] : "", skip: at * table.page - place * of.every });
  };
  const take = (of, page, found) => {
    if (found.next) { of.known.set(of.from / table.page + page + 1, found.next); }
    found.rows.forEach((row, at) => {
      const held = of.held[page * table.page + at];
      if (!held) { return; }
      Object.assign(held, row, { _id: idOf(row), _there: true });
      const mine = changesOf(held);
      if (mine) { mine.was = Object.fromEntries(Object.keys(mine.values).map((name) => [name, row[name]])); Object.assign(held, mine.values); }
      const own = of.own[page * table.page + at];
      if (own && own.created) { own.reinitialize(true); }
    });
  };
  const needPage = (of, page) => {
    if (page < 0 || page * table.page >= of.held.length) { return null; }
    if (!of.pages.has(page)) {
      of.pages.set(page, askPage(of, page).then((found) => {
        if (of !== view) { return; }
        if (found) { take(of, page, found); } else { of.pages.delete(page); }
      }).catch(() => of.pages.delete(page)));
    }
    return of.pages.get(page);
  };
  const load = async (url, config, given) => {
    asked = question(given.sort || [], given.filter || []);
    renewDownloads();
    const all = new URLSearchParams(asked);
    if (search.value.trim()) { all.set("search", search.value.trim()); }
    const of = { asked: [...all], from: 0, known: new Map([[0, ""]]), places: null, every: table.page, pages: new Map(), held: [], own: [] };
    const first = await askRows("rows", of, { limit: table.page });
    if (!first) { return []; }
    window.s2p.showProblem(null);
    sayFound(first.count);
    of.count = first.count;
    of.every = table.page * Math.ceil(of.count / table.page / table.places);
    const wanted = view.wanted || 0;
    if (of.count > MOST) { of.from = table.page * Math.max(0, Math.min(Math.floor((wanted - MOST / 2) / table.page), Math.ceil((of.count - MOST) / table.page))); }
    of.held = Array.from({ length: Math.min(of.count - of.from, MOST) }, (_, at) => ({ _id: `#${of.from + at}` }));
    view = of;
    if (!of.from) { of.pages.set(0, Promise.resolve()); take(of, 0, first); }
    return of.held;
  };

  const grid = new window.Tabulator(place, {
    index: "_id",
    height: "max(22rem, calc(100vh - 21rem))",
    layout: "fitData",
    rowHeight: ROW_HEIGHT,
    renderHorizontal: table.columns.length > 30 ? "virtual" : "basic",
    ajaxURL: `${base}/rows`,
    ajaxRequestFunc: load,
    sortMode: "remote",
    filterMode: "remote",
    headerFilterLiveFilterDelay: 400,
    columnDefaults: { resizable: "header" },
    columns: declared,
    placeholder: "No row is like that.",
  });
  const holder = () => place.querySelector(".tabulator-tableholder");
  const goTo = byId("go-to");
  const lookAround = () => {
    const box = holder();
    const first = Math.floor(box.scrollTop / Math.max(box.scrollHeight, 1) * view.held.length);
    const { vDomTop, vDomBottom } = grid.rowManager.renderer;  /* the rows that are drawn, which are some more */
    for (let page = Math.floor(vDomTop / table.page); page * table.page <= vDomBottom; page += 1) { needPage(view, page); }
    if (document.activeElement !== goTo.input) { goTo.input.value = view.held.length ? String(view.from + first + 1) : ""; }
  };
  const lookSoon = later(lookAround, 60);
  goTo.input = goTo.querySelector("input");
  goTo.input.addEventListener("change", async () => {
    const wanted = Math.min(Math.max(Math.round(Number(goTo.input.value)) || 1, 1), view.count || 1) - 1;
    goTo.input.value = String(wanted + 1);
    if (wanted < view.from || wanted >= view.from + view.held.length) {
      view.wanted = wanted;
      await grid.setData();
    }
    const own = view.own[wanted - view.from];
    if (own) { await needPage(view, Math.floor((wanted - view.from) / table.page)); await grid.scrollToRow(own.getComponent(), "top", false); }
  });
  grid.on("dataProcessed", () => {
    view.own = [...grid.rowManager.rows];
    goTo.hidden = view.held.length <= table.page;
    goTo.querySelector("span").textContent = `of ${(view.count || 0).toLocaleString("en")}`;
    lookSoon();
  });
  grid.on("scrollVertical", lookSoon);
  grid.on("tableBuilt", () => {
    /* The box that scrolls can be reached by keyboard, and is what holds the rows for a screen reader. */
    place.removeAttribute("aria-owns");
    place.setAttribute("aria-label", document.querySelector("h1").textContent);
    place.querySelector(".tabulator-tableholder").setAttribute("role", "rowgroup");
    place.querySelector(".tabulator-table").setAttribute("role", "none");
  });

  search.addEventListener("input", later(() => grid.setData(), 300));
  byId("grid-clear").addEventListener("click", () => {
    search.value = "";
    grid.clearHeaderFilter();
    grid.clearSort();
    grid.setData();
  });

  /* One cell: where it is from, and what was said of it. */
  let looking = 0;
  const look = async (cell) => {
    if (!columns.has(cell.getField()) || !cell.getData()._there) { return; }
    const mine = ++looking;
    const answer = await ask(`${base}/cell?column=${encodeURIComponent(cell.getField())}&${queryOf(cell.getData())}`);
    if (mine !== looking || await window.s2p.refused(answer)) { return; }
    panel.innerHTML = await answer.text();
    panel.hidden = false;
  };
  grid.on("cellClick", (event, cell) => { look(cell); });
  grid.on("cellEditing", (cell) => { look(cell); });

  if (!table.edited) { return; }

  const count = (number, one) => `${number} ${one}${number === 1 ? "" : "s"}`;
  const said = byId("changes-said");
  const save = form.querySelector("[type=submit]");
  const sure = form.querySelector(".sure");
  const renew = (...notes) => {
    const cells = [...pending.values()].reduce((sum, mine) => sum + Object.keys(mine.values).length, 0);
    form.hidden = !cells;
    save.textContent = cells ? `Save ${count(cells, "change")} in ${count(pending.size, "row")}` : "Save";
    said.replaceChildren(...notes);
  };
  const redraw = (id) => { const row = grid.getRow(id); if (row) { row.reformat(); row.normalizeHeight(); } };

  grid.on("cellEdited", (cell) => {
    const row = cell.getData();
    const name = cell.getField();
    const mine = changesOf(row) || { key: keyOf(row), etag: row._etag, values: {}, was: {}, findings: {}, theirs: null, called: calledOf(row) };
    if (!(name in mine.was)) { mine.was[name] = cell.getOldValue(); }
    delete mine.findings[name];
    if (asText(cell.getValue()).trim() === asText(mine.was[name])) {
      delete mine.values[name];
      row[name] = mine.was[name];
    } else {
      mine.values[name] = cell.getValue();
    }
    if (Object.keys(mine.values).length) { pending.set(row._id, mine); } else { pending.delete(row._id); }
    renew();
    redraw(row._id);
  });

  const drop = (id) => {
    const mine = pending.get(id);
    const row = grid.getRow(id);
    pending.delete(id);
    if (row) { Object.assign(row.getData(), mine.was); redraw(id); }
  };
  byId("changes-drop").addEventListener("click", () => { for (const id of [...pending.keys()]) { drop(id); } renew(); });

  const toCell = (id, name) => {
    const row = grid.getRow(id);
    if (row) { grid.scrollToRow(row, "center", false).then(() => row.getCell(name).edit(true)).catch(() => {}); }
  };
  const showFindings = (ids, problem) => {
    for (const mine of pending.values()) { mine.findings = {}; }
    const lines = make("ul");
    for (const one of problem.findings || []) {
      const id = one.number === null ? null : ids[one.number];
      const mine = id && pending.get(id);
      const column = columns.get(one.column);
      if (mine && column) {
        (mine.findings[one.column] ||= []).push(one);
        const link = make("button", { type: "button", className: "plain", textContent: `${mine.called}, ${column.title}` });
        link.addEventListener("click", () => toCell(id, one.column));
        lines.append(make("li", {}, link, `: ${one.message}`));
      } else {
        lines.append(make("li", { textContent: mine ? `${mine.called}: ${one.message}` : one.message }));
      }
    }
    sure.hidden = !problem.may_be_sure;
    const words = problem.may_be_sure ? "This changes much. Nothing is stored yet." : "Nothing is stored yet: mend these, then save again.";
    renew(make("div", { className: "alert fault" }, make("strong", { textContent: words }), lines.children.length ? lines : problem.detail));
    ids.forEach(redraw);
  };

  /* Somebody else was quicker: theirs and mine, to choose between. */
  const showConflicts = (ids, problem) => {
    const boxes = problem.rows.map(({ number, now, etag }) => {
      const id = ids[number];
      const mine = pending.get(id);
      const box = make("div", { className: "alert warn" }, make("strong", { textContent: `${mine.called} was changed by somebody else since you looked.` }));
      if (!now) {
        const leave = make("button", { type: "button", className: "second", textContent: "Leave it" });
        leave.addEventListener("click", () => { drop(id); grid.getRow(id)?.delete(); renew(); });
        box.append(make("p", { textContent: "The row was withdrawn." }), leave);
        return box;
      }
      const list = make("dl", { className: "conflict" });
      for (const name of new Set([...Object.keys(mine.values), ...table.columns.map((one) => one.name)])) {
        const before = name in mine.was ? mine.was[name] : grid.getRow(id)?.getData()[name];
        if (!(name in mine.values) && asText(now[name]) === asText(before)) { continue; }
        const own = name in mine.values ? ` · yours: ${asText(mine.values[name]) || "empty"}` : "";
        list.append(make("dt", { textContent: columns.get(name).title }), make("dd", { textContent: `theirs: ${asText(now[name]) || "empty"}${own}` }));
      }
      const settle = (keep) => {
        const row = grid.getRow(id);
        mine.etag = etag;
        for (const name of columns.keys()) {
          if (!(keep && name in mine.values)) { if (row) { row.getData()[name] = now[name]; } }
          if (name in mine.was) { mine.was[name] = now[name]; }
        }
        if (row) { row.getData()._etag = etag; }
        if (!keep) { pending.delete(id); }
        box.remove();
        redraw(id);
        const left = [...said.children];
        renew(...left);
      };
      const own = make("button", { type: "button", textContent: "Keep mine" });
      const other = make("button", { type: "button", className: "second", textContent: "Take theirs" });
      own.addEventListener("click", () => settle(true));
      other.addEventListener("click", () => settle(false));
      box.append(list, make("p", { className: "deeds" }, own, other));
      return box;
    });
    renew(...boxes);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const ids = [...pending.keys()];
    const rows = ids.map((id) => {
      const mine = pending.get(id);
      const values = Object.fromEntries(Object.entries(mine.values).map(([name, value]) => [name, asText(value).trim() === "" ? null : value]));
      return { action: "change", key: table.key.length ? mine.key : {}, values, etag: mine.etag };
    });
    const content = { reason: form.elements.reason.value, rows, sure: !sure.hidden && form.elements.sure.checked };
    save.disabled = true;
    try {
      const answer = await fetch(`/api/v1/tables/${table.name}/entries`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
      });
      if (answer.status === 422 || answer.status === 412) {
        const problem = await answer.json();
        if (answer.status === 412) { showConflicts(ids, problem); } else { showFindings(ids, problem); }
        return;
      }
      if (await window.s2p.refused(answer)) { return; }
      const done = await answer.json();
      for (const one of done.rows) {
        const row = grid.getRow(ids[one.number]);
        if (row) { Object.assign(row.getData(), one.values, { _etag: one.etag }); }
      }
      pending.clear();
      ids.forEach(redraw);
      form.reset();
      sure.hidden = true;
      renew();
      const undo = make("a", { href: `${base}/entries/${done.name}`, textContent: "What it did, and taking it back" });
      panel.replaceChildren(make("p", {}, make("strong", { textContent: "Saved. " }), done.says ? `${done.says} ` : "", undo));
      panel.hidden = false;
      window.s2p.say("Saved.");
    } catch {
      window.s2p.showProblem({ title: "s2p does not answer", detail: "Nothing was stored; what you typed is still here. Try again in a moment." });
    } finally {
      save.disabled = false;
    }
  });
  addEventListener("beforeunload", (event) => { if (pending.size) { event.preventDefault(); } });
})();
