// ---- panel ------------------------------------------------------------------------------------------------------
const goTo = (item, text = null) =>
  h("button", { type: "button", class: "link", "data-go": item.key }, text || (item.kind === "group" ? item.path : nameOf(item)));
const nameOf = node =>
  node.isOp ? [node.op, node.called, node.name && `→ ${node.name}`].filter(Boolean).join(" ") : node.name || node.op;
const goToStep = (i, text) => h("button", { type: "button", class: "link", "data-step": i }, text);

function numbersOf(summary, what) {
  const isNumber = Array.isArray(summary.numbers) ? false : summary.numbers !== null && summary.numbers !== undefined;
  const parts = [
    h(
      "div",
      { class: "facts mono" },
      h("span", {}, summary.shape.length ? shapeText(summary.shape) : t("scalar")),
      h("span", {}, summary.dtype),
      summary.nonfinite ? h("span", { class: "bad" }, t("nonfinite", summary.nonfinite)) : null,
    ),
  ];
  if (isNumber) parts.push(h("div", { class: "scroll" }, table([[summary.numbers]])));
  else {
    if (summary.numbers) parts.push(...slices(summary.numbers, summary.shape));
    if (count(summary.shape) > 1) {
      parts.push(
        h(
          "dl",
          { class: "stats" },
          ["min", "mean", "max", "norm"].map(key =>
            h(
              "div",
              {},
              h("dt", {}, key === "norm" ? "‖·‖" : t(key)),
              h("dd", { title: String(summary[key]), "data-stat": key }, short(summary[key])),
            ),
          ),
        ),
      );
      if (!summary.numbers) parts.push(histogram(summary));
    }
  }
  return h("div", { class: "summary", "data-summary": what }, parts);
}
function slices(numbers, shape) {
  // tables of two axes, one for each index of those before
  if (!count(shape)) return [];
  const long = shape.filter(n => n > 1);
  if (shape.length > 2 && long.length < 3) {
    // (1, 16, 1, 1): a row
    const flat = numbers.flat(9),
      columns = long.length ? long[long.length - 1] : 1,
      rows = Array.from({ length: flat.length / columns }, (_, i) => flat.slice(i * columns, (i + 1) * columns));
    return [
      h(
        "div",
        { class: "scroll" },
        h("span", { class: "place mono" }, `[${shape.map(n => (n > 1 ? ":" : "0")).join(", ")}]`),
        table(rows),
      ),
    ];
  }
  if (shape.length <= 1) return [h("div", { class: "scroll" }, table([numbers]))];
  if (shape.length === 2) return [h("div", { class: "scroll" }, table(numbers))];
  const parts = [];
  (function walk(part, index) {
    if (index.length === shape.length - 2) {
      parts.push(h("div", { class: "scroll" }, h("span", { class: "place mono" }, `[${index.join(", ")}, :, :]`), table(part)));
      return;
    }
    part.forEach((each, i) => walk(each, [...index, i]));
  })(numbers, []);
  return parts;
}
function table(rows) {
  const flat = rows.flat().map(real).filter(Number.isFinite),
    most = Math.max(1e-300, ...flat.map(Math.abs));
  return h(
    "table",
    { class: "numbers" },
    rows.map(row =>
      h(
        "tr",
        {},
        row.map(x => {
          const value = real(x),
            cell = h("td", { title: String(x) }, short(x, 4));
          if (!Number.isFinite(value)) cell.className = "bad";
          else if (value !== 0)
            cell.style.background = `rgba(var(--${value > 0 ? "positive" : "negative"}), ${(0.4 * Math.abs(value)) / most})`;
          return cell;
        }),
      ),
    ),
  );
}
function histogram(summary) {
  const bars = summary.histogram || [],
    most = Math.max(1, ...bars);
  const picture = s("svg", {
    class: "histogram",
    viewBox: `0 0 ${bars.length * 10} 44`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": `${t("histogram")}: ${bars.join(", ")}`,
  });
  bars.forEach((n, i) =>
    picture.append(s("rect", { x: i * 10 + 0.5, width: 9, y: 44 - (43 * n) / most, height: (43 * n) / most })),
  );
  return picture;
}
const heading = (text, kind = "", extra = null) => h("h3", { class: kind }, h("span", {}, text), extra);

