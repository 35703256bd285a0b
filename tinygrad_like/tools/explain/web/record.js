// ---- numbers ----------------------------------------------------------------------------------------------------
const SPECIAL = { nan: NaN, inf: Infinity, "-inf": -Infinity };
const real = x => (typeof x === "string" ? (x in SPECIAL ? SPECIAL[x] : NaN) : x); // complex numbers come as text, too
function short(x, digits = 5) {
  if (x === null || x === undefined) return "–";
  if (typeof x === "string" && !(x in SPECIAL)) return x;
  x = real(x);
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (Number.isInteger(x) && size < 1e7) return String(x);
  if (size >= 1e6 || size < 1e-3) return x.toExponential(digits - 2).replace(/\.?0+e/, "e");
  return String(Number(x.toPrecision(digits)));
}
const shapeText = shape => (shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`);
const count = shape => shape.reduce((a, b) => a * b, 1);
const lastPart = name => (name.includes(".") ? name.slice(name.lastIndexOf(".") + 1) : name);
const bytes = n => (n < 1024 ? `${n} B` : n < 2 ** 20 ? `${(n / 1024).toFixed(1)} kB` : `${(n / 2 ** 20).toFixed(1)} MB`);

// ---- record -----------------------------------------------------------------------------------------------------
const data = JSON.parse($("data").textContent);
const nodes = new Map(data.nodes.map(node => [node.id, Object.assign(node, data.ops[node.about] || {})]));
const steps = data.steps;
const parameters = data.parameters.map(each => Object.assign(each, { of: nodes.get(each.node) }));
for (const node of nodes.values())
  Object.assign(node, {
    key: `n${node.id}`,
    isOp: node.op !== "leaf" && node.op !== "constant",
    sources: node.parents.map(id => (id === null ? null : nodes.get(id) || null)),
    users: [],
    satellites: [],
    host: null,
    group: null,
    ran: -1,
    visited: null,
    arrivals: [],
  });
for (const node of nodes.values()) for (const source of new Set(node.sources)) if (source) source.users.push(node);
steps.forEach((step, i) => {
  const node = nodes.get(step.node);
  if (step.phase === "forward") {
    node.ran = i;
    return;
  }
  node.visited = i;
  for (const to of step.to) if (nodes.has(to.node)) nodes.get(to.node).arrivals.push({ step: i, from: node, ...to });
});
for (const each of parameters) if (each.of) each.of.parameter = each;
const ofKind = node => (node.isOp ? node.op : node.op === "constant" ? t("constant") : node.parameter ? t("leaf") : t("variable"));
const label = node => (node.isOp ? node.op : node.name || node.op);

/* What is known of the gradient of a node when step `at` is done (null: when all are). */
function gradientOf(node, at) {
  const arrived = node.arrivals.filter(each => at === null || each.step <= at).length,
    all = node.arrivals.length;
  const visited = node.visited !== null && (at === null || node.visited <= at);
  const complete = visited || (all > 0 && arrived === all);
  const g = visited ? steps[node.visited].g : null;
  let norm = null;
  if (g) norm = g.norm;
  else if (complete && all === 1) norm = node.arrivals[0].dx && node.arrivals[0].dx.norm;
  else if (complete && node.parameter) norm = node.parameter.norm;
  return { arrived, all, visited, complete, g: g || (complete && all === 1 ? node.arrivals[0].dx : null), norm };
}

// ---- modules ----------------------------------------------------------------------------------------------------
/* A group is one call of a module: ops that ran one after another with the same module path.  So the parts of a loop that calls
   a module again and again are groups of their own; and as each is an interval of the order of births, no two depend on each
   other. */
const groups = [];
function newGroup(name, path, parent) {
  const group = {
    kind: "group",
    key: `g${groups.length}`,
    name,
    path,
    parent,
    children: [],
    ops: 0,
    depth: parent ? parent.depth + 1 : 0,
  };
  groups.push(group);
  return group;
}
const root = newGroup("", "", null);
const folded = new Set();
(function buildTree() {
  let at = root;
  const within = (group, path) => group === root || path === group.path || path.startsWith(group.path + ".");
  for (const node of nodes.values())
    if (node.isOp) {
      while (!within(at, node.module)) at = at.parent;
      const rest = at === root ? node.module : node.module.slice(at.path.length + 1);
      for (const name of rest ? rest.split(".") : []) {
        const inner = newGroup(name, at.path ? `${at.path}.${name}` : name, at);
        at.children.push(inner);
        at = inner;
      }
      at.children.push(node);
      node.group = at;
    }
  // What only one op uses stands at its side: a leaf, or a leaf seen in another shape (W.T)
  const beside = (node, host) => {
    node.host = host;
    host.satellites.push(node);
    node.group = host.group;
  };
  const alone = node =>
    node.users.length === 1 &&
    !(node.users[0].sources[0] === node && node.users[0].sources.every(each => !each || !each.isOp || each.host));
  for (const node of nodes.values()) {
    const [source, ...others] = node.sources.filter(Boolean),
      [host] = node.users;
    if (!node.isOp || !source || others.length || source.isOp || source.users.length > 1 || node.users.length !== 1) continue;
    if (
      !node.module.startsWith(host.module) ||
      !host.sources.some(each => each && each !== node && (each.isOp || !each.parameter) && !each.host)
    )
      continue;
    node.group.children.splice(node.group.children.indexOf(node), 1);
    beside(node, host);
    beside(source, node);
  }
  // What a module computes for itself, as a count of its calls: no gradient comes, and nothing is done with it
  for (const node of nodes.values()) {
    const group = node.group,
      [source, ...others] = node.sources.filter(Boolean);
    if (
      !node.isOp ||
      node.host ||
      !group.path ||
      node.users.length ||
      node.visited !== null ||
      others.length ||
      (source && (source.isOp || source.users.length > 1))
    )
      continue;
    const next = group.children.find(each => each.isOp && each.id > node.id && each.users.length);
    if (!next) continue;
    group.children.splice(group.children.indexOf(node), 1);
    beside(node, next);
    node.loose = true;
    if (source) beside(source, node);
  }
  for (const node of nodes.values())
    if (!node.isOp && !node.host) {
      const users = node.users;
      if (alone(node)) {
        beside(node, users[0]);
        continue;
      }
      let group = users.length && (node.parameter || node.name.includes(".")) ? users[0].group : root;
      for (const user of users) while (!inside(user.group, group)) group = group.parent;
      node.group = group;
      group.children.push(node);
    }
  for (const node of nodes.values())
    node.satellites.sort((a, b) => (a.loose ? 1 : b.loose ? -1 : node.sources.indexOf(a) - node.sources.indexOf(b)));
  simplify(root);
  // "0" says little: layer1.0
  const known = (name, group) => (/^\d/.test(name || "") && group.path ? `${lastPart(group.path)}.${name}` : name);
  (function measure(group) {
    for (const child of group.children) {
      if (child.kind === "group") child.name = known(child.name, group);
      else child.called = known(child.called, group);
    }
    group.all = group.children.flatMap(child => (child.kind === "group" ? measure(child) : withSatellites(child)));
    group.ops = group.all.filter(node => node.isOp).length;
    group.parameters = group.all.filter(node => node.parameter).length;
    group.kept = group.all.reduce((sum, node) => sum + node.kept.reduce((a, b) => a + b.bytes, 0), 0);
    group.born = Math.min(...group.children.map(born));
    group.children.sort((a, b) => born(a) - born(b));
    return group.all;
  })(root);
})();
function withSatellites(node) {
  return [node, ...node.satellites.flatMap(withSatellites)];
}
function inside(group, outer) {
  for (; group; group = group.parent) if (group === outer) return true;
  return false;
}
/* When something came: a leaf just before what first uses it, and a group with the first of its ops. */
function born(item) {
  if (item.kind === "group") return item.born;
  return item.isOp ? item.id : Math.min(...item.users.map(user => user.id)) - 0.5;
}
/* A module of a single op is that op; a module of a single module is drawn as one. */
function simplify(group) {
  group.children = group.children.map(child => {
    if (child.kind !== "group") return child;
    simplify(child);
    if (child.children.length !== 1) return child;
    const only = child.children[0];
    if (only.kind === "group") {
      only.name = `${child.name}.${only.name}`;
      only.parent = group;
      return only;
    }
    only.called = only.called ? `${child.name}.${only.called}` : child.name;
    for (const each of withSatellites(only)) each.group = group;
    return only;
  });
}
const openable = () => {
  const found = [];
  (function walk(group) {
    for (const child of group.children)
      if (child.kind === "group") {
        found.push(child);
        walk(child);
      }
  })(root);
  return found;
};
const GROUPS = openable();
for (const group of GROUPS) {
  let depth = 0;
  for (let g = group.parent; g; g = g.parent) depth++;
  group.depth = depth;
}
const byKey = new Map([...nodes.values(), ...GROUPS].map(item => [item.key, item]));

/* What stands for a node in the drawing: the outermost closed module that it is in, or itself. */
function shownAs(item) {
  let top = item;
  for (let group = item.kind === "group" ? item.parent : item.group; group; group = group.parent)
    if (folded.has(group)) top = group;
  return top;
}
function reveal(item) {
  let changed = false;
  for (let group = item.kind === "group" ? item.parent : item.group; group; group = group.parent)
    changed = folded.delete(group) || changed;
  return changed;
}
/* Open as many levels as can be read at once. */
function foldToFit(limit) {
  for (const group of GROUPS) folded.add(group);
  const shown = () =>
    [...nodes.values()].filter(node => !node.host && shownAs(node) === node).length +
    GROUPS.filter(group => shownAs(group) === group && folded.has(group)).length;
  for (let depth = 1; depth <= Math.max(0, ...GROUPS.map(group => group.depth)); depth++) {
    const level = GROUPS.filter(group => group.depth === depth);
    for (const group of level) folded.delete(group);
    if (shown() > limit && depth > 1) {
      for (const group of level) folded.add(group);
      break;
    }
  }
}
