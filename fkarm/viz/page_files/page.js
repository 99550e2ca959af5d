"use strict";
// Sliders move the links. The scene is JSON that Python wrote; lengths in m, angles in rad.

const scene = JSON.parse(document.getElementById("scene").textContent);
const robot = scene.robot;
const q = [...scene.q];
const shown = {
  robot: !scene.bodies_cover, bodies: scene.bodies !== null,
  obstacles: true, frames: false, others: scene.others.length > 0, targets: true,
};
const $ = (id) => document.getElementById(id);
const renderer = new Renderer(document.querySelector("canvas"));
const camera = new Camera(scene.centre, scene.span);

function element(parent, tag, properties = {}) {
  return parent.appendChild(Object.assign(document.createElement(tag), properties));
}

function unpack(text, Type) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Type(bytes.buffer);
}

const solids = scene.solids.map(({ link, colour, vertices, faces }) => ({
  link, colour, solid: renderer.solid(unpack(vertices, Float32Array), unpack(faces, Uint32Array)),
}));
const obstacles = scene.obstacles.map(({ colour, vertices, faces }) => [
  renderer.solid(unpack(vertices, Float32Array), unpack(faces, Uint32Array)), IDENTITY,
  [...colour.map((x) => x / 255), scene.obstacle_opacity],
]);
const bodies = scene.bodies && new Bodies(scene.bodies, renderer);

// Bars of length 1 along x, y and z; poses scale them. Corner k has the bits of k as coordinates.
const BAR_FACES = [
  [0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5],
];
const bars = [0, 1, 2].map((axis) => {
  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => [0, 1, 2].map((i) => {
    const bit = (k >> i) & 1;
    return i === axis ? bit : 0.03 * (2 * bit - 1);
  }));
  const points = BAR_FACES.flatMap((face) => face.flatMap((k) => corners[k]));
  const faces = [0, 1, 2, 3, 4, 5].flatMap((k) => [0, 1, 2, 0, 2, 3].map((i) => 4 * k + i));
  return renderer.solid(points, faces);
});
const GHOST = [0.35, 0.55, 0.8, 0.22];
const AXES = [[0.88, 0.19, 0.19, 1], [0.18, 0.62, 0.27, 1], [0.11, 0.36, 0.84, 1]];

function drawFrame(pose, length) {
  const scale = pose.map((entry, k) => (k < 12 ? entry * length : entry));
  bars.forEach((bar, axis) => renderer.drawSolid(bar, scale, AXES[axis]));
}