function fill() {
  const panel = $("panel"),
    parts =
      selected === null
        ? overview()
        : selected.kind === "group"
          ? aboutGroup(selected)
          : selected.isOp
            ? aboutOp(selected)
            : aboutLeaf(selected);
  if (selected !== null) parts.unshift(h("p", {}, h("button", { type: "button", class: "link", "data-go": "" }, t("overview"))));
  const top = panel.dataset.of === (selected ? selected.key : "") ? panel.scrollTop : 0;
  panel.replaceChildren(...parts.flat(9).filter(Boolean));
  panel.dataset.of = selected ? selected.key : "";
  panel.scrollTop = top;
}
function byNorm(list) {
  // what is not finite is larger than all
  const size = each => {
    const x = real(each.norm);
    return Number.isFinite(x) ? x : Infinity;
  };
  return list.filter(each => each.of && each.norm !== null && each.norm !== undefined).sort((a, b) => size(b) - size(a));
}
function parameterTable(list) {
  const sorted = byNorm(list),
    without = list.filter(each => !sorted.includes(each));
  const logs = sorted.map(each => Math.log10(real(each.norm))).filter(Number.isFinite),
    high = Math.max(...logs),
    low = Math.min(high - 3, ...logs);
  const bar = each => {
    const x = Math.log10(real(each.norm));
    return `${Number.isFinite(x) ? 6 + (94 * (x - low)) / (high - low) : real(each.norm) === 0 ? 0 : 100}%`;
  };
  return h(
    "table",
    { class: "list", id: "norms" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, t("name")),
        h("th", { scope: "col" }, t("shape")),
        h("th", { scope: "col", class: "number" }, t("norm")),
      ),
    ),
    h(
      "tbody",
      {},
      [...sorted, ...without].map(each => {
        const strip = h("span", { class: "bar" });
        if (sorted.includes(each)) strip.style.width = bar(each);
        return h(
          "tr",
          {},
          h("td", {}, each.of ? goTo(each.of, each.name) : each.name, sorted.includes(each) ? strip : null),
          h("td", { class: "mono soft" }, each.of ? shapeText(each.of.shape) : String(each.size)),
          h(
            "td",
            {
              class: `number${sorted.includes(each) && !Number.isFinite(real(each.norm)) ? " bad" : ""}`,
              title: String(each.norm),
            },
            sorted.includes(each) ? short(each.norm, 4) : t("none"),
          ),
        );
      }),
    ),
  );
}
function overview() {
  const ops = [...nodes.values()].filter(node => node.isOp).length;
  return [
    h("h2", {}, data.title),
    h(
      "p",
      { class: "facts" },
      [
        t("ops", ops),
        t("params", parameters.length),
        t("numbers", parameters.reduce((sum, each) => sum + each.size, 0).toLocaleString(language)),
        t("steps", steps.length),
      ].map(text => h("span", {}, text)),
    ),
    h("p", {}, h("br"), t("read")),
    data.lacks.length ? [heading(t("lacks")), data.lacks.map(text => h("p", { class: "note" }, inWords(text)))] : null,
    heading(t("kept"), "", bytes(root.kept)),
    heading(t("gradients"), "backward"),
    parameters.length ? parameterTable(parameters) : h("p", { class: "soft" }, t("noParameters")),
    (data.pictures || []).map(each => [heading(each.title), h("img", { src: each.uri, alt: each.title, class: "picture" })]),
  ];
}
function aboutGroup(group) {
  const mine = parameters.filter(each => each.of && group.all.includes(each.of));
  return [
    h("h2", {}, group.path),
    h(
      "p",
      { class: "facts" },
      [t("ops", group.ops), t("params", group.parameters)].map(text => h("span", {}, text)),
    ),
    h(
      "p",
      {},
      h("br"),
      h(
        "button",
        { type: "button", "data-fold": group.key, "aria-expanded": String(!folded.has(group)) },
        t(folded.has(group) ? "open" : "shut"),
      ),
    ),
    heading(t("kept"), "", bytes(group.kept)),
    mine.length ? [heading(t("gradients"), "backward"), parameterTable(mine)] : null,
    heading(t("calls")),
    h(
      "table",
      { class: "list" },
      h(
        "tbody",
        {},
        group.children.map(child =>
          h(
            "tr",
            {},
            h("td", {}, goTo(child, child.kind === "group" ? child.name : null)),
            h("td", { class: "mono soft" }, child.kind === "group" ? t("ops", child.ops) : shapeText(child.shape)),
          ),
        ),
      ),
    ),
  ];
}
const modulePart = node =>
  node.module
    ? h("span", {}, `${t("module")} `, node.group !== root && node.group.path === node.module ? goTo(node.group) : node.module)
    : null;
