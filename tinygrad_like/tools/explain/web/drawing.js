// ---- drawing ----------------------------------------------------------------------------------------------------
let at = null; // the step that is shown; null: everything
let selected = null; // a node or a group, or nothing
let matches = new Set(); // what the search found
const elements = new Map(); // key: what is drawn for it
const lines = [];

function draw() {
  layout();
  elements.clear();
  lines.length = 0;
  const boxes = document.createDocumentFragment(),
    edges = document.createDocumentFragment(),
    front = document.createDocumentFragment();
  for (const edge of drawn.edges) {
    const points = edge.path.flatMap((each, i) => (i ? each.points.slice(1) : each.points));
    const line = s("path", { d: curve(points), class: "edge" });
    lines.push({ ...edge, line });
    edges.append(line);
  }
  for (const item of drawn.items) {
    if (item.kind === "group" && !folded.has(item)) {
      const frame = s("g", { class: "group" });
      frame.append(s("rect", { class: "box", x: item.X, y: item.Y, width: item.w, height: item.h, rx: 10 }));
      boxes.append(frame);
      front.append(drawTitle(item));
    } else if (item.kind === "group") front.append(drawFolded(item));
    else {
      const x = item.X + item.box.left,
        y = item.Y + (item.box.h - item.h) / 2;
      item.satellites.forEach((each, i) => {
        const left = item.X + item.box.column - each.w,
          top = item.Y + (item.box.h - item.box.high) / 2 + i * 31;
        const end = y + (item.h * (i + 1)) / (item.satellites.length + 1),
          start = left + each.w,
          middle = start + 12;
        const line = (source, to, d) => {
          lines.push({ source, to: [to], line: s("path", { class: "edge", d }) });
          edges.append(lines[lines.length - 1].line);
        };
        if (!each.loose) line(each, item, `M${start} ${top + 13}C${middle} ${top + 13} ${middle} ${end} ${x} ${end}`);
        front.append(drawNode(each, left, top));
        for (const leaf of each.satellites) {
          line(leaf, each, `M${left - 24} ${top + 13}h24`);
          front.append(drawNode(leaf, left - 24 - leaf.w, top));
        }
      });
      front.append(drawNode(item, x, y));
    }
  }
  $("groups").replaceChildren(boxes);
  $("edges").replaceChildren(edges);
  $("nodes").replaceChildren(front);
  update();
  look();
}
function drawNode(node, x, y) {
  const g = s("g", { class: "node", "data-key": node.key, tabindex: -1, role: "button", transform: `translate(${x} ${y})` });
  g.append(s("rect", { class: "box", width: node.w, height: node.h, rx: node.isOp ? 7 : node.h / 2 }));
  const two = node.isOp && !node.host,
    low = two ? 18 : node.h / 2 + 4.5; // lines of text
  g.append(s("text", { class: "name", x: 11, y: low }, node.title));
  if (node.by && two) g.append(s("text", { class: "of", x: 11 + width(node.title, FONT.name) + 8, y: low }, node.by));
  g.append(s("text", { class: "shape", x: two ? 11 : 11 + width(node.title, FONT.leaf) + 8, y: two ? 35 : low }, node.small));
  const gradient = s("text", { class: "g", x: node.w - 10, y: two ? 35 : low, "text-anchor": "end" }, "");
  g.append(gradient);
  elements.set(node.key, { g, gradient, item: node, base: node.isOp ? (node.host ? "node aside" : "node") : `node ${node.op}` });
  node.centre = [x + node.w / 2, y + node.h / 2];
  return g;
}
function drawFolded(group) {
  const g = s("g", {
    class: "node folded",
    "data-key": group.key,
    tabindex: -1,
    role: "button",
    "aria-expanded": "false",
    transform: `translate(${group.X} ${group.Y})`,
  });
  g.append(
    s("rect", { class: "under", x: 5, y: 5, width: group.w - 1, height: group.h, rx: 9 }),
    s("rect", { class: "box", width: group.w, height: group.h, rx: 9 }),
    sign(group, 10, 8, true),
  );
  g.append(s("text", { class: "name", x: 30, y: 19 }, group.title));
  const small = s("text", { class: "of", x: 11, y: 37 }, group.small);
  g.append(small);
  elements.set(group.key, { g, small, item: group, base: "node folded" });
  group.centre = [group.X + group.w / 2, group.Y + group.h / 2];
  return g;
}
function drawTitle(group) {
  const g = s("g", {
    class: "group",
    "data-key": group.key,
    tabindex: -1,
    role: "button",
    "aria-expanded": "true",
    transform: `translate(${group.X} ${group.Y})`,
  });
  g.append(
    s("rect", { class: "box", width: width(group.name, FONT.name) + 36, height: 26, rx: 10 }),
    sign(group, 7, 6, false),
    s("text", { class: "name", x: 28, y: 17 }, group.name),
  );
  elements.set(group.key, { g, item: group, base: "group" });
  group.centre = [group.X + 40, group.Y + 12];
  return g;
}
function sign(group, x, y, closed) {
  // + or −
  const g = s("g", { class: "toggle", transform: `translate(${x} ${y})` });
  g.append(
    s("rect", { class: "fold", width: 14, height: 14, rx: 3 }),
    s("path", { class: "sign", d: closed ? "M3.5 7h7M7 3.5v7" : "M3.5 7h7" }),
  );
  return g;
}