function gridLines(colour) {
  const step = 10 ** Math.floor(Math.log10(scene.span / 2.5)), reach = 10 * step, lines = [];
  const [x, y] = scene.centre.map((place) => step * Math.round(place / step));
  for (let k = -10; k <= 10; k++) {
    const place = k * step;
    lines.push({ from: [x + place, y - reach, 0], to: [x + place, y + reach, 0], colour });
    lines.push({ from: [x - reach, y + place, 0], to: [x + reach, y + place, 0], colour });
  }
  return lines;
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");
let grid;
function setColours() {
  grid = renderer.lineSet(gridLines(dark.matches ? [0.22, 0.25, 0.29] : [0.85, 0.87, 0.9]));
  draw();
}

function draw() {
  const poses = linkPoses(robot, q);
  renderer.begin(camera, dark.matches ? [0.106, 0.122, 0.141] : [0.965, 0.969, 0.976]);
  renderer.drawLines(grid, IDENTITY);
  for (const { link, colour, solid } of shown.robot ? solids : [])
    renderer.drawSolid(solid, poses[link], [...colour.map((x) => x / 255), 1]);
  drawFrame(poses[robot.root], 0.12 * scene.size);
  drawFrame(poses[scene.link], 0.12 * scene.size);
  if (shown.frames)
    for (const link of robot.links) drawFrame(poses[link], 0.07 * scene.size);
  if (shown.targets) for (const pose of scene.targets) drawFrame(pose, 0.15 * scene.size);
  const distances = bodies && bodies.distances(poses);
  if (shown.bodies) bodies.draw(renderer, poses, distances);
  if (shown.others)
    for (const other of scene.others) {
      if (other.every((x, k) => Math.abs(x - q[k]) < 1e-3)) continue; // the robot itself
      const its = linkPoses(robot, other);
      renderer.drawSeeThrough(solids.map(({ link, solid }) => [solid, its[link], GHOST]));
    }
  if (shown.obstacles) renderer.drawSeeThrough(obstacles);
  if (bodies) $("nearest").textContent = bodies.nearest(distances);
  showPose(poses[scene.link]);
}

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

// Position in mm and roll, pitch, yaw in degrees of the link that the viewer is about.
function showPose(pose) {
  const degrees = (angle) => ((180 / Math.PI) * angle).toFixed(1);
  const [xx, xy, xz, , , , yz, , , , zz] = pose;
  const rpy = [Math.atan2(yz, zz), Math.atan2(-xz, Math.hypot(xx, xy)), Math.atan2(xy, xx)];
  const lines = {
    [scene.link]: "in " + robot.root,
    "x y z": pose.slice(12, 15).map((x) => (1000 * x).toFixed(1)).join(", ") + " mm",
    "roll pitch yaw": rpy.map(degrees).join(", ") + " °",
    "q": q.map((x) => x.toFixed(4)).join(", "),
  };
  $("pose").replaceChildren();
  for (const [name, text] of Object.entries(lines)) {
    element($("pose"), "dt", { textContent: name });
    element($("pose"), "dd", { textContent: text });
  }
}

const sliders = scene.sliders.map(({ label, symbol, unit, lower, upper, is_limited }, k) => {
  const box = element($("sliders"), "div", { className: "slider" });
  const range = { min: lower, max: upper, step: "any" };
  element(box, "label", { textContent: label, title: label, htmlFor: `slider-${k}` });
  const value = element(box, "span", { className: "value" });
  const number = element(value, "input", { type: "number", step: "any", ariaLabel: label });
  element(value, "span", { className: "unit", textContent: " " + symbol });
  const slider = element(box, "input", { type: "range", id: `slider-${k}`, ...range });
  const ends = element(box, "div", { className: "ends" });
  for (const end of [lower, upper])
    element(ends, "span", { textContent: is_limited ? String(+end.toFixed(1)) : "no limit" });
  const set = (input) => {
    if (!Number.isFinite(input.valueAsNumber)) return;
    q[k] = input.valueAsNumber * unit;
    (input === slider ? show : () => { slider.value = input.value; })();
    stop();
    redraw();
  };
  const show = () => {
    slider.value = q[k] / unit;
    number.value = (q[k] / unit).toFixed(unit === 1 ? 3 : 1);
  };
  slider.addEventListener("input", () => set(slider));
  number.addEventListener("input", () => set(number));
  return { show };
});

function setConfiguration(values) {
  values.forEach((value, k) => { q[k] = value; });
  sliders.forEach((slider) => slider.show());
  redraw();
}

element($("buttons"), "button", { textContent: "Reset" }).addEventListener("click", () => {
  stop();
  setConfiguration(scene.q);
});
function addSwitch(name, text) {
  const label = element($("buttons"), "label", { className: "switch" });
  const box = element(label, "input", { type: "checkbox", id: name, checked: shown[name] });
  label.append(text);
  box.addEventListener("change", () => { shown[name] = box.checked; redraw(); });
}
if (bodies) addSwitch("robot", "robot");
if (bodies) addSwitch("bodies", "bodies");
if (obstacles.length) addSwitch("obstacles", "obstacles");
addSwitch("frames", "frames");
if (scene.others.length) addSwitch("others", `${scene.others.length} configurations`);
if (scene.targets.length) addSwitch("targets", "targets");

// ---- a path

let stop = () => {};
if (scene.path.length > 1) {
  $("path").hidden = false;
  const end = scene.times[scene.times.length - 1];
  const button = element($("path"), "button", { textContent: "Play" });
  const time = element($("path"), "input", {
    type: "range", min: 0, max: end, step: "any", ariaLabel: "time on the path",
  });
  time.value = 0;
  const text = element($("path"), "span", { className: "time" });
  const speed = element($("path"), "select", { ariaLabel: "speed" });
  for (const factor of [0.1, 0.25, 0.5, 1, 2, 4])
    element(speed, "option", { value: factor, textContent: `${factor} ×`, selected: factor === 1 });
  let before = null; // when the last picture of a path that plays was drawn, ms
  const write = () => { text.textContent = `${(+time.value).toFixed(2)} s`; };
  // Between two configurations of the path the entries go straight.
  const show = () => {
    let k = scene.times.findIndex((x) => x > +time.value) - 1;
    if (k < 0) k = scene.times.length - 2; // at the end
    const [from, to] = [scene.times[k], scene.times[k + 1]];
    const share = Math.min(1, (+time.value - from) / (to - from));
    setConfiguration(scene.path[k].map((x, i) => x + share * (scene.path[k + 1][i] - x)));
    write();
  };
  const tick = (now) => {
    if (before === null) return;
    time.value = Math.min(end, +time.value + (+speed.value * Math.max(0, now - before)) / 1000);
    before = now;
    show();
    if (+time.value < end) requestAnimationFrame(tick); else stop();
  };
  stop = () => { before = null; button.textContent = "Play"; };
  time.addEventListener("input", () => { stop(); show(); });
  button.addEventListener("click", () => {
    if (before !== null) return stop();
    button.textContent = "Pause";
    if (+time.value >= end) time.value = 0;
    before = performance.now();
    requestAnimationFrame(tick);
  });
  write();
}

// ---- the view

const fingers = new Map();
const canvas = renderer.canvas;
canvas.addEventListener("contextmenu", (event) => event.preventDefault());
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, event);
  $("hint").hidden = true;
});
for (const end of ["pointerup", "pointercancel"])
  canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));
canvas.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const scale = 1 / canvas.clientHeight;
  const dx = scale * (event.clientX - before.clientX), dy = scale * (event.clientY - before.clientY);
  if (fingers.size > 1) {
    const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    const apart = (a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY);
    camera.zoom(apart(before) / Math.max(apart(event), 1));
    camera.pan(dx / 2, dy / 2);
  } else if (event.buttons & 2 || event.shiftKey) camera.pan(dx, dy);
  else camera.orbit(4 * dx, 4 * dy);
  fingers.set(event.pointerId, event);
  redraw();
});
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  camera.zoom(Math.exp(0.001 * event.deltaY));
  redraw();
}, { passive: false });

document.querySelector("h1").textContent = robot.name;
sliders.forEach((slider) => slider.show());
dark.addEventListener("change", setColours);
new ResizeObserver(redraw).observe(canvas);
setColours();
