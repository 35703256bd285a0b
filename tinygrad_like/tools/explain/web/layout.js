// ---- layout -----------------------------------------------------------------------------------------------------
const GAP = { x: 26, thin: 16, y: 30, title: 34, side: 14, bottom: 16 };
const pencil = document.createElement("canvas").getContext("2d");
const widths = new Map();
function width(text, font) {
  const key = font + text;
  if (!widths.has(key)) {
    pencil.font = font;
    widths.set(key, pencil.measureText(text).width);
  }
  return widths.get(key);
}
const FONT = {
  name: "600 13px system-ui, sans-serif",
  of: "11.5px system-ui, sans-serif",
  small: "11px ui-monospace, monospace",
  leaf: "500 12px system-ui, sans-serif",
};
const G_WIDTH = 84; // room for "‖g‖ 1.23e-4"
const clipped = (text, n) => (text.length > n ? text.slice(0, n - 1) + "…" : text);

function sizeOf(node) {
  node.title = clipped(node.isOp ? node.op : node.host ? lastPart(node.name) || node.op : node.name || node.op, 40);
  node.by = node.isOp ? clipped([node.called, node.name && `→ ${node.name}`].filter(Boolean).join("  "), 36) : "";
  node.small = shapeText(node.shape);
  const wantsRoom =
    node.arrivals.length || node.visited !== null
      ? G_WIDTH + (node.arrivals.length > 1 ? 8 + 7 * String(node.arrivals.length).length : 0)
      : 0;
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
  const holder = item => (item.kind === "group" ? item.parent : item.group);
  for (const node of nodes.values())
    for (const source of new Set(node.sources)) {
      if (!source || source.host) continue;
      const a = shownAs(source),
        b = shownAs(node);
      if (a === b) continue;
      let at = a,
        group = holder(a);
      const path = [],
        down = [];
      let common = holder(b);
      while (!inside(group, common)) {
        down.unshift(common);
        common = common.parent;
      }
      while (group !== common) {
        path.push(link(group, at, port(group, "outs", source), source));
        at = group;
        group = group.parent;
      }
      for (const inner of down) {
        path.push(link(group, at, inner, source));
        at = port(inner, "ins", source);
        group = inner;
      }
      path.push(link(group, at, b, source));
      const key = `${a.key}>${b.key}>${source.id}`;
      if (!edges.has(key)) edges.set(key, { key, source, to: [], a, b, path });
      edges.get(key).to.push(node);
    }
  place(root);
  const items = [];
  (function settle(group, x, y) {
    group.x = x;
    group.y = y;
    for (const item of group.placed) {
      item.X = x + item.x;
      item.Y = y + item.y;
      if (item.kind === "group" && !folded.has(item)) {
        items.push(item);
        settle(item, item.X, item.Y);
        item.x = item.X;
        item.y = item.Y;
      } else if (item.key[0] === "n" || item.kind === "group") items.push(item);
    }
    for (const each of group.links.values()) each.points = each.points.map(([px, py]) => [px + x, py + y]);
  })(root, 0, 0);
  drawn = { items, edges: [...edges.values()] };
}

/* Where a line enters and leaves, from the left of the item: at a port of an open module, else in the middle. */
const isPoint = item => item.kind === "ins" || item.kind === "outs" || item.kind === "bend";
const portX = (item, side, node) =>
  isPoint(item) ? 0 : item.kind === "group" && !folded.has(item) ? item[side].get(node).x : item.box.left + item.w / 2;
/* Several lines enter side by side, in the order in which they come; one that comes straight from above stays in the middle. */
function sideBySide(item, links, from) {
  const middle = item.x + item.box.left + item.w / 2,
    x = each => from(each),
    sorted = [...links].sort((a, b) => x(a) - x(b));
  const straight = sorted.findIndex(each => Math.abs(x(each) - middle) < 1);
  sorted.forEach((each, i) => {
    const before = straight < 0 ? 0 : straight,
      after = sorted.length - 1 - before;
    if (straight < 0) each.enters = item.box.left + (item.w * (i + 1)) / (sorted.length + 1);
    else
      each.enters =
        item.box.left +
        (item.w / 2) * (1 + (i < straight ? (i - before) / (before + 1) : i > straight ? (i - straight) / (after + 1) : 0));
  });
}