/* Classes and texts for the step, the selection and the search; what stays as it was is not touched. */
function update() {
  const step = at === null ? null : steps[at];
  const current = step ? shownAs(nodes.get(step.node)) : null;
  const set = (element, name) => {
    if (element.getAttribute("class") !== name) element.setAttribute("class", name);
  };
  const say = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const hits = new Set([...matches].map(shownAs));
  const focused = focusItem();
  for (const { g, gradient, small, item, base } of elements.values()) {
    let name = base;
    const isGroup = item.kind === "group",
      open = isGroup && !folded.has(item);
    if (isGroup && !open) {
      const done = item.all.filter(
        node =>
          node.isOp && (at === null || (step.phase === "forward" ? node.ran <= at : node.visited !== null && node.visited <= at)),
      ).length;
      const started = at === null || item.all.some(node => node.isOp && node.ran <= at);
      if (!started) name += " waits";
      if (at !== null && step.phase === "backward" && done === item.ops) name += " arrived";
      const inThis = at !== null && item === current;
      say(small, inThis ? `${clipped(label(nodes.get(step.node)), 16)} · ${done}/${item.ops}` : item.small);
    } else if (!isGroup) {
      const known = gradientOf(item, at);
      if (at !== null && (item.isOp ? item.ran : Math.min(...item.users.map(user => user.ran))) > at) name += " waits";
      if (known.complete && at !== null) name += " arrived";
      if ((item.value && item.value.nonfinite) || (known.complete && known.norm !== null && !Number.isFinite(real(known.norm))))
        name += " nonfinite";
      say(
        gradient,
        known.complete
          ? (known.norm === null ? "g" : `‖g‖ ${short(known.norm, 3)}`) + (known.all > 1 ? ` Σ${known.all}` : "")
          : known.arrived
            ? `${known.arrived}/${known.all}`
            : "",
      );
    }
    if (item === selected) name += " selected";
    if (item === current) name += " current";
    if (hits.has(item)) name += " found";
    if (isGroup && tiny(item)) name += " tiny";
    set(g, name);
    if (item === current) g.setAttribute("aria-current", "step");
    else g.removeAttribute("aria-current");
    g.setAttribute("aria-label", spoken(item));
    g.setAttribute("tabindex", item === focused ? 0 : -1);
  }
  for (const { line, source, to } of lines) {
    let name = "edge";
    const backward = to.some(
      node =>
        node.visited !== null &&
        (at === null || node.visited <= at) &&
        steps[node.visited].to.some(each => each.node === source.id),
    );
    if (backward && at !== null) name += " arrived";
    if (step && to.some(node => node.id === step.node)) {
      if (step.phase === "forward") name += " flow";
      else if (step.to.some(each => each.node === source.id)) name += " flow up";
    } else if (at !== null && !backward && to.every(node => node.ran > at)) name += " waits";
    set(line, name);
  }
}
function tiny(group) {
  // on the screen there is no room for its name
  return group.h * eye.k < 22 || (group.parent !== root && (group.Y - group.parent.Y) * eye.k < 13);
}
function spoken(item) {
  if (item.kind === "group") return `${item.path}: ${t("ops", item.ops)}`;
  const known = gradientOf(item, at);
  return [
    item.isOp ? item.op : `${ofKind(item)} ${item.name}`,
    item.called,
    shapeText(item.shape),
    item.module && `${t("module")} ${item.module}`,
    known.complete && known.norm !== null && `${t("gradient")} ${short(known.norm, 3)}`,
  ]
    .filter(Boolean)
    .join(", ");
}
/* Of all that is drawn, Tab reaches one thing: what is selected, or the first. */
function focusItem() {
  if (selected && elements.has(shownAs(selected).key)) return shownAs(selected);
  if (selected && selected.host && elements.has(selected.key)) return selected;
  const first = elements.values().next().value;
  return first ? first.item : null;
}

