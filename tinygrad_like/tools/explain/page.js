"use strict";
/* The page of a recorded computation: what happened, drawn, and stepped through.

   words       what the page says, in two languages
   record      the data as they came, and who feeds whom
   modules     a tree of the calls of modules, by the order in which ops ran
   layout      the graph in layers, each open module laid out by itself within that which calls it
   drawing     SVG; what changes with a step are only classes and texts
   panel       all about one thing
   controls    steps, search, zoom, keys

   Text is only ever set as text (textContent, setAttribute): nothing that a module or a source line is called can become markup. */

// ---- words ------------------------------------------------------------------------------------------------------
const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;
const WORDS = {
  en: {
    search: "Search", searchHint: "Search   /", found: "What was found",
    parameters: "Gradients of parameters", largest: "largest gradient", smallest: "smallest gradient",
    modules: "Modules", expand: "open all", collapse: "close all", language: "Language", keys: "Keys  ?",
    graph: "Graph of the computation", panel: "Details", zoom: "Zoom", closer: "Closer (+)", farther: "Farther (−)", fit: "The whole graph (0)",
    stepping: "Steps", first: "First step (Home)", last: "Last step (End)", back: "One step back (←)", forward: "One step forward (→)",
    play: "Play or pause (space)", step: "Step", everything: "show everything", close: "Close",
    all: "Everything is shown, forward and backward. → goes to the first step.",
    stepOf: (i, n) => `Step ${i} of ${n}`, phaseForward: "forward", phaseBackward: "backward",
    comma: ", ", stop: ". ", colon: ": ", start: "The sweep starts here", met: n => `${plural(n, "gradient", "gradients")} met here and ${n === 1 ? "was" : "were"} added`, one: "One gradient arrived",
    sends: "Sent on to", ends: "The sweep ends here", computes: "computes",
    ops: n => plural(n, "op", "ops"), steps: n => plural(n, "step", "steps"), params: n => plural(n, "parameter", "parameters"), numbers: n => `${n} numbers`,
    legendOp: "op", legendParameter: "parameter", legendConstant: "no gradient wanted", legendArrived: "its gradient has arrived", legendCurrent: "this step",
    read: "Each box is an op, or a module that is closed. Lines run down from what was computed first. → and ← step through the forward pass and then backwards through the sweep; a box turns orange when its gradient has arrived. Click a box, or move to it by ↑ and ↓, for its formula, its numbers and its derivatives.",
    lacks: "What could not be seen", kept: "Kept for the backward pass", nothingKept: "Nothing.", anyway: "alive anyway", bytesAll: "in all",
    gradients: "Gradients of the parameters", name: "name", shape: "shape", norm: "norm ‖g‖", none: "none", noParameters: "No parameter has a gradient.",
    formula: "Formula", source: "Source", line: "line", wholeDoc: "The whole docstring", module: "in", options: "Options",
    forwardPart: "Forward", backwardPart: "Backward", from: "from", result: "Result", operands: "Operands", noResult: "The numbers are no longer there.",
    gradientIn: "The gradient that came in", gradientOut: x => `What went out to ${x}`, derivativeOf: x => `Derivative by ${x}`, shared: "Computed once, for several derivatives",
    summed: (a, b) => `Broadcasting undone: shape ${a} was summed to ${b}.`, value: "Value", gradient: "Gradient", arrivals: "What arrived",
    later: n => `Its gradient arrives in step ${n}.`, someLater: (a, n) => `${a} of ${n} gradients have arrived so far.`, noGradient: "No gradient came here.",
    constantNote: "No gradient is wanted here.", notAsked: "nothing was sent: no gradient is wanted there", usedBy: "Used by", calls: "Calls", open: "open", shut: "close", overview: "← overview",
    min: "min", mean: "mean", max: "max", nonfinite: n => `${plural(n, "number is", "numbers are")} not finite`, histogram: "Histogram", scalar: "a number", leaf: "parameter", constant: "constant", absent: "not given", variable: "leaf",
    nothing: "Nothing is called so, and no source line has it.", more: n => `and ${n} more`, matches: n => plural(n, "match", "matches"),
    keyHelp: [["→  ←", "one step forward, back"], ["Home  End", "first step, last step"], ["Space", "play, pause"], ["Esc", "everything again"], ["↑  ↓", "to what it was computed from; to what it is used for"], ["Enter", "open or close the module; details"],
      ["Shift + arrows", "move the graph"], ["+  −  0", "closer, farther, the whole graph"], ["/", "search; ↑ ↓ Enter in what was found"], ["G  S", "the parameter with the largest, the smallest gradient"], ["E  C", "open all modules, close all"], ["L", "English, 中文"], ["Tab", "from control to control"], ["?", "these keys"]],
  },
  zh: {
    search: "搜索", searchHint: "搜索   /", found: "搜索结果",
    parameters: "参数的梯度", largest: "最大梯度", smallest: "最小梯度",
    modules: "模块", expand: "全部展开", collapse: "全部折叠", language: "语言", keys: "按键  ?",
    graph: "计算图", panel: "详细信息", zoom: "缩放", closer: "放大 (+)", farther: "缩小 (−)", fit: "显示全图 (0)",
    stepping: "步进", first: "第一步 (Home)", last: "最后一步 (End)", back: "后退一步 (←)", forward: "前进一步 (→)",
    play: "播放或暂停（空格）", step: "步", everything: "显示全部", close: "关闭",
    all: "现在显示前向与反向的全部内容。按 → 进入第一步。",
    stepOf: (i, n) => `第 ${i} 步，共 ${n} 步`, phaseForward: "前向", phaseBackward: "反向",
    comma: "，", stop: "。", colon: "：", start: "反向传播从这里开始", met: n => `${n} 个梯度在此汇合并相加`, one: "一个梯度到达",
    sends: "继续传给", ends: "反向传播到此结束", computes: "计算得到",
    ops: n => `${n} 个算子`, steps: n => `${n} 步`, params: n => `${n} 个参数`, numbers: n => `${n} 个数`,
    legendOp: "算子", legendParameter: "参数", legendConstant: "不需要梯度", legendArrived: "梯度已到达", legendCurrent: "当前步",
    read: "每个方框是一个算子，或一个折叠的模块。连线自上而下，先计算的在上。按 → 和 ← 逐步走过前向计算，再沿反向传播走回；梯度到达时方框变为橙色。点击方框，或用 ↑ 和 ↓ 移动到它，可查看公式、数值与导数。",
    lacks: "无法看到的内容", kept: "为反向传播保留的内存", nothingKept: "无。", anyway: "本来就在内存中", bytesAll: "总计",
    gradients: "各参数的梯度", name: "名称", shape: "形状", norm: "范数 ‖g‖", none: "无", noParameters: "没有参数得到梯度。",
    formula: "公式", source: "源代码", line: "行", wholeDoc: "完整文档", module: "位于", options: "选项",
    forwardPart: "前向", backwardPart: "反向", from: "来自", result: "结果", operands: "操作数", noResult: "数值已不在内存中。",
    gradientIn: "传入的梯度", gradientOut: x => `传给 ${x} 的梯度`, derivativeOf: x => `对 ${x} 的导数`, shared: "多个导数共用的中间量，只计算一次",
    summed: (a, b) => `还原广播：形状 ${a} 求和为 ${b}。`, value: "数值", gradient: "梯度", arrivals: "到达的梯度",
    later: n => `它的梯度在第 ${n} 步到达。`, someLater: (a, n) => `${n} 个梯度中已到达 ${a} 个。`, noGradient: "没有梯度传到这里。",
    constantNote: "这里不需要梯度。", notAsked: "未传出：那里不需要梯度", usedBy: "用于", calls: "包含", open: "展开", shut: "折叠", overview: "← 总览",
    min: "最小", mean: "平均", max: "最大", nonfinite: n => `有 ${n} 个数不是有限数`, histogram: "直方图", scalar: "标量", leaf: "参数", constant: "常量", absent: "未给出", variable: "叶节点",
    nothing: "没有这样的名称，源代码中也没有。", more: n => `另有 ${n} 项`, matches: n => `${n} 项匹配`,
    keyHelp: [["→  ←", "前进一步，后退一步"], ["Home  End", "第一步，最后一步"], ["空格", "播放，暂停"], ["Esc", "回到显示全部"], ["↑  ↓", "到它的来源；到它的去处"], ["Enter", "展开或折叠模块；查看详细信息"],
      ["Shift + 方向键", "移动图"], ["+  −  0", "放大，缩小，全图"], ["/", "搜索；在结果中用 ↑ ↓ Enter"], ["G  S", "梯度最大、最小的参数"], ["E  C", "展开全部模块，折叠全部模块"], ["L", "English, 中文"], ["Tab", "在控件之间移动"], ["?", "显示这些按键"]],
  },
};
/* What the record says that it lacks, in Chinese. */
const LACKS = [
  [/^the result depends on nothing that wants a gradient/, () => "结果不依赖任何需要梯度的量，因此没有反向传播：请对要求导的张量调用 requires_grad_()。（detach()、no_grad() 或途中的整数会截断历史）"],
  [/^one number to differentiate/, () => "结果不是单个数：反向传播从 g = 1 开始，对结果的每个元素都是如此，相当于对其总和求导"],
  [/^some ops ran before/, () => "有些算子在记录开始之前已经运行：它们的源代码行、所在模块以及未保留的数值都无从得知"],
  [/^the numbers of some ops are gone/, () => "有些算子的数值已不存在：反向传播释放了它们保留的内容。loss.backward(retain_graph=True) 会保留；用 with explain() as page: 包住前向与反向，则全部可见"],
  [/^nothing ran/, () => "没有任何算子运行：请把前向计算和 loss.backward() 放进 with 块中"],
  [/^no backward pass was seen/, () => "没有看到反向传播：请在 with 块中调用 loss.backward()"],
  [/^no gradient came to ([^]*)$/, names => `没有梯度传到 ${names}`],
];
function inWords(text) {
  for (const [pattern, say] of language === "zh" ? LACKS : []) { const found = pattern.exec(text); if (found) return say(found[1]); }
  return text;
}
let language = document.documentElement.lang;
const t = (key, ...about) => typeof WORDS[language][key] === "function" ? WORDS[language][key](...about) : WORDS[language][key];
const $ = id => document.getElementById(id);