function aboutOp(node) {
  const parts = [
    h("h2", {}, node.op, node.called || node.name ? h("span", { class: "soft" }, nameOf(node).slice(node.op.length)) : null),
    h("p", { class: "facts" }, modulePart(node), h("span", { class: "mono" }, `${shapeText(node.shape)} ${node.dtype}`)),
    node.formula ? h("div", { class: "formula", role: "math", "aria-label": t("formula") }, node.formula) : null,
  ];
  if (node.doc && node.doc.trim() !== node.formula.trim())
    parts.push(h("details", {}, h("summary", {}, t("wholeDoc")), h("pre", {}, node.doc)));
  if (node.source)
    parts.push(
      heading(t("source")),
      h("pre", { class: "source" }, node.source.text),
      h("p", { class: "place" }, `${node.source.file}, ${t("line")} ${node.source.line}`),
    );
  const entries = Object.entries(node.params).filter(([name]) => !node.operands.includes(name));
  parts.push(
    heading(t("forwardPart"), "forward"),
    h(
      "table",
      { class: "list" },
      h(
        "tbody",
        {},
        node.sources.map((source, i) =>
          h(
            "tr",
            {},
            h("td", { class: "mono" }, node.operands[i] || ""),
            h(
              "td",
              {},
              source ? [`${t("from")} `, goTo(source)] : h("span", { class: "mono" }, node.params[node.operands[i]] || t("absent")),
            ),
            h("td", { class: "mono soft" }, source ? shapeText(source.shape) : ""),
          ),
        ),
        entries.map(([name, value]) =>
          h(
            "tr",
            {},
            h("td", { class: "mono" }, name),
            h("td", { class: "mono", colspan: 2 }, h("div", { class: "option" }, String(value))),
          ),
        ),
      ),
    ),
  );
  parts.push(h("h4", {}, t("result")), node.value ? numbersOf(node.value, "value") : h("p", { class: "soft" }, t("noResult")));
  parts.push(heading(t("backwardPart"), "backward"), h("div", { class: "backward" }, backwardPart(node)));
  const kept = node.kept.reduce((sum, each) => sum + each.bytes, 0);
  parts.push(
    heading(t("kept"), "", bytes(kept)),
    node.kept.length
      ? h(
          "table",
          { class: "list" },
          h(
            "tbody",
            {},
            node.kept.map(each =>
              h(
                "tr",
                {},
                h("td", { class: "mono" }, each.name),
                h("td", { class: each.bytes ? "number" : "number soft" }, each.bytes ? bytes(each.bytes) : t("anyway")),
              ),
            ),
          ),
        )
      : h("p", { class: "soft" }, t("nothingKept")),
  );
  if (node.users.length) parts.push(heading(t("usedBy")), h("p", {}, list(node.users.map(user => goTo(user)))));
  return parts;
}
const list = items => items.flatMap((item, i) => (i ? [", ", item] : [item]));
/* What has arrived by this step: which gradients, from whom, and their sum. */
function arrivedPart(node, known) {
  const parts = [],
    seen = node.arrivals.filter(each => at === null || each.step <= at);
  if (!known.all && !known.visited)
    return [h("p", { class: "soft" }, node.visited === null ? t("noGradient") : t("later", node.visited + 1))];
  if (!known.complete && !seen.length)
    return [
      h(
        "p",
        { class: "soft" },
        goToStep(
          node.arrivals.length ? node.arrivals[0].step : node.visited,
          t("later", (node.arrivals.length ? node.arrivals[0].step : node.visited) + 1),
        ),
      ),
    ];
  if (!known.complete) parts.push(h("p", { class: "note" }, t("someLater", seen.length, known.all)));
  else if (known.all > 1) parts.push(h("p", { class: "note", "data-arrived": known.all }, t("met", known.all)));
  if (known.all > 1 || !known.g)
    for (const each of seen)
      parts.push(
        h("h4", {}, `${t("from")} `, goTo(each.from), `, d${each.operand}`),
        each.dx ? numbersOf(each.dx, "arrival") : null,
        summedPart(each, node),
      );
  if (known.g) parts.push(known.all > 1 ? h("h4", {}, "Σ") : null, numbersOf(known.g, "g"));
  return parts;
}
const summedPart = (each, node) =>
  each.summed_from ? h("p", { class: "note" }, t("summed", shapeText(each.summed_from), shapeText(node.shape))) : null;