// ---- where one looks --------------------------------------------------------------------------------------------
const eye = { x: 0, y: 0, k: 1, fitted: null }; // fitted: how `fit` was called, until one moves
function look() {
  $("view").setAttribute("transform", `translate(${eye.x} ${eye.y}) scale(${eye.k})`);
  const k = eye.k.toFixed(4);
  if (look.k !== k || look.of !== drawn) {
    // names of modules stay as large as they are, where there is room
    look.k = k;
    look.of = drawn;
    $("drawing").style.setProperty("--k", k);
    for (const { g, item } of elements.values()) if (item.kind === "group") g.classList.toggle("tiny", tiny(item));
  }
  const distance = eye.k < 0.22 ? "far farther" : eye.k < 0.5 ? "far" : "";
  if ($("drawing").getAttribute("class") !== distance) $("drawing").setAttribute("class", distance);
}
function screen() {
  const box = $("graph").getBoundingClientRect();
  return [box.width, box.height];
}
function fit(whole = true) {
  const [w, h] = screen(),
    margin = 36;
  let k = Math.min((w - 2 * margin) / Math.max(1, root.w), (h - 2 * margin) / Math.max(1, root.h), 1.4);
  if (!whole && k < 0.75) k = Math.min(1, Math.max(0.75, (w - 2 * margin) / root.w)); // to begin with, letters that can be read
  eye.k = Math.max(k, 0.005);
  eye.x = (w - root.w * eye.k) / 2;
  eye.y = root.h * eye.k < h - 2 * margin ? (h - root.h * eye.k) / 2 : margin;
  if (root.w * eye.k > w && !whole) {
    const first = drawn.items.find(item => item.centre);
    if (first) eye.x = Math.max(w - margin - root.w * eye.k, Math.min(margin, w / 2 - first.centre[0] * eye.k));
  }
  eye.fitted = { whole };
  look();
}
function zoom(by, x = null, y = null) {
  const [w, h] = screen();
  if (x === null) {
    x = w / 2;
    y = h / 2;
  }
  const k = Math.min(4, Math.max(0.01, eye.k * by));
  eye.x = x - ((x - eye.x) * k) / eye.k;
  eye.y = y - ((y - eye.y) * k) / eye.k;
  eye.k = k;
  eye.fitted = null;
  look();
}
/* Bring something into sight, and near enough to be read if it is far. */
function show(item, near = false) {
  const place = (item.host && !folded.size ? item : shownAs(item)).centre || (item.host && item.host.centre);
  if (!place) return;
  const [w, h] = screen();
  if (near && eye.k < 0.6) {
    eye.k = 0.9;
    eye.x = w / 2 - place[0] * eye.k;
    eye.y = h / 2 - place[1] * eye.k;
  }
  const x = place[0] * eye.k + eye.x,
    y = place[1] * eye.k + eye.y,
    side = item.kind === "group" ? 45 : Math.min(110, w / 4),
    edge = Math.min(70, h / 4);
  if (x < side || x > w - side) {
    eye.x += w / 2 - x;
    eye.fitted = null;
  }
  if (y < edge || y > h - edge) {
    eye.y += h / 2 - y;
    eye.fitted = null;
  }
  look();
}
