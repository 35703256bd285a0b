"use strict";
/* The page of a recorded computation: what happened, drawn, and stepped through.  The files are one script, in this order:

   words.js        what the page says, in two languages; elements and text
   record.js       the data as they came, who feeds whom, and a tree of the calls of modules, by the order in which ops ran
   layout.js       the graph in layers, each open module laid out by itself within that which calls it
   drawing.js      SVG; what changes with a step are only classes and texts
   panel.js        all about one thing
   controls.js     steps, search, zoom, keys

   Text is only ever set as text (textContent, setAttribute): nothing that a module or a source line is called can become markup. */

// ---- words ------------------------------------------------------------------------------------------------------
const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;
const ENGLISH = 0,
  CHINESE = 1;
const WORDS = {
  // the controls
  search: ["Search", "搜索"],
  searchHint: ["Search   /", "搜索   /"],
  found: ["What was found", "搜索结果"],
  parameters: ["Gradients of parameters", "参数的梯度"],
  largest: ["largest gradient", "最大梯度"],
  smallest: ["smallest gradient", "最小梯度"],
  modules: ["Modules", "模块"],
  expand: ["open all", "全部展开"],
  collapse: ["close all", "全部折叠"],
  language: ["Language", "语言"],
  keys: ["Keys  ?", "按键  ?"],
  graph: ["Graph of the computation", "计算图"],
  panel: ["Details", "详细信息"],
  zoom: ["Zoom", "缩放"],
  closer: ["Closer (+)", "放大 (+)"],
  farther: ["Farther (−)", "缩小 (−)"],
  fit: ["The whole graph (0)", "显示全图 (0)"],
  stepping: ["Steps", "步进"],
  first: ["First step (Home)", "第一步 (Home)"],
  last: ["Last step (End)", "最后一步 (End)"],
  back: ["One step back (←)", "后退一步 (←)"],
  forward: ["One step forward (→)", "前进一步 (→)"],
  play: ["Play or pause (space)", "播放或暂停（空格）"],
  step: ["Step", "步"],
  everything: ["show everything", "显示全部"],
  close: ["Close", "关闭"],
  // the steps
  all: ["Everything is shown, forward and backward. → goes to the first step.", "现在显示前向与反向的全部内容。按 → 进入第一步。"],
  stepOf: [(i, n) => `Step ${i} of ${n}`, (i, n) => `第 ${i} 步，共 ${n} 步`],
  phaseForward: ["forward", "前向"],
  phaseBackward: ["backward", "反向"],
  comma: [", ", "，"],
  stop: [". ", "。"],
  colon: [": ", "："],
  start: ["The sweep starts here", "反向传播从这里开始"],
  met: [
    n => `${plural(n, "gradient", "gradients")} met here and ${n === 1 ? "was" : "were"} added`,
    n => `${n} 个梯度在此汇合并相加`,
  ],
  one: ["One gradient arrived", "一个梯度到达"],
  sends: ["Sent on to", "继续传给"],
  ends: ["The sweep ends here", "反向传播到此结束"],
  computes: ["computes", "计算得到"],
  // how many
  ops: [n => plural(n, "op", "ops"), n => `${n} 个算子`],
  steps: [n => plural(n, "step", "steps"), n => `${n} 步`],
  params: [n => plural(n, "parameter", "parameters"), n => `${n} 个参数`],
  numbers: [n => `${n} numbers`, n => `${n} 个数`],
  // around the graph
  legendOp: ["op", "算子"],
  legendParameter: ["parameter", "参数"],
  legendArrived: ["its gradient has arrived", "梯度已到达"],
  legendCurrent: ["this step", "当前步"],
  read: [
    "Each box is an op, or a module that is closed. Lines run down from what was computed first. → and ← step through the " +
      "forward pass and then backwards through the sweep; a box turns orange when its gradient has arrived. Click a box, or move to " +
      "it by ↑ and ↓, for its formula, its numbers and its derivatives.",
    "每个方框是一个算子，或一个折叠的模块。连线自上而下，先计算的在上。按 → 和 ← 逐步走过前向计算，再沿反向传播走回；" +
      "梯度到达时方框变为橙色。点击方框，或用 ↑ 和 ↓ 移动到它，可查看公式、数值与导数。",
  ],
  // the panel
  lacks: ["What could not be seen", "无法看到的内容"],
  kept: ["Kept for the backward pass", "为反向传播保留的内存"],
  nothingKept: ["Nothing.", "无。"],
  anyway: ["alive anyway", "本来就在内存中"],
  gradients: ["Gradients of the parameters", "各参数的梯度"],
  name: ["name", "名称"],
  shape: ["shape", "形状"],
  norm: ["norm ‖g‖", "范数 ‖g‖"],
  none: ["none", "无"],
  noParameters: ["No parameter has a gradient.", "没有参数得到梯度。"],
  formula: ["Formula", "公式"],
  source: ["Source", "源代码"],
  line: ["line", "行"],
  wholeDoc: ["The whole docstring", "完整文档"],
  module: ["in", "位于"],
  forwardPart: ["Forward", "前向"],
  backwardPart: ["Backward", "反向"],
  from: ["from", "来自"],
  result: ["Result", "结果"],
  noResult: ["The numbers are no longer there.", "数值已不在内存中。"],
  gradientIn: ["The gradient that came in", "传入的梯度"],
  gradientOut: [x => `What went out to ${x}`, x => `传给 ${x} 的梯度`],
  derivativeOf: [x => `Derivative by ${x}`, x => `对 ${x} 的导数`],
  shared: ["Computed once, for several derivatives", "多个导数共用的中间量，只计算一次"],
  summed: [(a, b) => `Broadcasting undone: shape ${a} was summed to ${b}.`, (a, b) => `还原广播：形状 ${a} 求和为 ${b}。`],
  value: ["Value", "数值"],
  gradient: ["Gradient", "梯度"],
  later: [n => `Its gradient arrives in step ${n}.`, n => `它的梯度在第 ${n} 步到达。`],
  someLater: [(a, n) => `${a} of ${n} gradients have arrived so far.`, (a, n) => `${n} 个梯度中已到达 ${a} 个。`],
  noGradient: ["No gradient came here.", "没有梯度传到这里。"],
  constantNote: ["No gradient is wanted here.", "这里不需要梯度。"],
  notAsked: ["nothing was sent: no gradient is wanted there", "未传出：那里不需要梯度"],
  usedBy: ["Used by", "用于"],
  calls: ["Calls", "包含"],
  open: ["open", "展开"],
  shut: ["close", "折叠"],
  overview: ["← overview", "← 总览"],
  min: ["min", "最小"],
  mean: ["mean", "平均"],
  max: ["max", "最大"],
  nonfinite: [n => `${plural(n, "number is", "numbers are")} not finite`, n => `有 ${n} 个数不是有限数`],
  histogram: ["Histogram", "直方图"],
  scalar: ["a number", "标量"],
  leaf: ["parameter", "参数"],
  constant: ["constant", "常量"],
  absent: ["not given", "未给出"],
  variable: ["leaf", "叶节点"],
  // the search
  nothing: ["Nothing is called so, and no source line has it.", "没有这样的名称，源代码中也没有。"],
  more: [n => `and ${n} more`, n => `另有 ${n} 项`],
  matches: [n => plural(n, "match", "matches"), n => `${n} 项匹配`],
  keyHelp: [
    [
      ["→  ←", "one step forward, back"],
      ["Home  End", "first step, last step"],
      ["Space", "play, pause"],
      ["Esc", "everything again"],
      ["↑  ↓", "to what it was computed from; to what it is used for"],
      ["Enter", "open or close the module; details"],
      ["Shift + arrows", "move the graph"],
      ["+  −  0", "closer, farther, the whole graph"],
      ["/", "search; ↑ ↓ Enter in what was found"],
      ["G  S", "the parameter with the largest, the smallest gradient"],
      ["E  C", "open all modules, close all"],
      ["L", "English, 中文"],
      ["Tab", "from control to control"],
      ["?", "these keys"],
    ],
    [
      ["→  ←", "前进一步，后退一步"],
      ["Home  End", "第一步，最后一步"],
      ["空格", "播放，暂停"],
      ["Esc", "回到显示全部"],
      ["↑  ↓", "到它的来源；到它的去处"],
      ["Enter", "展开或折叠模块；查看详细信息"],
      ["Shift + 方向键", "移动图"],
      ["+  −  0", "放大，缩小，全图"],
      ["/", "搜索；在结果中用 ↑ ↓ Enter"],
      ["G  S", "梯度最大、最小的参数"],
      ["E  C", "展开全部模块，折叠全部模块"],
      ["L", "English, 中文"],
      ["Tab", "在控件之间移动"],
      ["?", "显示这些按键"],
    ],
  ],
};
/* What the record says that it lacks, in Chinese. */
const LACKS = [
  [
    /^the result depends on nothing that wants a gradient/,
    () =>
      "结果不依赖任何需要梯度的量，因此没有反向传播：请对要求导的张量调用 requires_grad_()。（detach()、no_grad() 或途中的整数会截断历史）",
  ],
  [/^one number to differentiate/, () => "结果不是单个数：反向传播从 g = 1 开始，对结果的每个元素都是如此，相当于对其总和求导"],
  [/^some ops ran before/, () => "有些算子在记录开始之前已经运行：它们的源代码行、所在模块以及未保留的数值都无从得知"],
  [
    /^the numbers of some ops are gone/,
    () =>
      "有些算子的数值已不存在：反向传播释放了它们保留的内容。loss.backward(retain_graph=True) 会保留；用 with explain() as page: 包住前向与反向，则全部可见",
  ],
  [/^nothing ran/, () => "没有任何算子运行：请把前向计算和 loss.backward() 放进 with 块中"],
  [/^no backward pass was seen/, () => "没有看到反向传播：请在 with 块中调用 loss.backward()"],
  [/^no gradient came to ([^]*)$/, names => `没有梯度传到 ${names}`],
];
function inWords(text) {
  for (const [pattern, say] of language === "zh" ? LACKS : []) {
    const found = pattern.exec(text);
    if (found) return say(found[1]);
  }
  return text;
}
let language = "en";
function t(key, ...about) {
  const said = WORDS[key][language === "zh" ? CHINESE : ENGLISH];
  return typeof said === "function" ? said(...about) : said;
}
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