/* An element with attributes and children; functions are listeners, children that are no elements become text. */
function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(9).filter(child => child !== null && child !== undefined && child !== false));
  return made;
}
function s(tag, attributes = {}, text = null) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== null) made.textContent = text;
  return made;
}

// ---- numbers ----------------------------------------------------------------------------------------------------
const SPECIAL = { nan: NaN, inf: Infinity, "-inf": -Infinity };
const real = x => typeof x === "string" ? x in SPECIAL ? SPECIAL[x] : NaN : x;         // complex numbers come as text, too
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
const shapeText = shape => shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
const count = shape => shape.reduce((a, b) => a * b, 1);
const lastPart = name => name.includes(".") ? name.slice(name.lastIndexOf(".") + 1) : name;
const bytes = n => n < 1024 ? `${n} B` : n < 2 ** 20 ? `${(n / 1024).toFixed(1)} kB` : `${(n / 2 ** 20).toFixed(1)} MB`;

// ---- record -----------------------------------------------------------------------------------------------------
const data = JSON.parse($("data").textContent);
const nodes = new Map(data.nodes.map(node => [node.id, Object.assign(node, data.ops[node.about] || {})]));
const steps = data.steps;
const parameters = data.parameters.map(each => Object.assign(each, { of: nodes.get(each.node) }));
for (const node of nodes.values()) Object.assign(node, {
  key: `n${node.id}`, isOp: node.op !== "leaf" && node.op !== "constant", sources: node.parents.map(id => id === null ? null : nodes.get(id) || null),
  users: [], satellites: [], host: null, group: null, ran: -1, visited: null, arrivals: [],
});
for (const node of nodes.values()) for (const source of new Set(node.sources)) if (source) source.users.push(node);
steps.forEach((step, i) => {
  const node = nodes.get(step.node);
  if (step.phase === "forward") { node.ran = i; return; }
  node.visited = i;
  for (const to of step.to) if (nodes.has(to.node)) nodes.get(to.node).arrivals.push({ step: i, from: node, ...to });
});
for (const each of parameters) if (each.of) each.of.parameter = each;
const ofKind = node => node.isOp ? node.op : node.op === "constant" ? t("constant") : node.parameter ? t("leaf") : t("variable");
const label = node => node.isOp ? node.op : node.name || node.op;

