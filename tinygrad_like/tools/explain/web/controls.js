// ---- steps ------------------------------------------------------------------------------------------------------
function sayNow() {
  const now = $("now");
  if (at === null) {
    now.replaceChildren(t("all"));
    return;
  }
  const step = steps[at],
    node = nodes.get(step.node),
    parts = [
      h("b", {}, t("stepOf", at + 1, steps.length)),
      " · ",
      h("span", { class: step.phase }, t(step.phase === "forward" ? "phaseForward" : "phaseBackward")),
      t("colon"),
      h("b", {}, nameOf(node)),
    ];
  if (step.phase === "forward") parts.push(` ${t("computes")} ${shapeText(node.shape)}`);
  else {
    const n = node.arrivals.length;
    parts.push(
      t("stop"),
      n > 1 ? t("met", step.arrived) : n === 1 ? t("one") : t("start"),
      t("comma"),
      `‖g‖ = ${short(step.g.norm, 4)}`,
      t("stop"),
    );
    parts.push(
      step.to.length
        ? `${t("sends")} ${step.to.map(to => `${to.operand} (${nodes.has(to.node) ? nameOf(nodes.get(to.node)) : ""})`).join(", ")}`
        : t("ends"),
      t("stop").trim(),
    );
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
  $("slider").setAttribute(
    "aria-valuetext",
    at === null ? t("everything") : `${t("stepOf", at + 1, steps.length)}: ${nameOf(nodes.get(steps[at].node))}`,
  );
  const disabled = {
    first: at === 0,
    back: at === 0,
    forward: at === steps.length - 1,
    last: at === steps.length - 1,
    everything: at === null,
  };
  // not the attribute `disabled`, by which a button would lose the focus
  for (const [id, on] of Object.entries(disabled)) $(id).setAttribute("aria-disabled", String(on));
  if (at !== null) show(selected);
  drawCourse();
}
const next = () => go(at === null ? 0 : at + 1),
  previous = () => go(at === null ? steps.length - 1 : at - 1);
let playing = null;
function play(on) {
  clearInterval(playing);
  playing = on
    ? setInterval(() => {
        if (at === steps.length - 1) play(false);
        else next();
      }, 650)
    : null;
  $("play").textContent = on ? "❚❚" : "▷";
  $("play").setAttribute("aria-pressed", String(on));
}
/* The sizes of what each step made, on a scale of powers of ten: gradients that vanish or explode show as a slope. */
function drawCourse() {
  const canvas = $("course"),
    ratio = window.devicePixelRatio || 1,
    w = canvas.clientWidth,
    high = canvas.clientHeight;
  canvas.width = w * ratio;
  canvas.height = high * ratio;
  const pen = canvas.getContext("2d"),
    style = getComputedStyle(document.documentElement),
    colour = name => style.getPropertyValue(name).trim();
  pen.scale(ratio, ratio);
  const each = w / Math.max(1, steps.length),
    thumb = 16; // the slider's thumb stands under the middle of a step
  $("slider").style.width = `${w - each + thumb}px`;
  $("slider").style.marginLeft = `${(each - thumb) / 2}px`;
  const sizes = steps.map(step => {
    const about = step.phase === "forward" ? nodes.get(step.node).value : step.g;
    return about ? Math.log10(real(about.norm)) : NaN;
  });
  for (const phase of ["forward", "backward"]) {
    const known = sizes.filter((x, i) => Number.isFinite(x) && steps[i].phase === phase),
      most = Math.max(...known),
      least = Math.min(most - 2, ...known);
    steps.forEach((step, i) => {
      if (step.phase !== phase) return;
      const tall = Number.isFinite(sizes[i]) ? 4 + ((high - 5) * (sizes[i] - least)) / (most - least) : 3;
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
  if (item && open && reveal(item)) draw();
  else update();
  fill();
  if (item) {
    show(item, near);
    if (focus) {
      const element = elements.get(item.key) || elements.get(shownAs(item).key);
      if (element) element.g.focus({ preventScroll: true });
    }
  }
}
/* What was at a place of the screen stays there while a module opens or closes. */
function refold(change, anchor = null) {
  const before = anchor && elements.has(anchor.key) ? [anchor.X * eye.k + eye.x, anchor.Y * eye.k + eye.y] : null,
    hadFocus = document.activeElement && document.activeElement.dataset && document.activeElement.dataset.key;
  change();
  draw();
  if (before) {
    eye.x = before[0] - anchor.X * eye.k;
    eye.y = before[1] - anchor.Y * eye.k;
    look();
  } else if (selected && at !== null) show(selected);
  else fit(false);
  if (hadFocus) {
    const element = elements.get(hadFocus) || (focusItem() && elements.get(focusItem().key));
    if (element) element.g.focus({ preventScroll: true });
  }
  fill();
}
const toggle = group => refold(() => (folded.has(group) ? folded.delete(group) : folded.add(group)), group);
const openAll = () => refold(() => folded.clear()),
  closeAll = () =>
    refold(() => {
      for (const group of GROUPS) if (group.depth > 1 || GROUPS.filter(each => each.depth === 1).length > 1) folded.add(group);
    });
function extreme(largest) {
  const sorted = byNorm([...parameters]);
  if (!sorted.length) return;
  go(null);
  select((largest ? sorted[0] : sorted[sorted.length - 1]).of, { near: true, open: true, focus: true });
}

// ---- search -----------------------------------------------------------------------------------------------------
let listed = [],
  chosen = -1;
const textOf = item =>
  (item.kind === "group"
    ? item.path
    : [item.op, item.name, item.module, item.called, item.formula, item.source && item.source.text].filter(Boolean).join("\n")
  ).toLowerCase();
function search() {
  const asked = $("search").value.trim().toLowerCase(),
    list = $("found");
  listed = !asked
    ? []
    : [...GROUPS, ...nodes.values()].filter(item => asked.split(/\s+/).every(word => textOf(item).includes(word)));
  listed = listed
    .map((item, i) => [(item.kind === "group" ? item.name : label(item)).toLowerCase().startsWith(asked) ? 0 : 1, i, item])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    .map(each => each[2]);
  matches = new Set(listed);
  chosen = listed.length ? 0 : -1;
  const first = listed.slice(0, 60);
  list.replaceChildren(
    ...first.map((item, i) =>
      h(
        "li",
        { role: "option", id: `found-${i}`, "data-i": i },
        item.kind === "group"
          ? `▣ ${item.path}`
          : [h("b", {}, nameOf(item)), h("span", { class: "soft" }, `  ${shapeText(item.shape)}  ${item.module}`)],
      ),
    ),
    ...(asked
      ? [
          h(
            "li",
            { class: "note", role: "presentation" },
            !listed.length ? t("nothing") : listed.length > 60 ? t("more", listed.length - 60) : t("matches", listed.length),
          ),
        ]
      : []),
  );
  list.hidden = !asked;
  $("search").setAttribute("aria-expanded", String(!list.hidden));
  choose(chosen);
  update();
}
function choose(i) {
  chosen = i;
  [...$("found").querySelectorAll("[role=option]")].forEach((option, n) => {
    option.setAttribute("aria-selected", String(n === i));
    if (n === i) option.scrollIntoView({ block: "nearest" });
  });
  if (i >= 0) $("search").setAttribute("aria-activedescendant", `found-${i}`);
  else $("search").removeAttribute("aria-activedescendant");
}
function closeFound() {
  $("found").hidden = true;
  $("search").setAttribute("aria-expanded", "false");
}
function take(i) {
  if (listed[i]) {
    closeFound();
    if (at !== null) go(null);
    select(listed[i], { near: true, open: true, focus: true });
  }
}
$("search").addEventListener("input", search);
$("search").addEventListener("focus", () => {
  if ($("search").value.trim()) search();
});
$("search").addEventListener("blur", () => setTimeout(closeFound, 150));
$("search").addEventListener("keydown", event => {
  const n = Math.min(60, listed.length);
  if (event.key === "ArrowDown" && n) choose((chosen + 1) % n);
  else if (event.key === "ArrowUp" && n) choose((chosen + n - 1) % n);
  else if (event.key === "Enter") take(Math.max(0, chosen));
  else if (event.key === "Escape") {
    $("search").value = "";
    search();
    $("search").blur();
  } else return;
  event.preventDefault();
  event.stopPropagation();
});
$("found").addEventListener("pointerdown", event => {
  const option = event.target.closest("[data-i]");
  if (option) {
    event.preventDefault();
    take(Number(option.dataset.i));
  }
});

// ---- pointer ----------------------------------------------------------------------------------------------------
const fingers = new Map();
let moved = 0,
  dragged = false;
$("drawing").addEventListener(
  "wheel",
  event => {
    event.preventDefault();
    const box = $("drawing").getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), event.clientX - box.left, event.clientY - box.top);
  },
  { passive: false },
);
$("drawing").addEventListener("pointerdown", event => {
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  moved = 0;
  dragged = false;
});
window.addEventListener("pointermove", event => {
  const old = fingers.get(event.pointerId);
  if (!old) return;
  const dx = event.clientX - old[0],
    dy = event.clientY - old[1];
  moved += Math.abs(dx) + Math.abs(dy);
  if (moved < 5 && !dragged) return;
  dragged = true;
  if (fingers.size === 2) {
    const other = [...fingers].find(([id]) => id !== event.pointerId)[1],
      box = $("drawing").getBoundingClientRect();
    const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
    zoom(far([event.clientX, event.clientY], other) / far(old, other), other[0] - box.left, other[1] - box.top);
  } else {
    eye.x += dx;
    eye.y += dy;
    eye.fitted = null;
    look();
  }
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
});
for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, event => fingers.delete(event.pointerId));
$("drawing").addEventListener("click", event => {
  if (dragged) return;
  const element = event.target.closest("[data-key]"),
    item = element && byKey.get(element.dataset.key);
  if (!item) {
    if (at === null) select(null);
    return;
  }
  if (item.kind === "group" && event.target.closest(".toggle")) {
    selected = item;
    toggle(item);
  } else select(item, { focus: true });
});
$("drawing").addEventListener("dblclick", event => {
  const element = event.target.closest("[data-key]"),
    item = element && byKey.get(element.dataset.key);
  if (item && item.kind === "group" && !event.target.closest(".toggle")) toggle(item);
});
$("panel").addEventListener("click", event => {
  const from = event.target.closest("[data-go], [data-step], [data-fold]");
  if (!from) return;
  if (from.dataset.fold) toggle(byKey.get(from.dataset.fold));
  else if (from.dataset.step) go(Number(from.dataset.step));
  else if (from.dataset.go === "") {
    go(null);
    select(null);
  } else select(byKey.get(from.dataset.go), { open: true, near: true });
  $("panel").focus({ preventScroll: true });
});

// ---- keys and buttons -------------------------------------------------------------------------------------------
function neighbour(down) {
  if (!selected || (!elements.has(shownAs(selected).key) && !elements.has(selected.key))) {
    const first = focusItem();
    return first;
  }
  const from = shownAs(selected);
  if (from.kind === "group" && !folded.has(from)) return down ? from.children[0] : neighbourOf(from.all, false, from);
  return neighbourOf(from.kind === "group" ? from.all : [selected], down, from);
}
function neighbourOf(members, down, from) {
  for (const node of members)
    for (const other of down
      ? node.users
      : [...node.sources.filter(each => each && !each.host), ...node.sources.filter(each => each && each.host)])
      if (!members.includes(other) && shownAs(other) !== from)
        return other.host && elements.has(other.key) ? other : shownAs(other);
  return null;
}
const KEYS = {
  ArrowRight: next,
  ArrowLeft: previous,
  Home: () => go(0),
  End: () => go(steps.length - 1),
  " ": () => play(playing === null),
  Escape: () => {
    play(false);
    go(null);
    select(null);
  },
  "+": () => zoom(1.3),
  "=": () => zoom(1.3),
  "-": () => zoom(1 / 1.3),
  0: () => fit(),
  "/": () => {
    $("search").focus();
    $("search").select();
  },
  g: () => extreme(true),
  s: () => extreme(false),
  e: openAll,
  c: closeAll,
  l: () => speak(language === "en" ? "zh" : "en"),
  "?": () => about(),
};
$("about").addEventListener("keydown", event => {
  if (event.key !== "Escape" && event.key !== "?") return;
  closeAbout(); // at once: the browser would do it a little later
  event.preventDefault();
});
function closeAbout() {
  document.activeElement.blur(); // else keys would still go to a button that is no longer seen
  $("about").close();
}
document.addEventListener("keydown", event => {
  const target = event.target,
    typing = target.closest("input, dialog"),
    key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey || event.altKey || (typing && target.id !== "slider")) return;
  if (target.id === "slider" && (key === "ArrowUp" || key === "ArrowDown")) (key === "ArrowUp" ? next : previous)();
  else if (event.shiftKey && key.startsWith("Arrow")) {
    eye.x += { ArrowLeft: 80, ArrowRight: -80 }[key] || 0;
    eye.y += { ArrowUp: 80, ArrowDown: -80 }[key] || 0;
    eye.fitted = null;
    look();
  } else if ((key === "ArrowUp" || key === "ArrowDown") && !target.closest("#panel, header, footer")) {
    const item = neighbour(key === "ArrowDown");
    if (item) select(item, { focus: true });
  } else if (key === "Enter" && target.closest("[data-key]")) {
    const item = byKey.get(target.closest("[data-key]").dataset.key);
    if (item.kind === "group") {
      selected = item;
      toggle(item);
    } else select(item, { focus: true });
  } else if (key === " " && target.closest("button, summary")) return;
  else if (KEYS[key] && !(target.closest("#panel") && (key === "Home" || key === "End"))) KEYS[key]();
  else return;
  event.preventDefault();
});
const BUTTONS = {
  first: () => go(0),
  back: previous,
  forward: next,
  last: () => go(steps.length - 1),
  play: () => play(playing === null),
  everything: () => {
    play(false);
    go(null);
  },
  largest: () => extreme(true),
  smallest: () => extreme(false),
  expand: openAll,
  collapse: closeAll,
  closer: () => zoom(1.3),
  farther: () => zoom(1 / 1.3),
  fit: () => fit(),
  help: () => about(),
};
for (const [id, act] of Object.entries(BUTTONS)) $(id).addEventListener("click", act);
$("slider").max = Math.max(1, steps.length);
$("slider").addEventListener("input", () => go(Number($("slider").value) - 1));
for (const button of $("languages").children) button.addEventListener("click", () => speak(button.value));
function about() {
  const close = h("button", { type: "button", click: closeAbout }, t("close"));
  $("about").replaceChildren(
    h("h2", { id: "about-title" }, t("keys").replace("?", "").trim()),
    h(
      "table",
      {},
      h(
        "tbody",
        {},
        t("keyHelp").map(([keys, what]) => h("tr", {}, h("td", {}, h("kbd", {}, keys)), h("td", {}, what))),
      ),
    ),
    close,
  );
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
  $("legend").replaceChildren(
    ...[
      ["legendOp", "--soft", "--sheet"],
      ["legendParameter", "--parameter", "--parameter-wash"],
      ["legendArrived", "--gradient", "--gradient-wash"],
      ["legendCurrent", "--current", "--sheet"],
    ].map(([key, line, wash]) => {
      const swatch = h("i");
      swatch.style.borderColor = `var(${line})`;
      swatch.style.background = `var(${wash})`;
      return h("span", {}, swatch, t(key));
    }),
  );
  draw(); // closed modules say how much is in them
  go(at);
}

$("title").textContent = data.title;
document.title = data.title;
foldToFit(45);
language = data.language || (/^zh/i.test(navigator.language) ? "zh" : "en");
speak(language);
fit(false);
new ResizeObserver(() => {
  if (eye.fitted) fit(eye.fitted.whole);
  drawCourse();
}).observe($("graph")); // a notebook's frame has no size yet
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCourse);