function backwardPart(node) {
  const known = gradientOf(node, at),
    parts = [];
  parts.push(h("h4", {}, t("gradientIn"), " ", h("span", { class: "mono soft" }, "g")), arrivedPart(node, known));
  const operands = node.derivatives.filter(each => each.operand);
  const others = node.derivatives.filter(each => !operands.includes(each));
  for (const each of operands) {
    parts.push(h("h4", {}, t("derivativeOf", each.operand)), h("pre", { class: "derivative" }, each.source.trimEnd()));
    const own = known.visited
      ? steps[node.visited].to.filter(
          to =>
            to.operand === each.operand ||
            (to.operand.startsWith(each.operand) && !operands.some(other => other.operand === to.operand)),
        )
      : [];
    own.forEach(to => parts.push(outPart(to)));
    if (known.visited && !own.length) parts.push(h("p", { class: "soft" }, t("notAsked")));
  }
  if (known.visited)
    steps[node.visited].to
      .filter(to => !operands.some(each => to.operand.startsWith(each.operand)))
      .forEach(to => parts.push(outPart(to)));
  if (others.length)
    parts.push(
      h("h4", {}, t("shared")),
      others.map(each => h("pre", { class: "derivative" }, each.source.trimEnd())),
    );
  return parts;
}
function outPart(to) {
  const node = nodes.get(to.node);
  return h(
    "div",
    { "data-out": to.operand },
    h("p", { class: "soft" }, t("gradientOut", to.operand), node ? [": ", goTo(node)] : null),
    to.dx ? numbersOf(to.dx, "dx") : null,
    node ? summedPart(to, node) : null,
  );
}
function aboutLeaf(node) {
  const known = gradientOf(node, at);
  return [
    h("h2", {}, node.name || node.op),
    h(
      "p",
      { class: "facts" },
      h("span", {}, ofKind(node)),
      modulePart(node),
      h("span", { class: "mono" }, `${shapeText(node.shape)} ${node.dtype}`),
    ),
    node.source
      ? [
          heading(t("source")),
          h("pre", { class: "source" }, node.source.text),
          h("p", { class: "place" }, `${node.source.file}, ${t("line")} ${node.source.line}`),
        ]
      : null,
    heading(t("value"), "forward"),
    node.value ? numbersOf(node.value, "value") : h("p", { class: "soft" }, t("noResult")),
    heading(t("gradient"), "backward"),
    h(
      "div",
      { class: "backward" },
      node.op === "constant" && !known.all ? h("p", { class: "soft" }, t("constantNote")) : arrivedPart(node, known),
    ),
    node.users.length ? [heading(t("usedBy")), h("p", {}, list(node.users.map(user => goTo(user))))] : null,
  ];
}