/* Place what is directly in a group: layers by the longest way from the top, an order within each that crosses few lines,
   and then positions as near as can be to what each is connected with. */
function place(group) {
  const links = [...group.links.values()];
  for (const item of group.children) {
    if (item.kind !== "group") {
      item.box = boxOf(item);
      continue;
    }
    if (!folded.has(item)) {
      place(item);
      continue;
    }
    item.title = clipped(item.name, 40);
    item.small = `${t("ops", item.ops)}${item.parameters ? ` · ${t("params", item.parameters)}` : ""}`;
    item.w = Math.ceil(Math.max(width(item.title, FONT.name) + 26, width(item.small, FONT.of), 100) + 24);
    item.h = 46;
    item.box = { w: item.w, h: item.h + 4, left: 0 };
  }
  // layers
  const ins = [...group.ins.values()],
    outs = [...group.outs.values()],
    items = [...ins, ...group.children, ...outs];
  const after = new Map(items.map(item => [item, []])),
    before = new Map(items.map(item => [item, []]));
  for (const each of links) {
    after.get(each.from).push(each);
    before.get(each.to).push(each);
  }
  const rank = new Map(items.map(item => [item, ins.length && item.kind !== "ins" ? 1 : 0]));
  for (const item of items) for (const each of after.get(item)) rank.set(each.to, Math.max(rank.get(each.to), rank.get(item) + 1));
  const early = item =>
    item.kind !== "ins" &&
    after.get(item).length &&
    before.get(item).every(each => each.from.kind === "ins" || each.from.op === "constant");
  for (const item of [...items].reverse())
    if (early(item))
      // what hangs on nothing above stands near what uses it
      rank.set(item, Math.max(rank.get(item), Math.min(...after.get(item).map(each => rank.get(each.to))) - 1));
  const last = Math.max(0, ...group.children.map(item => rank.get(item))) + 1;
  for (const item of outs) rank.set(item, last);
  const layers = Array.from({ length: outs.length ? last + 1 : last }, () => []);
  for (const item of items) layers[rank.get(item)].push(item);
  // A line over several layers bends in each, and lines from one place go together as far as they can: a trunk with branches.
  // Where that makes too many bends, long lines have none.
  const trunks = new Map(),
    near = new Map(items.map(item => [item, { up: [], down: [] }]));
  const join = (a, b, node) => {
    if (near.get(a).down.some(one => one.other === b && one.node === node)) return;
    const own = portX(a, "outs", node),
      its = portX(b, "ins", node),
      bends = (a.kind === "bend") + (b.kind === "bend"),
      weight = [2, 1, 6][bends];
    near.get(a).down.push({ other: b, own, its, weight, node });
    near.get(b).up.push({ other: a, own: its, its: own, weight, node });
  };
  let bends = 0;
  for (const each of links) {
    const key = `${each.from.key}|${each.node.id}`,
      from = rank.get(each.from),
      to = rank.get(each.to);
    if (!trunks.has(key)) trunks.set(key, []);
    const trunk = trunks.get(key),
      tooLong = bends > 6000 && to - from > 8;
    for (let r = from + 1 + trunk.length; r < to && !tooLong; r++) {
      const bend = { kind: "bend", key: "", w: 0, h: 0, rank: r };
      near.set(bend, { up: [], down: [] });
      layers[r].push(bend);
      trunk.push(bend);
      bends++;
    }
    each.chain = [each.from, ...(tooLong ? [] : trunk.slice(0, to - from - 1)), each.to];
    for (let i = 1; i < each.chain.length && !tooLong; i++) join(each.chain[i - 1], each.chain[i], each.node);
  }
  // order
  const wide = item => (item.kind === "group" && !folded.has(item) ? item.w : item.box ? item.box.w : item.w);
  const high = item => (item.kind === "group" && !folded.has(item) ? item.h : item.box ? item.box.h : item.h);
  const order = new Map();
  const number = layer => layer.forEach((item, i) => order.set(item, i));
  layers.forEach(number);
  if (layers.some(layer => layer.length > 1))
    for (let round = 0; round < 6; round++)
      for (let i = 0; i < layers.length; i++) {
        const layer = layers[round % 2 ? layers.length - 1 - i : i],
          side = round % 2 ? "down" : "up";
        if (layer.length < 2) continue;
        const at = new Map(
          layer.map(item => {
            const ones = near.get(item)[side];
            return [
              item,
              ones.length
                ? ones.reduce((sum, one) => sum + order.get(one.other) + one.its / (wide(one.other) + 1), 0) / ones.length
                : order.get(item),
            ];
          }),
        );
        layer.sort((a, b) => at.get(a) - at.get(b));
        number(layer);
      }
  // positions
  const gap = (a, b) => (a.kind === "bend" || b.kind === "bend" || !a.box || !b.box ? GAP.thin : GAP.x);
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
    if (r === 0 && ins.length) {
      rows.push([0, 0]);
      return;
    }
    if (r === last && outs.length) {
      rows.push([y - GAP.y + GAP.bottom, 0]);
      return;
    }
    const tall = layer.reduce((most, item) => Math.max(most, high(item)), 0);
    rows.push([y, tall]);
    y += tall + GAP.y + Math.min(30, Math.max(0, layer.length - 3) * 3);
  });
  group.h = y - GAP.y + (group === root ? 0 : GAP.bottom);
  if (outs.length) rows[last] = [group.h, 0];
  layers.forEach((layer, r) => {
    for (const item of layer) item.y = rows[r][0] + (rows[r][1] - high(item)) / 2;
  });
  group.placed = group.children;
  for (const item of group.children)
    if ((item.kind !== "group" || folded.has(item)) && before.get(item).length > 1)
      sideBySide(item, before.get(item), each => {
        const last = each.chain[each.chain.length - 2];
        return last.x + portX(last, "outs", each.node);
      });
  for (const each of links) {
    const points = each.chain.map((item, i) => {
      const [top, tall] = item.kind === "bend" ? rows[item.rank] : [item.y, high(item)];
      const own = item.kind !== "group" && item.box ? (item.box.h - item.h) / 2 : 0,
        [row, rowTall] = item.kind === "bend" ? [0, 0] : rows[rank.get(item)];
      if (i === 0) {
        // straight down beside what is taller, and only then aside
        const x = item.x + portX(item, "outs", each.node),
          y = top + tall - own;
        return row + rowTall > y + 1
          ? [
              [x, y],
              [x, row + rowTall],
            ]
          : [[x, y]];
      }
      if (i === each.chain.length - 1) {
        const x = item.x + (each.enters === undefined ? portX(item, "ins", each.node) : each.enters),
          y = top + own;
        return row < y - 1
          ? [
              [x, row],
              [x, y],
            ]
          : [[x, y]];
      }
      return tall > 1
        ? [
            [item.x, top],
            [item.x, top + tall],
          ]
        : [[item.x, top]];
    });
    each.points = points.flat();
  }
}
/* Where each thing of each layer stands, from the left.  Lines are made straight first: two things of neighbouring layers that are
   joined become parts of one block, bends before all, then what is in the middle; lines of different blocks do not cross.  Then
   blocks move, as far as their neighbours let them, to where their other lines are shortest.  (After Brandes and Köpf 2001.) */
