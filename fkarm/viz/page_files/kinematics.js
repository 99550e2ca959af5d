"use strict";
// Matrices are arrays of 16 numbers, column by column, as WebGL takes them. Lengths in m.

const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

function multiply(a, b) {
  const c = new Array(16);
  for (let col = 0; col < 4; col++)
    for (let row = 0; row < 4; row++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += a[4 * k + row] * b[4 * col + k];
      c[4 * col + row] = sum;
    }
  return c;
}

function translation(x, y, z) {
  return [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, x, y, z, 1];
}

// A rotation about an axis through the origin, by Rodrigues' formula.
function turn([x, y, z], angle) {
  const s = Math.sin(angle), c = Math.cos(angle), d = 1 - c;
  return [
    c + d * x * x, d * x * y + s * z, d * x * z - s * y, 0,
    d * x * y - s * z, c + d * y * y, d * y * z + s * x, 0,
    d * x * z + s * y, d * y * z - s * x, c + d * z * z, 0,
    0, 0, 0, 1,
  ];
}

// A quaternion of any length but zero; zero is no turn.
function turnOfQuaternion(q) {
  const norm = Math.hypot(...q);
  if (norm < 1e-9) return IDENTITY;
  const [w, x, y, z] = q.map((entry) => entry / norm);
  return [
    1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y), 0,
    2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x), 0,
    2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y), 0,
    0, 0, 0, 1,
  ];
}

// The motion of a joint in its own frame, at its entries of q.
function motion(joint, q) {
  const value = (k) => joint.multiplier * q[joint.index + k] + joint.offset;
  const [x, y, z] = joint.axis;
  switch (joint.type) {
    case "revolute":
    case "continuous":
      return turn(joint.axis, value(0));
    case "prismatic":
      return translation(x * value(0), y * value(0), z * value(0));
    case "planar": {
      const along = (k) => joint.plane[0][k] * value(0) + joint.plane[1][k] * value(1);
      return multiply(translation(along(0), along(1), along(2)), turn(joint.axis, value(2)));
    }
    case "spherical":
      return turnOfQuaternion([0, 1, 2, 3].map(value));
    case "floating":
      return multiply(
        translation(value(0), value(1), value(2)),
        turnOfQuaternion([3, 4, 5, 6].map(value)),
      );
    default:
      return IDENTITY;
  }
}

// The pose of every link in the root's frame, by name. Joints come parents first.
function linkPoses(robot, q) {
  const poses = { [robot.root]: IDENTITY };
  for (const joint of robot.joints)
    poses[joint.child] = multiply(
      multiply(poses[joint.parent], joint.origin), motion(joint, q),
    );
  return poses;
}
