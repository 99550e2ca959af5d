"use strict";
// Spheres and capsules on links, coloured by their distance from what is nearest and counts.

// A point in the frame that a matrix describes.
function placed(pose, [x, y, z]) {
  return [0, 1, 2].map((k) => pose[k] * x + pose[4 + k] * y + pose[8 + k] * z + pose[12 + k]);
}

// The distance of two segments: the squared distance of points at shares of them is convex, so it is
// smallest inside both, or where a segment's end is projected on the other segment.
function segmentDistance([a, aEnd], [b, bEnd]) {
  const u = minus(aEnd, a), v = minus(bEnd, b), gap = minus(a, b);
  const uu = dot(u, u), vv = dot(v, v), uv = dot(u, v), ug = dot(u, gap), vg = dot(v, gap);
  const share = (over, under) => (under > 0 ? Math.min(1, Math.max(0, over / under)) : 0);
  const s = share(uv * vg - vv * ug, uu * vv - uv * uv);
  const shares = [
    [s, share(uv * s + vg, vv)], [0, share(vg, vv)], [1, share(uv + vg, vv)],
    [share(-ug, uu), 0], [share(uv - ug, uu), 1],
  ];
  return Math.min(...shares.map(
    ([s, t]) => Math.hypot(...gap.map((x, k) => x + s * u[k] - t * v[k])),
  ));
}

// The signed distance of a point from a box at the origin.
function boxDistance(point, half) {
  const beyond = point.map((x, k) => Math.abs(x) - half[k]);
  return Math.hypot(...beyond.map((x) => Math.max(x, 0))) + Math.min(0, Math.max(...beyond));
}

// The signed distance of an axis. That of a box is convex along the axis: the third of the worse
// point is left out, until nothing is left.
function obstacleDistance({ ends, radius, normal, offset, half, into }, axis) {
  if (ends) return segmentDistance(axis, ends) - radius;
  if (normal) return Math.min(...axis.map((end) => dot(normal, end))) - offset;
  const [a, b] = axis.map((end) => placed(into, end));
  const at = (share) => boxDistance(a.map((x, k) => x + share * (b[k] - x)), half);
  let from = 0, to = 1;
  while (to - from > 1e-9) {
    const left = from + (to - from) / 3, right = to - (to - from) / 3;
    if (at(left) < at(right)) to = right; else from = left;
  }
  return at((from + to) / 2);
}

class Bodies {
  constructor(data, renderer) {
    Object.assign(this, data);
    const sphere = unpack(data.vertices, Float32Array), faces = unpack(data.faces, Uint32Array);
    this.solids = this.bodies.map(({ radius, half, frame }) => {
      const vertices = new Float32Array(sphere.length);
      for (let k = 0; k < sphere.length; k += 3) {
        const [x, y, z] = sphere.slice(k, k + 3).map((entry) => radius * entry);
        vertices.set(placed(frame, [x, y, z + Math.sign(z) * half]), k);
      }
      return renderer.solid(vertices, faces);
    });
  }

  // Of every pair of bodies, and of a body and an obstacle, m.
  distances(poses) {
    const ends = this.bodies.map(({ link, half, frame }) =>
      [-half, half].map((z) => placed(poses[link], placed(frame, [0, 0, z]))));
    const count = this.bodies.length;
    return this.pairs.map(([a, b]) => (b < count
      ? segmentDistance(ends[a], ends[b]) - this.bodies[b].radius
      : obstacleDistance(this.obstacles[b - count], ends[a])) - this.bodies[a].radius);
  }

  // Of every body, 0 to 255.
  coloursAt(distances) {
    const nearest = this.names.map(() => Infinity);
    this.pairs.forEach((pair, k) => {
      for (const body of pair) nearest[body] = Math.min(nearest[body], distances[k]);
    });
    return nearest.slice(0, this.bodies.length).map((distance) => {
      if (distance === Infinity) return this.unpaired;
      const at = Math.min(1, Math.max(0, distance / this.clearance)) * (this.colours.length - 1);
      const k = Math.min(Math.floor(at), this.colours.length - 2);
      return this.colours[k].map((x, i) => x + (at - k) * (this.colours[k + 1][i] - x));
    });
  }

  draw(renderer, poses, distances) {
    const colours = this.coloursAt(distances);
    renderer.drawSeeThrough(this.solids.map((solid, k) => [
      solid, poses[this.bodies[k].link], [...colours[k].map((x) => x / 255), this.opacity],
    ]));
  }

  // What is nearest to each other, in words.
  nearest(distances) {
    if (!distances.length) return "no pair of bodies counts";
    const k = distances.indexOf(Math.min(...distances));
    const [a, b] = this.pairs[k].map((index) => this.names[index]);
    return `nearest: ${a} and ${b}, ${(1000 * distances[k]).toFixed(1)} mm`;
  }
}