function straight(layers, near, order, wide, gap) {
  const joints = [],
    up = new Map(),
    down = new Map();
  layers.forEach((layer, r) =>
    layer.forEach(a => {
      const ones = [...near.get(a).down].sort((p, q) => order.get(p.other) - order.get(q.other) || p.its - q.its);
      ones.forEach((one, i) => {
        const back = near.get(one.other).up,
          j = [...back]
            .sort((p, q) => order.get(p.other) - order.get(q.other) || p.its - q.its)
            .findIndex(each => each.other === a);
        const bends = (a.kind === "bend") + (one.other.kind === "bend");
        joints.push({
          a,
          b: one.other,
          r,
          shift: one.own - one.its,
          first: [1, 2, 0][bends],
          off: Math.abs(i - (ones.length - 1) / 2) + Math.abs(j - (back.length - 1) / 2),
        });
      });
    }),
  );
  joints.sort((p, q) => p.first - q.first || p.off - q.off);
  const taken = layers.map(() => []);
  for (const { a, b, r, shift } of joints) {
    const i = order.get(a),
      j = order.get(b);
    if (down.has(a) || up.has(b) || taken[r].some(([p, q]) => (p - i) * (q - j) < 0)) continue;
    taken[r].push([i, j]);
    down.set(a, b);
    up.set(b, { a, shift });
  }
  const blocks = [],
    blockOf = new Map();
  for (const layer of layers)
    for (const item of layer) {
      const above = up.get(item),
        block = above ? blockOf.get(above.a) : { members: [], x: 0 };
      if (!above) blocks.push(block);
      block.members.push({ item, shift: above ? block.members[block.members.length - 1].shift + above.shift : 0 });
      blockOf.set(item, block);
    }
  const shiftOf = new Map(blocks.flatMap(block => block.members.map(({ item, shift }) => [item, shift])));
  for (const block of blocks) {
    block.left = [];
    block.right = [];
    block.pulls = [];
  }
  for (const layer of layers)
    for (let i = 1; i < layer.length; i++) {
      const a = layer[i - 1],
        b = layer[i],
        space = shiftOf.get(a) + wide(a) + gap(a, b) - shiftOf.get(b);
      blockOf.get(b).left.push({ block: blockOf.get(a), space });
      blockOf.get(a).right.push({ block: blockOf.get(b), space });
    }
  for (const block of blocks)
    for (const { item, shift } of block.members)
      for (const side of ["up", "down"])
        for (const one of near.get(item)[side])
          if (blockOf.get(one.other) !== block)
            block.pulls.push({
              block: blockOf.get(one.other),
              by: shiftOf.get(one.other) + one.its - shift - one.own,
              weight: one.weight,
            });
  // as far left as can be, from left to right
  const waiting = new Map(blocks.map(block => [block, block.left.length])),
    sorted = blocks.filter(block => !block.left.length);
  for (const block of sorted)
    for (const { block: other, space } of block.right) {
      other.x = Math.max(other.x, block.x + space);
      waiting.set(other, waiting.get(other) - 1);
      if (!waiting.get(other)) sorted.push(other);
    }
  for (let round = 0; round < 8; round++)
    for (const block of round % 2 ? sorted : [...sorted].reverse()) {
      if (!block.pulls.length) continue;
      const weights = block.pulls.reduce((sum, one) => sum + one.weight, 0),
        wish = block.pulls.reduce((sum, one) => sum + one.weight * (one.block.x + one.by), 0) / weights;
      const low = block.left.reduce((most, one) => Math.max(most, one.block.x + one.space), -Infinity),
        high = block.right.reduce((least, one) => Math.min(least, one.block.x - one.space), Infinity);
      block.x = Math.max(low, Math.min(high, wish));
    }
  return new Map([...blockOf].map(([item, block]) => [item, block.x + shiftOf.get(item)]));
}
function curve(points) {
  let path = `M${points[0][0].toFixed(1)} ${points[0][1].toFixed(1)}`;
  for (let i = 1; i < points.length; i++) {
    const [x0, y0] = points[i - 1],
      [x1, y1] = points[i],
      middle = ((y0 + y1) / 2).toFixed(1);
    path +=
      Math.abs(x0 - x1) < 0.6
        ? `L${x1.toFixed(1)} ${y1.toFixed(1)}`
        : `C${x0.toFixed(1)} ${middle} ${x1.toFixed(1)} ${middle} ${x1.toFixed(1)} ${y1.toFixed(1)}`;
  }
  return path;
}