/* What is known of the gradient of a node when step `at` is done (null: when all are). */
function gradientOf(node, at) {
  const arrived = node.arrivals.filter(each => at === null || each.step <= at).length, all = node.arrivals.length;
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
   a module again and again are groups of their own; and as each is an interval of the order of births, no two depend on each other. */
const groups = [];
function newGroup(name, path, parent) {
  const group = { kind: "group", key: `g${groups.length}`, name, path, parent, children: [], ops: 0, depth: parent ? parent.depth + 1 : 0 };
  groups.push(group);
  return group;
}
const root = newGroup("", "", null);
const folded = new Set();
(function buildTree() {
  let at = root;
  const within = (group, path) => group === root || path === group.path || path.startsWith(group.path + ".");
  for (const node of nodes.values()) if (node.isOp) {
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
  const beside = (node, host) => { node.host = host; host.satellites.push(node); node.group = host.group; };
  const alone = node => node.users.length === 1 && !(node.users[0].sources[0] === node && node.users[0].sources.every(each => !each || !each.isOp || each.host));
  for (const node of nodes.values()) {
    const [source, ...others] = node.sources.filter(Boolean), [host] = node.users;
    if (!node.isOp || !source || others.length || source.isOp || source.users.length > 1 || node.users.length !== 1) continue;
    if (!node.module.startsWith(host.module) || !host.sources.some(each => each && each !== node && (each.isOp || !each.parameter) && !each.host)) continue;
    node.group.children.splice(node.group.children.indexOf(node), 1);
    beside(node, host);
    beside(source, node);
  }
  // What a module computes for itself, as a count of its calls: no gradient comes, and nothing is done with it
  for (const node of nodes.values()) {
    const group = node.group, [source, ...others] = node.sources.filter(Boolean);
    if (!node.isOp || node.host || !group.path || node.users.length || node.visited !== null || others.length || source && (source.isOp || source.users.length > 1)) continue;
    const next = group.children.find(each => each.isOp && each.id > node.id && each.users.length);
    if (!next) continue;
    group.children.splice(group.children.indexOf(node), 1);
    beside(node, next);
    node.loose = true;
    if (source) beside(source, node);
  }
  for (const node of nodes.values()) if (!node.isOp && !node.host) {
    const users = node.users;
    if (alone(node)) { beside(node, users[0]); continue; }
    let group = users.length && (node.parameter || node.name.includes(".")) ? users[0].group : root;
    for (const user of users) while (!inside(user.group, group)) group = group.parent;
    node.group = group;
    group.children.push(node);
  }
  for (const node of nodes.values()) node.satellites.sort((a, b) => a.loose ? 1 : b.loose ? -1 : node.sources.indexOf(a) - node.sources.indexOf(b));
  simplify(root);
  const known = (name, group) => /^\d/.test(name || "") && group.path ? `${lastPart(group.path)}.${name}` : name;      // "0" says little: layer1.0
  (function measure(group) {
    for (const child of group.children) {
      if (child.kind === "group") child.name = known(child.name, group);
      else child.called = known(child.called, group);
    }
    group.all = group.children.flatMap(child => child.kind === "group" ? measure(child) : withSatellites(child));
    group.ops = group.all.filter(node => node.isOp).length;
    group.parameters = group.all.filter(node => node.parameter).length;
    group.kept = group.all.reduce((sum, node) => sum + node.kept.reduce((a, b) => a + b.bytes, 0), 0);
    group.children.sort((a, b) => born(a) - born(b));
    return group.all;
  })(root);
})();
function withSatellites(node) { return [node, ...node.satellites.flatMap(withSatellites)]; }
function inside(group, outer) { for (; group; group = group.parent) if (group === outer) return true; return false; }
function born(item) {                                           // a leaf belongs just before what first uses it
  if (item.kind === "group") return Math.min(...item.all.filter(node => node.isOp).map(node => node.id));
  return item.isOp ? item.id : Math.min(...item.users.map(user => user.id)) - 0.5;
}
/* A module of a single op is that op; a module of a single module is drawn as one. */
function simplify(group) {
  group.children = group.children.map(child => {
    if (child.kind !== "group") return child;
    simplify(child);
    if (child.children.length !== 1) return child;
    const only = child.children[0];
    if (only.kind === "group") { only.name = `${child.name}.${only.name}`; only.parent = group; return only; }
    only.called = only.called ? `${child.name}.${only.called}` : child.name;
    for (const each of withSatellites(only)) each.group = group;
    return only;
  });
}
const openable = () => { const found = []; (function walk(group) { for (const child of group.children) if (child.kind === "group") { found.push(child); walk(child); } })(root); return found; };
const GROUPS = openable();
for (const group of GROUPS) { let depth = 0; for (let g = group.parent; g; g = g.parent) depth++; group.depth = depth; }
const byKey = new Map([...nodes.values(), ...GROUPS].map(item => [item.key, item]));

/* What stands for a node in the drawing: the outermost closed module that it is in, or itself. */
function shownAs(item) {
  let top = item;
  for (let group = item.kind === "group" ? item.parent : item.group; group; group = group.parent) if (folded.has(group)) top = group;
  return top;
}
function reveal(item) {
  let changed = false;
  for (let group = item.kind === "group" ? item.parent : item.group; group; group = group.parent) changed = folded.delete(group) || changed;
  return changed;
}
/* Open as many levels as can be read at once. */
function foldToFit(limit) {
  for (const group of GROUPS) folded.add(group);
  const shown = () => [...nodes.values()].filter(node => !node.host && shownAs(node) === node).length + GROUPS.filter(group => shownAs(group) === group && folded.has(group)).length;
  for (let depth = 1; depth <= Math.max(0, ...GROUPS.map(group => group.depth)); depth++) {
    const level = GROUPS.filter(group => group.depth === depth);
    for (const group of level) folded.delete(group);
    if (shown() > limit && depth > 1) { for (const group of level) folded.add(group); break; }
  }
}

// ---- layout -----------------------------------------------------------------------------------------------------
const GAP = { x: 26, thin: 16, y: 30, title: 34, side: 14, bottom: 16 };
const pencil = document.createElement("canvas").getContext("2d");
const widths = new Map();
function width(text, font) {
  const key = font + text;
  if (!widths.has(key)) { pencil.font = font; widths.set(key, pencil.measureText(text).width); }
  return widths.get(key);
}
const FONT = { name: "600 13px system-ui, sans-serif", of: "11.5px system-ui, sans-serif", small: "11px ui-monospace, monospace", leaf: "500 12px system-ui, sans-serif" };
const G_WIDTH = 84;                                             // room for "‖g‖ 1.23e-4"
const clipped = (text, n) => text.length > n ? text.slice(0, n - 1) + "…" : text;

function sizeOf(node) {
  node.title = clipped(node.isOp ? node.op : node.host ? lastPart(node.name) || node.op : node.name || node.op, 40);
  node.by = node.isOp ? clipped([node.called, node.name && `→ ${node.name}`].filter(Boolean).join("  "), 36) : "";
  node.small = shapeText(node.shape);
  const wantsRoom = node.arrivals.length || node.visited !== null ? G_WIDTH + (node.arrivals.length > 1 ? 8 + 7 * String(node.arrivals.length).length : 0) : 0;
  if (node.host && node.isOp) node.small = node.by = "";
  if (node.host || !node.isOp) {
    node.w = Math.ceil(width(node.title, FONT.leaf) + 8 + width(node.small, FONT.small) + wantsRoom + 20);
    node.h = node.host ? 26 : 30;
  } else {
    const first = width(node.title, FONT.name) + (node.by ? 8 + width(node.by, FONT.of) : 0);
    node.w = Math.ceil(Math.max(first, width(node.small, FONT.small) + wantsRoom, 92) + 24);
    node.h = 44;
  }
}
for (const node of nodes.values()) sizeOf(node);

/* A node and the leaves that only it uses, as one thing to place: the leaves in a column at its left. */
function boxOf(node) {
  const column = Math.max(0, ...node.satellites.map(each => each.w + (each.satellites.length ? each.satellites[0].w + 24 : 0)));
  const high = node.satellites.length * 31 - 5;
  return { w: node.w + (column ? column + 24 : 0), h: Math.max(node.h, high), left: column ? column + 24 : 0, column, high };
}

let drawn = { edges: [] };
function layout() {
  for (const group of [root, ...GROUPS]) Object.assign(group, { links: new Map(), ins: new Map(), outs: new Map() });
  const edges = new Map();
  const port = (group, side, node) => {
    const ports = group[side];
    if (!ports.has(node)) ports.set(node, { kind: side, key: `${side}${group.key}.${node.id}`, w: 0, h: 0 });
    return ports.get(node);
  };
  const link = (group, from, to, node) => {
    const key = `${from.key}|${to.key}|${node.id}`;
    if (!group.links.has(key)) group.links.set(key, { from, to, node });
    return group.links.get(key);
  };
  const holder = item => item.kind === "group" ? item.parent : item.group;
  for (const node of nodes.values()) for (const source of new Set(node.sources)) {
    if (!source || source.host) continue;
    const a = shownAs(source), b = shownAs(node);
    if (a === b) continue;
    let at = a, group = holder(a);
    const path = [], down = [];
    let common = holder(b);
    while (!inside(group, common)) { down.unshift(common); common = common.parent; }
    while (group !== common) { path.push(link(group, at, port(group, "outs", source), source)); at = group; group = group.parent; }
    for (const inner of down) { path.push(link(group, at, inner, source)); at = port(inner, "ins", source); group = inner; }
    path.push(link(group, at, b, source));
    const key = `${a.key}>${b.key}>${source.id}`;
    if (!edges.has(key)) edges.set(key, { key, source, to: [], a, b, path });
    edges.get(key).to.push(node);
  }
  place(root);
  const items = [];
  (function settle(group, x, y) {
    group.x = x; group.y = y;
    for (const item of group.placed) {
      item.X = x + item.x; item.Y = y + item.y;
      if (item.kind === "group" && !folded.has(item)) { items.push(item); settle(item, item.X, item.Y); item.x = item.X; item.y = item.Y; } else if (item.key[0] === "n" || item.kind === "group") items.push(item);
    }
    for (const each of group.links.values()) each.points = each.points.map(([px, py]) => [px + x, py + y]);
  })(root, 0, 0);
  drawn = { items, edges: [...edges.values()] };
}

/* Where a line enters and leaves, from the left of the item: at a port of an open module, else in the middle. */
const isPoint = item => item.kind === "ins" || item.kind === "outs" || item.kind === "bend";
const portX = (item, side, node) => isPoint(item) ? 0 : item.kind === "group" && !folded.has(item) ? item[side].get(node).x : item.box.left + item.w / 2;
/* Several lines enter side by side, in the order in which they come; one that comes straight from above stays in the middle. */
function sideBySide(item, links, from) {
  const middle = item.x + item.box.left + item.w / 2, x = each => from(each), sorted = [...links].sort((a, b) => x(a) - x(b));
  const straight = sorted.findIndex(each => Math.abs(x(each) - middle) < 1);
  sorted.forEach((each, i) => {
    const before = straight < 0 ? 0 : straight, after = sorted.length - 1 - before;
    if (straight < 0) each.enters = item.box.left + item.w * (i + 1) / (sorted.length + 1);
    else each.enters = item.box.left + item.w / 2 * (1 + (i < straight ? (i - before) / (before + 1) : i > straight ? (i - straight) / (after + 1) : 0));
  });
}

/* Place what is directly in a group: layers by the longest way from the top, an order within each that crosses few lines,
   and then positions as near as can be to what each is connected with. */
function place(group) {
  const links = [...group.links.values()];
  for (const item of group.children) {
    if (item.kind !== "group") { item.box = boxOf(item); continue; }
    if (!folded.has(item)) { place(item); continue; }
    item.title = clipped(item.name, 40);
    item.small = `${t("ops", item.ops)}${item.parameters ? ` · ${t("params", item.parameters)}` : ""}`;
    item.w = Math.ceil(Math.max(width(item.title, FONT.name) + 26, width(item.small, FONT.of), 100) + 24);
    item.h = 46;
    item.box = { w: item.w, h: item.h + 4, left: 0 };
  }
  // layers
  const ins = [...group.ins.values()], outs = [...group.outs.values()], items = [...ins, ...group.children, ...outs];
  const after = new Map(items.map(item => [item, []])), before = new Map(items.map(item => [item, []]));
  for (const each of links) { after.get(each.from).push(each); before.get(each.to).push(each); }
  const rank = new Map(items.map(item => [item, ins.length && item.kind !== "ins" ? 1 : 0]));
  for (const item of items) for (const each of after.get(item)) rank.set(each.to, Math.max(rank.get(each.to), rank.get(item) + 1));
  const early = item => item.kind !== "ins" && after.get(item).length && before.get(item).every(each => each.from.kind === "ins" || each.from.op === "constant");
  for (const item of [...items].reverse()) if (early(item))     // what hangs on nothing above stands near what uses it
    rank.set(item, Math.max(rank.get(item), Math.min(...after.get(item).map(each => rank.get(each.to))) - 1));
  const last = Math.max(0, ...group.children.map(item => rank.get(item))) + 1;
  for (const item of outs) rank.set(item, last);
  const layers = Array.from({ length: outs.length ? last + 1 : last }, () => []);
  for (const item of items) layers[rank.get(item)].push(item);
  // a line over several layers bends in each, unless that makes too many bends
  let bends = links.reduce((sum, each) => sum + rank.get(each.to) - rank.get(each.from) - 1, 0);
  const longest = bends > 6000 ? 8 : Infinity;
  const near = new Map(), joined = (a, b, ax, bx, weight) => {
    near.get(a).down.push({ other: b, own: ax, its: bx, weight });
    near.get(b).up.push({ other: a, own: bx, its: ax, weight });
  };
  for (const item of items) near.set(item, { up: [], down: [] });
  for (const each of links) {
    const from = rank.get(each.from), to = rank.get(each.to);
    each.chain = [each.from];
    if (to - from <= longest) for (let r = from + 1; r < to; r++) {
      const bend = { kind: "bend", key: "", w: 0, h: 0, rank: r };
      near.set(bend, { up: [], down: [] });
      layers[r].push(bend);
      each.chain.push(bend);
    }
    each.chain.push(each.to);
    if (to - from > longest) continue;
    for (let i = 1; i < each.chain.length; i++) {
      const a = each.chain[i - 1], b = each.chain[i], weight = a.kind === "bend" && b.kind === "bend" ? 6 : a.kind === "bend" || b.kind === "bend" ? 1 : 2;
      joined(a, b, portX(a, "outs", each.node), portX(b, "ins", each.node), weight);
    }
  }
  // order
  const wide = item => item.kind === "group" && !folded.has(item) ? item.w : item.box ? item.box.w : item.w;
  const high = item => item.kind === "group" && !folded.has(item) ? item.h : item.box ? item.box.h : item.h;
  const order = new Map();
  const number = layer => layer.forEach((item, i) => order.set(item, i));
  layers.forEach(number);
  if (layers.some(layer => layer.length > 1)) for (let round = 0; round < 6; round++) for (let i = 0; i < layers.length; i++) {
    const layer = layers[round % 2 ? layers.length - 1 - i : i], side = round % 2 ? "down" : "up";
    if (layer.length < 2) continue;
    const at = new Map(layer.map(item => {
      const ones = near.get(item)[side];
      return [item, ones.length ? ones.reduce((sum, one) => sum + order.get(one.other) + one.its / (wide(one.other) + 1), 0) / ones.length : order.get(item)];
    }));
    layer.sort((a, b) => at.get(a) - at.get(b));
    number(layer);
  }
  // positions
  const gap = (a, b) => a.kind === "bend" || b.kind === "bend" || !a.box || !b.box ? GAP.thin : GAP.x;
  const x = straight(layers, near, order, wide, gap);
  // sizes
  const all = layers.flat();
  const low = all.reduce((least, item) => Math.min(least, x.get(item)), Infinity);
  const side = group === root ? 0 : GAP.side;
  for (const item of all) item.x = x.get(item) - low + side;
  const titled = group === root ? 0 : width(group.name, FONT.name) + 60;
  group.w = Math.max(titled, all.reduce((most, item) => Math.max(most, item.x + wide(item)), 0) + side);
  const rows = [];
  let y = group === root ? 0 : GAP.title;
  layers.forEach((layer, r) => {
    if (r === 0 && ins.length) { rows.push([0, 0]); return; }
    if (r === last && outs.length) { rows.push([y - GAP.y + GAP.bottom, 0]); return; }
    const tall = layer.reduce((most, item) => Math.max(most, high(item)), 0);
    rows.push([y, tall]);
    y += tall + GAP.y + Math.min(30, Math.max(0, layer.length - 3) * 3);
  });
  group.h = y - GAP.y + (group === root ? 0 : GAP.bottom);
  if (outs.length) rows[last] = [group.h, 0];
  layers.forEach((layer, r) => { for (const item of layer) item.y = rows[r][0] + (rows[r][1] - high(item)) / 2; });
  group.placed = group.children;
  for (const item of group.children) if ((item.kind !== "group" || folded.has(item)) && before.get(item).length > 1)
    sideBySide(item, before.get(item), each => { const last = each.chain[each.chain.length - 2]; return last.x + portX(last, "outs", each.node); });
  for (const each of links) {
    const points = each.chain.map((item, i) => {
      const [top, tall] = item.kind === "bend" ? rows[item.rank] : [item.y, high(item)];
      const own = item.kind !== "group" && item.box ? (item.box.h - item.h) / 2 : 0, [row, rowTall] = item.kind === "bend" ? [0, 0] : rows[rank.get(item)];
      if (i === 0) {                                            // straight down beside what is taller, and only then aside
        const x = item.x + portX(item, "outs", each.node), y = top + tall - own;
        return row + rowTall > y + 1 ? [[x, y], [x, row + rowTall]] : [[x, y]];
      }
      if (i === each.chain.length - 1) {
        const x = item.x + (each.enters === undefined ? portX(item, "ins", each.node) : each.enters), y = top + own;
        return row < y - 1 ? [[x, row], [x, y]] : [[x, y]];
      }
      return tall > 1 ? [[item.x, top], [item.x, top + tall]] : [[item.x, top]];
    });
    each.points = points.flat();
  }
}
/* Where each thing of each layer stands, from the left.  Lines are made straight first: two things of neighbouring layers that are
   joined become parts of one block, bends before all, then what is in the middle; lines of different blocks do not cross.  Then
   blocks move, as far as their neighbours let them, to where their other lines are shortest.  (After Brandes and Köpf 2001.) */
function straight(layers, near, order, wide, gap) {
  const joints = [], up = new Map(), down = new Map();
  layers.forEach((layer, r) => layer.forEach(a => {
    const ones = [...near.get(a).down].sort((p, q) => order.get(p.other) - order.get(q.other) || p.its - q.its);
    ones.forEach((one, i) => {
      const back = near.get(one.other).up, j = [...back].sort((p, q) => order.get(p.other) - order.get(q.other) || p.its - q.its).findIndex(each => each.other === a);
      const bends = (a.kind === "bend") + (one.other.kind === "bend");
      joints.push({ a, b: one.other, r, shift: one.own - one.its, first: [1, 2, 0][bends], off: Math.abs(i - (ones.length - 1) / 2) + Math.abs(j - (back.length - 1) / 2) });
    });
  }));
  joints.sort((p, q) => p.first - q.first || p.off - q.off);
  const taken = layers.map(() => []);
  for (const { a, b, r, shift } of joints) {
    const i = order.get(a), j = order.get(b);
    if (down.has(a) || up.has(b) || taken[r].some(([p, q]) => (p - i) * (q - j) < 0)) continue;
    taken[r].push([i, j]);
    down.set(a, b);
    up.set(b, { a, shift });
  }
  const blocks = [], blockOf = new Map();
  for (const layer of layers) for (const item of layer) {
    const above = up.get(item), block = above ? blockOf.get(above.a) : { members: [], x: 0 };
    if (!above) blocks.push(block);
    block.members.push({ item, shift: above ? block.members[block.members.length - 1].shift + above.shift : 0 });
    blockOf.set(item, block);
  }
  const shiftOf = new Map(blocks.flatMap(block => block.members.map(({ item, shift }) => [item, shift])));
  for (const block of blocks) { block.left = []; block.right = []; block.pulls = []; }
  for (const layer of layers) for (let i = 1; i < layer.length; i++) {
    const a = layer[i - 1], b = layer[i], space = shiftOf.get(a) + wide(a) + gap(a, b) - shiftOf.get(b);
    blockOf.get(b).left.push({ block: blockOf.get(a), space });
    blockOf.get(a).right.push({ block: blockOf.get(b), space });
  }
  for (const block of blocks) for (const { item, shift } of block.members) for (const side of ["up", "down"]) for (const one of near.get(item)[side])
    if (blockOf.get(one.other) !== block) block.pulls.push({ block: blockOf.get(one.other), by: shiftOf.get(one.other) + one.its - shift - one.own, weight: one.weight });
  // as far left as can be, from left to right
  const waiting = new Map(blocks.map(block => [block, block.left.length])), sorted = blocks.filter(block => !block.left.length);
  for (const block of sorted) for (const { block: other, space } of block.right) {
    other.x = Math.max(other.x, block.x + space);
    waiting.set(other, waiting.get(other) - 1);
    if (!waiting.get(other)) sorted.push(other);
  }
  for (let round = 0; round < 8; round++) for (const block of round % 2 ? sorted : [...sorted].reverse()) {
    if (!block.pulls.length) continue;
    const weights = block.pulls.reduce((sum, one) => sum + one.weight, 0), wish = block.pulls.reduce((sum, one) => sum + one.weight * (one.block.x + one.by), 0) / weights;
    const low = block.left.reduce((most, one) => Math.max(most, one.block.x + one.space), -Infinity), high = block.right.reduce((least, one) => Math.min(least, one.block.x - one.space), Infinity);
    block.x = Math.max(low, Math.min(high, wish));
  }
  return new Map([...blockOf].map(([item, block]) => [item, block.x + shiftOf.get(item)]));
}
function curve(points) {
  let path = `M${points[0][0].toFixed(1)} ${points[0][1].toFixed(1)}`;
  for (let i = 1; i < points.length; i++) {
    const [x0, y0] = points[i - 1], [x1, y1] = points[i], middle = ((y0 + y1) / 2).toFixed(1);
    path += Math.abs(x0 - x1) < 0.6 ? `L${x1.toFixed(1)} ${y1.toFixed(1)}` : `C${x0.toFixed(1)} ${middle} ${x1.toFixed(1)} ${middle} ${x1.toFixed(1)} ${y1.toFixed(1)}`;
  }
  return path;
}

// ---- drawing ----------------------------------------------------------------------------------------------------
let at = null;                                                  // the step that is shown; null: everything
let selected = null;                                            // a node or a group, or nothing
let matches = new Set();                                        // what the search found
const elements = new Map();                                     // key: what is drawn for it
const lines = [];

function draw() {
  layout();
  elements.clear();
  lines.length = 0;
  const boxes = document.createDocumentFragment(), edges = document.createDocumentFragment(), front = document.createDocumentFragment();
  for (const edge of drawn.edges) {
    const points = edge.path.flatMap((each, i) => i ? each.points.slice(1) : each.points);
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
      const x = item.X + item.box.left, y = item.Y + (item.box.h - item.h) / 2;
      item.satellites.forEach((each, i) => {
        const left = item.X + item.box.column - each.w, top = item.Y + (item.box.h - item.box.high) / 2 + i * 31;
        const end = y + item.h * (i + 1) / (item.satellites.length + 1), start = left + each.w, middle = start + 12;
        const line = (source, to, d) => { lines.push({ source, to: [to], line: s("path", { class: "edge", d }) }); edges.append(lines[lines.length - 1].line); };
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
  const two = node.isOp && !node.host, low = two ? 18 : node.h / 2 + 4.5;                // lines of text
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
  const g = s("g", { class: "node folded", "data-key": group.key, tabindex: -1, role: "button", "aria-expanded": "false", transform: `translate(${group.X} ${group.Y})` });
  g.append(s("rect", { class: "under", x: 5, y: 5, width: group.w - 1, height: group.h, rx: 9 }), s("rect", { class: "box", width: group.w, height: group.h, rx: 9 }), sign(group, 10, 8, true));
  g.append(s("text", { class: "name", x: 30, y: 19 }, group.title));
  const small = s("text", { class: "of", x: 11, y: 37 }, group.small);
  g.append(small);
  elements.set(group.key, { g, small, item: group, base: "node folded" });
  group.centre = [group.X + group.w / 2, group.Y + group.h / 2];
  return g;
}
function drawTitle(group) {
  const g = s("g", { class: "group", "data-key": group.key, tabindex: -1, role: "button", "aria-expanded": "true", transform: `translate(${group.X} ${group.Y})` });
  g.append(s("rect", { class: "box", width: width(group.name, FONT.name) + 36, height: 26, rx: 10 }), sign(group, 7, 6, false), s("text", { class: "name", x: 28, y: 17 }, group.name));
  elements.set(group.key, { g, item: group, base: "group" });
  group.centre = [group.X + 40, group.Y + 12];
  return g;
}
function sign(group, x, y, closed) {                            // + or −
  const g = s("g", { class: "toggle", transform: `translate(${x} ${y})` });
  g.append(s("rect", { class: "fold", width: 14, height: 14, rx: 3 }), s("path", { class: "sign", d: closed ? "M3.5 7h7M7 3.5v7" : "M3.5 7h7" }));
  return g;
}

/* Classes and texts for the step, the selection and the search; what stays as it was is not touched. */
function update() {
  const step = at === null ? null : steps[at];
  const current = step ? shownAs(nodes.get(step.node)) : null;
  const set = (element, name) => { if (element.getAttribute("class") !== name) element.setAttribute("class", name); };
  const say = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const hits = new Set([...matches].map(shownAs));
  const focused = focusItem();
  for (const { g, gradient, small, item, base } of elements.values()) {
    let name = base;
    const isGroup = item.kind === "group", open = isGroup && !folded.has(item);
    if (isGroup && !open) {
      const done = item.all.filter(node => node.isOp && (at === null || (step.phase === "forward" ? node.ran <= at : node.visited !== null && node.visited <= at))).length;
      const started = at === null || item.all.some(node => node.isOp && node.ran <= at);
      if (!started) name += " waits";
      if (at !== null && step.phase === "backward" && done === item.ops) name += " arrived";
      const inThis = at !== null && item === current;
      say(small, inThis ? `${clipped(label(nodes.get(step.node)), 16)} · ${done}/${item.ops}` : item.small);
    } else if (!isGroup) {
      const known = gradientOf(item, at);
      if (at !== null && (item.isOp ? item.ran : Math.min(...item.users.map(user => user.ran))) > at) name += " waits";
      if (known.complete && at !== null) name += " arrived";
      if ((item.value && item.value.nonfinite) || (known.complete && known.norm !== null && !Number.isFinite(real(known.norm)))) name += " nonfinite";
      say(gradient, known.complete ? (known.norm === null ? "g" : `‖g‖ ${short(known.norm, 3)}`) + (known.all > 1 ? ` Σ${known.all}` : "") : known.arrived ? `${known.arrived}/${known.all}` : "");
    }
    if (item === selected) name += " selected";
    if (item === current) name += " current";
    if (hits.has(item)) name += " found";
    if (isGroup && tiny(item)) name += " tiny";
    set(g, name);
    if (item === current) g.setAttribute("aria-current", "step"); else g.removeAttribute("aria-current");
    g.setAttribute("aria-label", spoken(item));
    g.setAttribute("tabindex", item === focused ? 0 : -1);
  }
  for (const { line, source, to } of lines) {
    let name = "edge";
    const backward = to.some(node => node.visited !== null && (at === null || node.visited <= at) && steps[node.visited].to.some(each => each.node === source.id));
    if (backward && at !== null) name += " arrived";
    if (step && to.some(node => node.id === step.node)) {
      if (step.phase === "forward") name += " flow";
      else if (step.to.some(each => each.node === source.id)) name += " flow up";
    } else if (at !== null && !backward && to.every(node => node.ran > at)) name += " waits";
    set(line, name);
  }
}
function tiny(group) {                                          // on the screen there is no room for its name
  return group.h * eye.k < 22 || (group.parent !== root && (group.Y - group.parent.Y) * eye.k < 13);
}
function spoken(item) {
  if (item.kind === "group") return `${item.path}: ${t("ops", item.ops)}`;
  const known = gradientOf(item, at);
  return [item.isOp ? item.op : `${ofKind(item)} ${item.name}`, item.called, shapeText(item.shape), item.module && `${t("module")} ${item.module}`,
    known.complete && known.norm !== null && `${t("gradient")} ${short(known.norm, 3)}`].filter(Boolean).join(", ");
}
/* Of all that is drawn, Tab reaches one thing: what is selected, or the first. */
function focusItem() {
  if (selected && elements.has(shownAs(selected).key)) return shownAs(selected);
  if (selected && selected.host && elements.has(selected.key)) return selected;
  const first = elements.values().next().value;
  return first ? first.item : null;
}

// ---- where one looks --------------------------------------------------------------------------------------------
const eye = { x: 0, y: 0, k: 1 };
function look() {
  $("view").setAttribute("transform", `translate(${eye.x} ${eye.y}) scale(${eye.k})`);
  const k = eye.k.toFixed(4);
  if (look.k !== k || look.of !== drawn) {                      // names of modules stay as large as they are, where there is room
    look.k = k; look.of = drawn;
    $("drawing").style.setProperty("--k", k);
    for (const { g, item } of elements.values()) if (item.kind === "group") g.classList.toggle("tiny", tiny(item));
  }
  const distance = eye.k < 0.22 ? "far farther" : eye.k < 0.5 ? "far" : "";
  if ($("drawing").getAttribute("class") !== distance) $("drawing").setAttribute("class", distance);
}
function screen() { const box = $("graph").getBoundingClientRect(); return [box.width, box.height]; }
function fit(whole = true) {
  const [w, h] = screen(), margin = 36;
  let k = Math.min((w - 2 * margin) / Math.max(1, root.w), (h - 2 * margin) / Math.max(1, root.h), 1.4);
  if (!whole && k < 0.75) k = Math.min(1, Math.max(0.75, (w - 2 * margin) / root.w));    // to begin with, letters that can be read
  eye.k = Math.max(k, 0.005);
  eye.x = (w - root.w * eye.k) / 2;
  eye.y = root.h * eye.k < h - 2 * margin ? (h - root.h * eye.k) / 2 : margin;
  if (root.w * eye.k > w && !whole) { const first = drawn.items.find(item => item.centre); if (first) eye.x = w / 2 - first.centre[0] * eye.k; }
  look();
}
function zoom(by, x = null, y = null) {
  const [w, h] = screen();
  if (x === null) { x = w / 2; y = h / 2; }
  const k = Math.min(4, Math.max(0.01, eye.k * by));
  eye.x = x - (x - eye.x) * k / eye.k;
  eye.y = y - (y - eye.y) * k / eye.k;
  eye.k = k;
  look();
}
/* Bring something into sight, and near enough to be read if it is far. */
function show(item, near = false) {
  const place = (item.host && !folded.size ? item : shownAs(item)).centre || (item.host && item.host.centre);
  if (!place) return;
  const [w, h] = screen();
  if (near && eye.k < 0.6) { eye.k = 0.9; eye.x = w / 2 - place[0] * eye.k; eye.y = h / 2 - place[1] * eye.k; }
  const x = place[0] * eye.k + eye.x, y = place[1] * eye.k + eye.y, side = Math.min(110, w / 4), edge = Math.min(70, h / 4);
  if (x < side || x > w - side) eye.x += w / 2 - x;
  if (y < edge || y > h - edge) eye.y += h / 2 - y;
  look();
}

// ---- panel ------------------------------------------------------------------------------------------------------
const goTo = (item, text = null) => h("button", { type: "button", class: "link", "data-go": item.key }, text || (item.kind === "group" ? item.path : nameOf(item)));
const nameOf = node => node.isOp ? [node.op, node.called, node.name && `→ ${node.name}`].filter(Boolean).join(" ") : node.name || node.op;
const goToStep = (i, text) => h("button", { type: "button", class: "link", "data-step": i }, text);

function numbersOf(summary, what) {
  const isNumber = Array.isArray(summary.numbers) ? false : summary.numbers !== null && summary.numbers !== undefined;
  const parts = [h("div", { class: "facts mono" }, h("span", {}, summary.shape.length ? shapeText(summary.shape) : t("scalar")), h("span", {}, summary.dtype),
    summary.nonfinite ? h("span", { class: "bad" }, t("nonfinite", summary.nonfinite)) : null)];
  if (isNumber) parts.push(h("div", { class: "scroll" }, table([[summary.numbers]])));
  else {
    if (summary.numbers) parts.push(...slices(summary.numbers, summary.shape));
    if (count(summary.shape) > 1) {
      parts.push(h("dl", { class: "stats" }, ["min", "mean", "max", "norm"].map(key => h("div", {}, h("dt", {}, key === "norm" ? "‖·‖" : t(key)), h("dd", { title: String(summary[key]), "data-stat": key }, short(summary[key]))))));
      if (!summary.numbers) parts.push(histogram(summary));
    }
  }
  return h("div", { class: "summary", "data-summary": what }, parts);
}
function slices(numbers, shape) {                               // tables of two axes, one for each index of those before
  if (!count(shape)) return [];
  const long = shape.filter(n => n > 1);
  if (shape.length > 2 && long.length < 3) {                    // (1, 16, 1, 1): a row
    const flat = numbers.flat(9), columns = long.length ? long[long.length - 1] : 1, rows = Array.from({ length: flat.length / columns }, (_, i) => flat.slice(i * columns, (i + 1) * columns));
    return [h("div", { class: "scroll" }, h("span", { class: "place mono" }, `[${shape.map(n => n > 1 ? ":" : "0").join(", ")}]`), table(rows))];
  }
  if (shape.length <= 1) return [h("div", { class: "scroll" }, table([numbers]))];
  if (shape.length === 2) return [h("div", { class: "scroll" }, table(numbers))];
  const parts = [];
  (function walk(part, index) {
    if (index.length === shape.length - 2) { parts.push(h("div", { class: "scroll" }, h("span", { class: "place mono" }, `[${index.join(", ")}, :, :]`), table(part))); return; }
    part.forEach((each, i) => walk(each, [...index, i]));
  })(numbers, []);
  return parts;
}
function table(rows) {
  const flat = rows.flat().map(real).filter(Number.isFinite), most = Math.max(1e-300, ...flat.map(Math.abs));
  return h("table", { class: "numbers" }, rows.map(row => h("tr", {}, row.map(x => {
    const value = real(x), cell = h("td", { title: String(x) }, short(x, 4));
    if (!Number.isFinite(value)) cell.className = "bad";
    else if (value !== 0) cell.style.background = `rgba(var(--${value > 0 ? "positive" : "negative"}), ${(0.4 * Math.abs(value) / most).toFixed(3)})`;
    return cell;
  }))));
}
function histogram(summary) {
  const bars = summary.histogram || [], most = Math.max(1, ...bars);
  const picture = s("svg", { class: "histogram", viewBox: `0 0 ${bars.length * 10} 44`, preserveAspectRatio: "none", role: "img", "aria-label": `${t("histogram")}: ${bars.join(", ")}` });
  bars.forEach((n, i) => picture.append(s("rect", { x: i * 10 + 0.5, width: 9, y: 44 - 43 * n / most, height: 43 * n / most })));
  return picture;
}
const heading = (text, kind = "", extra = null) => h("h3", { class: kind }, h("span", {}, text), extra);

function fill() {
  const panel = $("panel"), parts = selected === null ? overview() : selected.kind === "group" ? aboutGroup(selected) : selected.isOp ? aboutOp(selected) : aboutLeaf(selected);
  if (selected !== null) parts.unshift(h("p", {}, h("button", { type: "button", class: "link", "data-go": "" }, t("overview"))));
  const top = panel.dataset.of === (selected ? selected.key : "") ? panel.scrollTop : 0;
  panel.replaceChildren(...parts.flat(9).filter(Boolean));
  panel.dataset.of = selected ? selected.key : "";
  panel.scrollTop = top;
}
function byNorm(list) {                                         // what is not finite is larger than all
  const size = each => { const x = real(each.norm); return Number.isFinite(x) ? x : Infinity; };
  return list.filter(each => each.of && each.norm !== null && each.norm !== undefined).sort((a, b) => size(b) - size(a));
}
function parameterTable(list) {
  const sorted = byNorm(list), without = list.filter(each => !sorted.includes(each));
  const logs = sorted.map(each => Math.log10(real(each.norm))).filter(Number.isFinite), high = Math.max(...logs), low = Math.min(high - 3, ...logs);
  const bar = each => { const x = Math.log10(real(each.norm)); return `${Number.isFinite(x) ? 6 + 94 * (x - low) / (high - low) : real(each.norm) === 0 ? 0 : 100}%`; };
  return h("table", { class: "list", id: "norms" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("name")), h("th", { scope: "col" }, t("shape")), h("th", { scope: "col", class: "number" }, t("norm")))),
    h("tbody", {}, [...sorted, ...without].map(each => {
      const strip = h("span", { class: "bar" });
      if (sorted.includes(each)) strip.style.width = bar(each);
      return h("tr", {}, h("td", {}, each.of ? goTo(each.of, each.name) : each.name, sorted.includes(each) ? strip : null), h("td", { class: "mono soft" }, each.of ? shapeText(each.of.shape) : String(each.size)),
        h("td", { class: `number${sorted.includes(each) && !Number.isFinite(real(each.norm)) ? " bad" : ""}`, title: String(each.norm) }, sorted.includes(each) ? short(each.norm, 4) : t("none")));
    })));
}
function overview() {
  const ops = [...nodes.values()].filter(node => node.isOp).length;
  return [h("h2", {}, data.title), h("p", { class: "facts" }, [t("ops", ops), t("params", parameters.length), t("numbers", parameters.reduce((sum, each) => sum + each.size, 0).toLocaleString(language)), t("steps", steps.length)].map(text => h("span", {}, text))),
    h("p", {}, h("br"), t("read")),
    data.lacks.length ? [heading(t("lacks")), data.lacks.map(text => h("p", { class: "note" }, inWords(text)))] : null,
    heading(t("kept"), "", bytes(root.kept)),
    heading(t("gradients"), "backward"), parameters.length ? parameterTable(parameters) : h("p", { class: "soft" }, t("noParameters"))];
}
function aboutGroup(group) {
  const mine = parameters.filter(each => each.of && group.all.includes(each.of));
  return [h("h2", {}, group.path), h("p", { class: "facts" }, [t("ops", group.ops), t("params", group.parameters)].map(text => h("span", {}, text))),
    h("p", {}, h("br"), h("button", { type: "button", "data-fold": group.key, "aria-expanded": String(!folded.has(group)) }, t(folded.has(group) ? "open" : "shut"))),
    heading(t("kept"), "", bytes(group.kept)),
    mine.length ? [heading(t("gradients"), "backward"), parameterTable(mine)] : null,
    heading(t("calls")), h("table", { class: "list" }, h("tbody", {}, group.children.map(child => h("tr", {}, h("td", {}, goTo(child, child.kind === "group" ? child.name : null)), h("td", { class: "mono soft" }, child.kind === "group" ? t("ops", child.ops) : shapeText(child.shape))))))];
}
const modulePart = node => node.module ? h("span", {}, `${t("module")} `, node.group !== root && node.group.path === node.module ? goTo(node.group) : node.module) : null;
function aboutOp(node) {
  const parts = [h("h2", {}, node.op, node.called || node.name ? h("span", { class: "soft" }, nameOf(node).slice(node.op.length)) : null),
    h("p", { class: "facts" }, modulePart(node), h("span", { class: "mono" }, `${shapeText(node.shape)} ${node.dtype}`)),
    node.formula ? h("div", { class: "formula", role: "math", "aria-label": t("formula") }, node.formula) : null];
  if (node.doc && node.doc.trim() !== node.formula.trim()) parts.push(h("details", {}, h("summary", {}, t("wholeDoc")), h("pre", {}, node.doc)));
  if (node.source) parts.push(heading(t("source")), h("pre", { class: "source" }, node.source.text), h("p", { class: "place" }, `${node.source.file}, ${t("line")} ${node.source.line}`));
  const entries = Object.entries(node.params).filter(([name]) => !node.operands.includes(name));
  parts.push(heading(t("forwardPart"), "forward"), h("table", { class: "list" }, h("tbody", {},
    node.sources.map((source, i) => h("tr", {}, h("td", { class: "mono" }, node.operands[i] || ""), h("td", {}, source ? [`${t("from")} `, goTo(source)] : h("span", { class: "mono" }, node.params[node.operands[i]] || t("absent"))), h("td", { class: "mono soft" }, source ? shapeText(source.shape) : ""))),
    entries.map(([name, value]) => h("tr", {}, h("td", { class: "mono" }, name), h("td", { class: "mono", colspan: 2 }, h("div", { class: "option" }, String(value))))))));
  parts.push(h("h4", {}, t("result")), node.value ? numbersOf(node.value, "value") : h("p", { class: "soft" }, t("noResult")));
  parts.push(heading(t("backwardPart"), "backward"), h("div", { class: "backward" }, backwardPart(node)));
  const kept = node.kept.reduce((sum, each) => sum + each.bytes, 0);
  parts.push(heading(t("kept"), "", bytes(kept)), node.kept.length ? h("table", { class: "list" }, h("tbody", {}, node.kept.map(each => h("tr", {}, h("td", { class: "mono" }, each.name), h("td", { class: each.bytes ? "number" : "number soft" }, each.bytes ? bytes(each.bytes) : t("anyway")))))) : h("p", { class: "soft" }, t("nothingKept")));
  if (node.users.length) parts.push(heading(t("usedBy")), h("p", {}, list(node.users.map(user => goTo(user)))));
  return parts;
}
const list = items => items.flatMap((item, i) => i ? [", ", item] : [item]);
/* What has arrived by this step: which gradients, from whom, and their sum. */
function arrivedPart(node, known) {
  const parts = [], seen = node.arrivals.filter(each => at === null || each.step <= at);
  if (!known.all && !known.visited) return [h("p", { class: "soft" }, node.visited === null ? t("noGradient") : t("later", node.visited + 1))];
  if (!known.complete && !seen.length) return [h("p", { class: "soft" }, goToStep(node.arrivals.length ? node.arrivals[0].step : node.visited, t("later", (node.arrivals.length ? node.arrivals[0].step : node.visited) + 1)))];
  if (!known.complete) parts.push(h("p", { class: "note" }, t("someLater", seen.length, known.all)));
  else if (known.all > 1) parts.push(h("p", { class: "note", "data-arrived": known.all }, t("met", known.all)));
  if (known.all > 1 || !known.g) for (const each of seen) parts.push(h("h4", {}, `${t("from")} `, goTo(each.from), `, d${each.operand}`), each.dx ? numbersOf(each.dx, "arrival") : null, summedPart(each, node));
  if (known.g) parts.push(known.all > 1 ? h("h4", {}, "Σ") : null, numbersOf(known.g, "g"));
  return parts;
}
const summedPart = (each, node) => each.summed_from ? h("p", { class: "note" }, t("summed", shapeText(each.summed_from), shapeText(node.shape))) : null;
function backwardPart(node) {
  const known = gradientOf(node, at), parts = [];
  parts.push(h("h4", {}, t("gradientIn"), " ", h("span", { class: "mono soft" }, "g")), arrivedPart(node, known));
  const operands = node.derivatives.filter(each => each.operand);
  const others = node.derivatives.filter(each => !operands.includes(each));
  for (const each of operands) {
    parts.push(h("h4", {}, t("derivativeOf", each.operand)), h("pre", { class: "derivative" }, each.source.trimEnd()));
    const own = known.visited ? steps[node.visited].to.filter(to => to.operand === each.operand || (to.operand.startsWith(each.operand) && !operands.some(other => other.operand === to.operand))) : [];
    own.forEach(to => parts.push(outPart(to)));
    if (known.visited && !own.length) parts.push(h("p", { class: "soft" }, t("notAsked")));
  }
  if (known.visited) steps[node.visited].to.filter(to => !operands.some(each => to.operand.startsWith(each.operand))).forEach(to => parts.push(outPart(to)));
  if (others.length) parts.push(h("h4", {}, t("shared")), others.map(each => h("pre", { class: "derivative" }, each.source.trimEnd())));
  return parts;
}
function outPart(to) {
  const node = nodes.get(to.node);
  return h("div", { "data-out": to.operand }, h("p", { class: "soft" }, t("gradientOut", to.operand), node ? [": ", goTo(node)] : null), to.dx ? numbersOf(to.dx, "dx") : null, node ? summedPart(to, node) : null);
}
function aboutLeaf(node) {
  const known = gradientOf(node, at);
  return [h("h2", {}, node.name || node.op), h("p", { class: "facts" }, h("span", {}, ofKind(node)), modulePart(node), h("span", { class: "mono" }, `${shapeText(node.shape)} ${node.dtype}`)),
    node.source ? [heading(t("source")), h("pre", { class: "source" }, node.source.text), h("p", { class: "place" }, `${node.source.file}, ${t("line")} ${node.source.line}`)] : null,
    heading(t("value"), "forward"), node.value ? numbersOf(node.value, "value") : h("p", { class: "soft" }, t("noResult")),
    heading(t("gradient"), "backward"), h("div", { class: "backward" }, node.op === "constant" && !known.all ? h("p", { class: "soft" }, t("constantNote")) : arrivedPart(node, known)),
    node.users.length ? [heading(t("usedBy")), h("p", {}, list(node.users.map(user => goTo(user))))] : null];
}

// ---- steps ------------------------------------------------------------------------------------------------------
function sayNow() {
  const now = $("now");
  if (at === null) { now.replaceChildren(t("all")); return; }
  const step = steps[at], node = nodes.get(step.node), parts = [h("b", {}, t("stepOf", at + 1, steps.length)), " · ", h("span", { class: step.phase }, t(step.phase === "forward" ? "phaseForward" : "phaseBackward")), t("colon"), h("b", {}, nameOf(node))];
  if (step.phase === "forward") parts.push(` ${t("computes")} ${shapeText(node.shape)}`);
  else {
    const n = node.arrivals.length;
    parts.push(t("stop"), n > 1 ? t("met", step.arrived) : n === 1 ? t("one") : t("start"), t("comma"), `‖g‖ = ${short(step.g.norm, 4)}`, t("stop"));
    parts.push(step.to.length ? `${t("sends")} ${step.to.map(to => `${to.operand} (${nodes.has(to.node) ? nameOf(nodes.get(to.node)) : ""})`).join(t("comma"))}` : t("ends"), t("stop").trim());
  }
  now.replaceChildren(...parts.flat(9));
}
function go(step) {
  at = step === null || !steps.length ? null : Math.min(steps.length - 1, Math.max(0, step));
  if (at !== null) selected = nodes.get(steps[at].node);
  update();
  fill();
  sayNow();
  $("slider").value = at === null ? 1 : at + 1;
  $("slider").setAttribute("aria-valuetext", at === null ? t("everything") : `${t("stepOf", at + 1, steps.length)}: ${nameOf(nodes.get(steps[at].node))}`);
  const disabled = { first: at === 0, back: at === 0, forward: at === steps.length - 1, last: at === steps.length - 1, everything: at === null };
  for (const [id, on] of Object.entries(disabled)) $(id).setAttribute("aria-disabled", String(on));         // disabled ones would lose the focus
  if (at !== null) show(selected);
  drawCourse();
}
const next = () => go(at === null ? 0 : at + 1), previous = () => go(at === null ? steps.length - 1 : at - 1);
let playing = null;
function play(on) {
  clearInterval(playing);
  playing = on ? setInterval(() => { if (at === steps.length - 1) play(false); else next(); }, 650) : null;
  $("play").textContent = on ? "❚❚" : "▷";
  $("play").setAttribute("aria-pressed", String(on));
}
/* The sizes of what each step made, on a scale of powers of ten: gradients that vanish or explode show as a slope. */
function drawCourse() {
  const canvas = $("course"), ratio = window.devicePixelRatio || 1, w = canvas.clientWidth, high = canvas.clientHeight;
  canvas.width = w * ratio; canvas.height = high * ratio;
  const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement), colour = name => style.getPropertyValue(name).trim();
  pen.scale(ratio, ratio);
  const each = w / Math.max(1, steps.length), thumb = 16;       // the slider's thumb stands under the middle of a step
  $("slider").style.width = `${w - each + thumb}px`;
  $("slider").style.marginLeft = `${(each - thumb) / 2}px`;
  const sizes = steps.map(step => { const about = step.phase === "forward" ? nodes.get(step.node).value : step.g; return about ? Math.log10(real(about.norm)) : NaN; });
  for (const phase of ["forward", "backward"]) {
    const known = sizes.filter((x, i) => Number.isFinite(x) && steps[i].phase === phase), most = Math.max(...known), least = Math.min(most - 2, ...known);
    steps.forEach((step, i) => {
      if (step.phase !== phase) return;
      const tall = Number.isFinite(sizes[i]) ? 4 + (high - 5) * (sizes[i] - least) / (most - least) : 3;
      const left = i * each;
      pen.fillStyle = i === at ? colour("--current") : colour(`--${phase === "forward" ? "forward" : "gradient"}`);
      pen.globalAlpha = at === null || i <= at ? 0.9 : 0.25;
      pen.fillRect(left, i === at ? 0 : high - tall, Math.max(0.8, each - Math.min(1.5, each / 4)), i === at ? high : tall);
    });
  }
}

// ---- selecting, opening and closing -----------------------------------------------------------------------------
function select(item, { focus = false, near = false, open = false } = {}) {
  selected = item;
  if (item && open && reveal(item)) draw(); else update();
  fill();
  if (item) {
    show(item, near);
    if (focus) { const element = elements.get(item.key) || elements.get(shownAs(item).key); if (element) element.g.focus({ preventScroll: true }); }
  }
}
/* What was at a place of the screen stays there while a module opens or closes. */
function refold(change, anchor = null) {
  const before = anchor && elements.has(anchor.key) ? [anchor.X * eye.k + eye.x, anchor.Y * eye.k + eye.y] : null, hadFocus = document.activeElement && document.activeElement.dataset && document.activeElement.dataset.key;
  change();
  draw();
  if (before) { eye.x = before[0] - anchor.X * eye.k; eye.y = before[1] - anchor.Y * eye.k; look(); }
  else if (selected && at !== null) show(selected); else fit(false);
  if (hadFocus) { const element = elements.get(hadFocus) || (focusItem() && elements.get(focusItem().key)); if (element) element.g.focus({ preventScroll: true }); }
  fill();
}
const toggle = group => refold(() => folded.has(group) ? folded.delete(group) : folded.add(group), group);
const openAll = () => refold(() => folded.clear()), closeAll = () => refold(() => { for (const group of GROUPS) if (group.depth > 1 || GROUPS.filter(each => each.depth === 1).length > 1) folded.add(group); });
function extreme(largest) {
  const sorted = byNorm([...parameters]);
  if (!sorted.length) return;
  go(null);
  select((largest ? sorted[0] : sorted[sorted.length - 1]).of, { near: true, open: true, focus: true });
}

// ---- search -----------------------------------------------------------------------------------------------------
let listed = [], chosen = -1;
const textOf = item => (item.kind === "group" ? item.path : [item.op, item.name, item.module, item.called, item.formula, item.source && item.source.text].filter(Boolean).join("\n")).toLowerCase();
function search() {
  const asked = $("search").value.trim().toLowerCase(), list = $("found");
  listed = !asked ? [] : [...GROUPS, ...nodes.values()].filter(item => asked.split(/\s+/).every(word => textOf(item).includes(word)));
  listed = listed.map((item, i) => [(item.kind === "group" ? item.name : label(item)).toLowerCase().startsWith(asked) ? 0 : 1, i, item]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(each => each[2]);
  matches = new Set(listed);
  chosen = listed.length ? 0 : -1;
  const first = listed.slice(0, 60);
  list.replaceChildren(...first.map((item, i) => h("li", { role: "option", id: `found-${i}`, "data-i": i }, item.kind === "group" ? `▣ ${item.path}` : [h("b", {}, nameOf(item)), h("span", { class: "soft" }, `  ${shapeText(item.shape)}  ${item.module}`)])),
    ...(asked ? [h("li", { class: "note", role: "presentation" }, !listed.length ? t("nothing") : listed.length > 60 ? t("more", listed.length - 60) : t("matches", listed.length))] : []));
  list.hidden = !asked;
  $("search").setAttribute("aria-expanded", String(!list.hidden));
  choose(chosen);
  update();
}
function choose(i) {
  chosen = i;
  [...$("found").querySelectorAll("[role=option]")].forEach((option, n) => { option.setAttribute("aria-selected", String(n === i)); if (n === i) option.scrollIntoView({ block: "nearest" }); });
  if (i >= 0) $("search").setAttribute("aria-activedescendant", `found-${i}`); else $("search").removeAttribute("aria-activedescendant");
}
function closeFound() { $("found").hidden = true; $("search").setAttribute("aria-expanded", "false"); }
function take(i) { if (listed[i]) { closeFound(); if (at !== null) go(null); select(listed[i], { near: true, open: true, focus: true }); } }
$("search").addEventListener("input", search);
$("search").addEventListener("focus", () => { if ($("search").value.trim()) search(); });
$("search").addEventListener("blur", () => setTimeout(closeFound, 150));
$("search").addEventListener("keydown", event => {
  const n = Math.min(60, listed.length);
  if (event.key === "ArrowDown" && n) choose((chosen + 1) % n);
  else if (event.key === "ArrowUp" && n) choose((chosen + n - 1) % n);
  else if (event.key === "Enter") take(Math.max(0, chosen));
  else if (event.key === "Escape") { $("search").value = ""; search(); $("search").blur(); }
  else return;
  event.preventDefault();
  event.stopPropagation();
});
$("found").addEventListener("pointerdown", event => { const option = event.target.closest("[data-i]"); if (option) { event.preventDefault(); take(Number(option.dataset.i)); } });

// ---- pointer ----------------------------------------------------------------------------------------------------
const fingers = new Map();
let moved = 0, dragged = false;
$("drawing").addEventListener("wheel", event => {
  event.preventDefault();
  const box = $("drawing").getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
$("drawing").addEventListener("pointerdown", event => { fingers.set(event.pointerId, [event.clientX, event.clientY]); moved = 0; dragged = false; });
window.addEventListener("pointermove", event => {
  const old = fingers.get(event.pointerId);
  if (!old) return;
  const dx = event.clientX - old[0], dy = event.clientY - old[1];
  moved += Math.abs(dx) + Math.abs(dy);
  if (moved < 5 && !dragged) return;
  dragged = true;
  if (fingers.size === 2) {
    const other = [...fingers].find(([id]) => id !== event.pointerId)[1], box = $("drawing").getBoundingClientRect();
    const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
    zoom(far([event.clientX, event.clientY], other) / far(old, other), other[0] - box.left, other[1] - box.top);
  } else { eye.x += dx; eye.y += dy; look(); }
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
});
for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, event => fingers.delete(event.pointerId));
$("drawing").addEventListener("click", event => {
  if (dragged) return;
  const element = event.target.closest("[data-key]"), item = element && byKey.get(element.dataset.key);
  if (!item) { if (at === null) select(null); return; }
  if (item.kind === "group" && event.target.closest(".toggle")) { selected = item; toggle(item); } else select(item, { focus: true });
});
$("drawing").addEventListener("dblclick", event => {
  const element = event.target.closest("[data-key]"), item = element && byKey.get(element.dataset.key);
  if (item && item.kind === "group" && !event.target.closest(".toggle")) toggle(item);
});
$("panel").addEventListener("click", event => {
  const from = event.target.closest("[data-go], [data-step], [data-fold]");
  if (!from) return;
  if (from.dataset.fold) toggle(byKey.get(from.dataset.fold));
  else if (from.dataset.step) go(Number(from.dataset.step));
  else if (from.dataset.go === "") { go(null); select(null); }
  else select(byKey.get(from.dataset.go), { open: true, near: true });
  $("panel").focus({ preventScroll: true });
});

// ---- keys and buttons -------------------------------------------------------------------------------------------
function neighbour(down) {
  if (!selected || !elements.has(shownAs(selected).key) && !elements.has(selected.key)) { const first = focusItem(); return first; }
  const from = shownAs(selected);
  if (from.kind === "group" && !folded.has(from)) return down ? from.children[0] : neighbourOf(from.all, false, from);
  return neighbourOf(from.kind === "group" ? from.all : [selected], down, from);
}
function neighbourOf(members, down, from) {
  for (const node of members) for (const other of down ? node.users : [...node.sources.filter(each => each && !each.host), ...node.sources.filter(each => each && each.host)])
    if (!members.includes(other) && shownAs(other) !== from) return other.host && elements.has(other.key) ? other : shownAs(other);
  return null;
}
const KEYS = {
  ArrowRight: next, ArrowLeft: previous, Home: () => go(0), End: () => go(steps.length - 1), " ": () => play(playing === null),
  Escape: () => { play(false); go(null); select(null); },
  "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), "0": () => fit(),
  "/": () => { $("search").focus(); $("search").select(); }, g: () => extreme(true), s: () => extreme(false), e: openAll, c: closeAll,
  l: () => speak(language === "en" ? "zh" : "en"), "?": () => about(),
};
document.addEventListener("keydown", event => {
  const target = event.target, typing = target.closest("input, dialog"), key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey || event.altKey || (typing && target.id !== "slider")) return;
  if (target.id === "slider" && (key === "ArrowUp" || key === "ArrowDown")) (key === "ArrowUp" ? next : previous)();
  else if (event.shiftKey && key.startsWith("Arrow")) {
    eye.x += { ArrowLeft: 80, ArrowRight: -80 }[key] || 0; eye.y += { ArrowUp: 80, ArrowDown: -80 }[key] || 0;
    look();
  } else if ((key === "ArrowUp" || key === "ArrowDown") && !target.closest("#panel, header, footer")) {
    const item = neighbour(key === "ArrowDown");
    if (item) select(item, { focus: true });
  } else if (key === "Enter" && target.closest("[data-key]")) {
    const item = byKey.get(target.closest("[data-key]").dataset.key);
    if (item.kind === "group") { selected = item; toggle(item); } else select(item, { focus: true });
  } else if (key === " " && target.closest("button, summary")) return;
  else if (KEYS[key] && !(target.closest("#panel") && (key === "Home" || key === "End"))) KEYS[key]();
  else return;
  event.preventDefault();
});
const BUTTONS = {
  first: () => go(0), back: previous, forward: next, last: () => go(steps.length - 1), play: () => play(playing === null),
  everything: () => { play(false); go(null); }, largest: () => extreme(true), smallest: () => extreme(false), expand: openAll, collapse: closeAll,
  closer: () => zoom(1.3), farther: () => zoom(1 / 1.3), fit: () => fit(), help: () => about(),
};
for (const [id, act] of Object.entries(BUTTONS)) $(id).addEventListener("click", act);
$("slider").max = Math.max(1, steps.length);
$("slider").addEventListener("input", () => go(Number($("slider").value) - 1));
for (const button of $("languages").children) button.addEventListener("click", () => speak(button.value));
function about() {
  const close = h("button", { type: "button", click: () => $("about").close() }, t("close"));
  $("about").replaceChildren(h("h2", { id: "about-title" }, t("keys").replace("?", "").trim()), h("table", {}, h("tbody", {}, t("keyHelp").map(([keys, what]) => h("tr", {}, h("td", {}, h("kbd", {}, keys)), h("td", {}, what))))), close);
  $("about").showModal();
  close.focus();
}

// ---- languages --------------------------------------------------------------------------------------------------
function speak(tongue) {
  language = tongue;
  document.documentElement.lang = tongue === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
    if (element.tagName === "BUTTON") element.title = t(element.dataset.label);
  }
  $("search").placeholder = t("searchHint");
  for (const button of $("languages").children) button.setAttribute("aria-pressed", String(button.value === tongue));
  $("legend").replaceChildren(...[["legendOp", "--soft", "--sheet"], ["legendParameter", "--parameter", "--parameter-wash"], ["legendArrived", "--gradient", "--gradient-wash"], ["legendCurrent", "--current", "--sheet"]].map(([key, line, wash]) => {
    const swatch = h("i");
    swatch.style.borderColor = `var(${line})`;
    swatch.style.background = `var(${wash})`;
    return h("span", {}, swatch, t(key));
  }));
  draw();                                                       // closed modules say how much is in them
  go(at);
}

$("title").textContent = data.title;
document.title = data.title;
foldToFit(45);
language = data.language || (/^zh/i.test(navigator.language) ? "zh" : "en");
speak(language);
fit(false);
window.addEventListener("resize", () => { look(); drawCourse(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCourse);
