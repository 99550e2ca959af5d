"""Results that fkarm did not compute: closed forms in NumPy, Pinocchio, finite differences.

This module imports nothing from fkarm.
"""

import math
from importlib import metadata

import numpy as np


def rot(axis, angle):
    """Rotation matrix by Rodrigues' formula on a normalised axis."""
    x, y, z = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * k @ k


def pose(rotation=None, position=(0, 0, 0)):
    matrix = np.eye(4)
    matrix[:3, :3] = np.eye(3) if rotation is None else rotation
    matrix[:3, 3] = position
    return matrix


def rpy_matrix(roll, pitch, yaw):
    return rot((0, 0, 1), yaw) @ rot((0, 1, 0), pitch) @ rot((1, 0, 0), roll)


def random_rotations(rng, count):
    quat = rng.normal(size=(count, 4))
    w, x, y, z = (quat / np.linalg.norm(quat, axis=1, keepdims=True)).T
    return np.moveaxis(
        np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        ),
        -1,
        0,
    )


def dh_product(rows, values, convention, prismatic=()):
    """Product of a Denavit-Hartenberg table `(a, alpha, d, theta)` in rad and m."""
    total = np.eye(4)
    for i, ((a, alpha, d, theta), value) in enumerate(zip(rows, values, strict=True)):
        d, theta = (d + value, theta) if i in prismatic else (d, theta + value)
        along_z = pose(rot((0, 0, 1), theta), (0, 0, d))
        along_x = pose(rot((1, 0, 0), alpha), (a, 0, 0))
        total = total @ (along_z @ along_x if convention == "standard" else along_x @ along_z)
    return total


def forum_pose(offsets, degrees):
    """The arm of the forum question, corrected: joints z, -y, -y, -y, x; `[x, y, z, y, p, r]`."""
    total = np.eye(4)
    for axis, offset, angle in zip("zyyyx", offsets, np.radians(degrees), strict=False):
        c, s = math.cos(angle), math.sin(angle)
        rotation = {
            "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
            "y": [[c, 0, -s], [0, 1, 0], [s, 0, c]],
            "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        }[axis]
        total = total @ pose(rotation, offset)
    yaw = math.atan2(total[1, 0], total[0, 0])
    pitch = math.atan2(-total[2, 0], math.hypot(total[2, 1], total[2, 2]))
    roll = math.atan2(total[2, 1], total[2, 2])
    return np.array([*total[:3, 3], *np.degrees([yaw, pitch, roll])])


class Pinocchio:
    """Link poses and Jacobians of a URDF, for joint values by name.

    The value of a joint is a number; of a planar joint `(x, y, angle)`, of a floating joint
    `(x, y, z, w, x, y, z)`. Mimic joints are independent here and need values too.
    """

    def __init__(self, path=None, text=None):
        import pinocchio

        self.pin = pinocchio
        build = pinocchio.buildModelFromUrdf if text is None else pinocchio.buildModelFromXML
        self.model = build(str(path) if text is None else text)
        self.data = self.model.createData()

    def _joint(self, name):
        return self.model.joints[self.model.getJointId(name)]

    def _frame(self, link):
        return self.model.getFrameId(link, self.pin.FrameType.BODY)

    def _configuration(self, values):
        q = self.pin.neutral(self.model)
        for name, value in values.items():
            joint = self._joint(name)
            value = np.atleast_1d(value)
            if joint.nq == 2:  # continuous: cosine and sine
                value = math.cos(value[0]), math.sin(value[0])
            elif joint.nq == 4:  # planar: position, cosine and sine
                value = *value[:2], math.cos(value[2]), math.sin(value[2])
            elif joint.nq == 7:  # floating: position and a unit quaternion, scalar last
                value = *value[:3], *np.roll(value[3:] / np.linalg.norm(value[3:]), -1)
            q[joint.idx_q : joint.idx_q + joint.nq] = value
        return q

    def poses(self, values, links):
        self.pin.framesForwardKinematics(self.model, self.data, self._configuration(values))
        return np.stack([self.data.oMf[self._frame(link)].homogeneous for link in links])

    def center_of_mass(self, values):
        """Of the links that joints move."""
        return self.pin.centerOfMass(self.model, self.data, self._configuration(values))

    def jacobian_columns(self, values, link):
        """Columns of every joint by its name: linear, then angular, in root axes at the link."""
        jacobian = self.pin.computeFrameJacobian(
            self.model,
            self.data,
            self._configuration(values),
            self._frame(link),
            self.pin.LOCAL_WORLD_ALIGNED,
        )
        columns = {}
        for name in values:
            joint = self._joint(name)
            columns[name] = jacobian.reshape(6, -1)[:, joint.idx_v : joint.idx_v + joint.nv]
        return columns

    def jacobian_rate(self, values, rates, link):
        """Time derivative of the Jacobian in root axes at the link, in the model's own columns."""
        velocity = np.zeros(self.model.nv)
        for name, rate in rates.items():
            velocity[self._joint(name).idx_v] = rate
        q = self._configuration(values)
        self.pin.computeJointJacobiansTimeVariation(self.model, self.data, q, velocity)
        self.pin.updateFramePlacements(self.model, self.data)
        return self.pin.getFrameJacobianTimeVariation(
            self.model, self.data, self._frame(link), self.pin.LOCAL_WORLD_ALIGNED
        )


def corpus_files(package="example-robot-data", suffix=".urdf"):
    """Paths of the robot files in a pip package. The list is empty without the package."""
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return []
    return sorted(file.locate() for file in files if file.suffix == suffix)


def corpus_file(name):
    """Path of a URDF in example-robot-data, or None."""
    return next((path for path in corpus_files() if path.name == name), None)


def central_difference(function, x, step=1e-6):
    """Jacobian of a NumPy function of a vector, `(m..., n)`."""
    x = np.asarray(x, dtype=np.float64)
    columns = []
    for i in range(x.size):
        move = np.zeros_like(x)
        move[i] = step
        columns.append((function(x + move) - function(x - move)) / (2 * step))
    return np.stack(columns, axis=-1)
