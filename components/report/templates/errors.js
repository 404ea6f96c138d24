"use strict";
(async () => {
  const PAGE = 50;
  const find = (id) => document.getElementById(id);
  const form = find("filters"), list = find("list"), detail = find("detail"), found = find("found");
  const items = await unpack(find("items").textContent.trim());
  const models = [...form.elements.model.options].map((o) => o.value).reverse();
  const first = models[0];
  let shown = [], page = 0, current = null;

  async function unpack(text) {
    if (!text) return [];
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  // All text goes in as text nodes: replies of models are never markup.
  function make(tag, className, ...children) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children.filter((c) => c !== null && c !== undefined));
    return node;
  }

  function verdict(reply) {
    if (!reply) return "not run";
    if (reply.error) return "no reply";
    if (reply.outcome === null) return "not scored";
    return reply.outcome === 1 ? "right" : "wrong";
  }

  function unparsable(reply, item) {
    return ["single", "multi"].includes(item.kind) && reply && !reply.letters;
  }

  const OUTCOMES = {
    "": () => true,
    wrong: (r) => verdict(r) === "wrong" || verdict(r) === "no reply",
    right: (r) => verdict(r) === "right",
    unparsable: (r, item) => unparsable(r, item),
    truncated: (r) => r?.truncated,
    gained: (r, item) => verdict(r) === "right" && verdict(item.models[first]) === "wrong",
    lost: (r, item) => verdict(r) === "wrong" && verdict(item.models[first]) === "right",
  };

  function fill(name) {
    const select = form.elements[name], chosen = select.value;
    const suite = form.elements.suite.value;
    const values = new Set(items.filter((i) => name === "suite" || !suite || i.suite === suite).map((i) => i[name]).filter(Boolean));
    select.replaceChildren(new Option("all", ""), ...[...values].sort().map((v) => new Option(v, v)));
    select.value = values.has(chosen) ? chosen : "";
  }

  function matches(item, wanted) {
    for (const name of ["suite", "domain", "kind"]) if (wanted[name] && item[name] !== wanted[name]) return false;
    const reply = item.models[wanted.model];
    if (!OUTCOMES[wanted.outcome](reply, item)) return false;
    if (!wanted.text) return true;
    const texts = [item.id, item.prompt, ...Object.values(item.models).flatMap((r) => [r.final, r.reasoning])];
    return texts.some((t) => t.toLowerCase().includes(wanted.text));
  }

  function filter() {
    const wanted = Object.fromEntries(["suite", "domain", "kind", "model", "outcome"].map((n) => [n, form.elements[n].value]));
    wanted.text = form.elements.text.value.trim().toLowerCase();
    shown = items.filter((item) => matches(item, wanted));
    page = 0;
    found.textContent = `${shown.length.toLocaleString("en")} of ${items.length.toLocaleString("en")} items`;
    render();
    show(shown[0] ?? null);
  }

  function render() {
    const model = form.elements.model.value;
    const rows = shown.slice(page * PAGE, (page + 1) * PAGE).map((item) => {
      const reply = item.models[model], word = verdict(reply);
      const button = make("button", "", make("span", `mark ${word.replace(" ", "-")}`, word), make("span", "line", item.prompt.slice(0, 120)),
        make("span", "meta", [item.suite, item.domain, item.kind].filter(Boolean).join(", ")));
      button.type = "button";
      button.addEventListener("click", () => show(item));
      const row = make("li", "", button);
      row.item = item;
      return row;
    });
    list.replaceChildren(...rows);
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    find("page").textContent = `Page ${page + 1} of ${pages}`;
    find("before").disabled = page === 0;
    find("after").disabled = page + 1 >= pages;
    mark();
  }

  function mark() {
    for (const row of list.children) row.firstChild.setAttribute("aria-current", row.item === current);
  }

  function answer(model, reply, item) {
    const word = verdict(reply);
    const head = make("h4", "", `${model} `, make("span", `mark ${word.replace(" ", "-")}`, word));
    if (!reply) return make("div", "answer", head);
    const notes = [reply.letters && `answer ${reply.letters}`, unparsable(reply, item) && "no parsable answer", reply.truncated && "cut at the token limit", reply.well_formed === 0 && "not well formed",
      ...Object.entries(reply.scores).map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`)].filter(Boolean);
    return make("div", "answer", head, notes.length ? make("p", "meta", notes.join(", ")) : null, reply.error ? make("p", "reply", reply.error) : null,
      make("h5", "", "Rationale"), make("p", "reply", reply.reasoning || "none"), make("h5", "", "Reply"), make("p", "reply", reply.final || "empty"));
  }

  function show(item) {
    current = item;
    mark();
    if (!item) return detail.replaceChildren(make("p", "note", "No item matches the filters."));
    detail.lang = item.language;
    const where = [item.suite, item.domain, item.kind, item.subject, item.exam, item.number && `number ${item.number}`, item.id].filter(Boolean).join(", ");
    detail.replaceChildren(make("p", "meta", where), make("p", "reply", item.prompt), make("h4", "", "Key"), make("p", "reply key", item.key || "none"),
      make("div", "answers", ...models.map((m) => answer(m, item.models[m], item))));
  }

  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = document.activeElement.closest?.("#list li");
    if (!step || !row) return;
    event.preventDefault();
    const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    if (!next) return;
    next.firstChild.focus();
    show(next.item);
  });
  const turn = (by) => () => { page += by; render(); list.firstChild?.firstChild.focus(); };
  find("before").addEventListener("click", turn(-1));
  find("after").addEventListener("click", turn(1));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target.name === "suite") ["domain", "kind"].forEach(fill);
    filter();
  });
  ["suite", "domain", "kind"].forEach(fill);
  filter();
})();
