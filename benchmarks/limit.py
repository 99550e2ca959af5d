"""The limit: a C kernel for one robot, which the library does not contain.

fkarm's own plan and arithmetic of entries write the robot as straight-line C, with its constants
folded, for `kernel.c` to include.
"""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import fkarm
from benchmarks.harness import Trial, Unavailable
from benchmarks.robots import PoseTask
from fkarm.kinematics.entries import (
    ZERO,
    Entry,
    Frame,
    Vector,
    add,
    combine,
    cross,
    dot,
    mul,
    vec_add,
    vec_sub,
)
from fkarm.kinematics.plan import Plan, plan_chain

KERNEL = Path(__file__).with_name("kernel.c")
FLAGS = ("-O3", "-march=native", "-fopenmp", "-shared", "-fPIC")
LANES = 16
ROOT = Frame(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), ZERO)
Wrench = tuple[Vector, Vector]


class Variable:
    """A variable of C; an operation on it writes a line that defines another one."""

    def __init__(self, lines: list[str], text: str, is_defined: bool = False) -> None:
        self.lines = lines
        self.name = text if is_defined else f"x{len(lines)}"
        if not is_defined:
            lines.append(f"v16 {self.name} = {text};")

    def __add__(self, other: Entry) -> Variable:
        return Variable(self.lines, f"{self.name} + {_text(other)}")

    def __sub__(self, other: Entry) -> Variable:
        return Variable(self.lines, f"{self.name} - {_text(other)}")

    def __mul__(self, other: Entry) -> Variable:
        return Variable(self.lines, f"{self.name} * {_text(other)}")

    def __neg__(self) -> Variable:
        return Variable(self.lines, f"-{self.name}")

    __radd__, __rmul__ = __add__, __mul__


def fk(task: PoseTask) -> Trial:
    """The kernel, called through ctypes. Its arrays are allocated once.

    Raises:
        Unavailable: If there is no gcc, or the kernel cannot do the task.
    """
    if task.device != "cpu":
        raise Unavailable("the C kernel is for the CPU")
    links = task.link_names
    try:
        kernel = build(header(fkarm.Robot.from_urdf(task.urdf), links))
    except (ValueError, subprocess.CalledProcessError) as error:
        raise Unavailable(f"the C kernel was not built: {error}") from error
    poses = np.zeros((len(task.q), len(links), 4, 4), np.float32)
    arrays = [np.ascontiguousarray(task.q), poses]
    if task.mode == "forward+gradient":
        arrays.insert(1, np.ones_like(poses))
        arrays.append(np.zeros_like(task.q))
    call = kernel.forward if task.mode == "forward" else kernel.forward_gradient
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]

    def run() -> None:
        call(*pointers, ctypes.c_long(len(task.q)))

    def read(_: None) -> tuple[np.ndarray, ...]:
        rows = task.checked_rows
        answer = (task.shaped(poses[rows].astype(np.float64)),)
        if task.mode == "forward":
            return answer
        return (*answer, arrays[-1][rows].astype(np.float64))

    return Trial(run, read)


def build(robot_header: str) -> ctypes.CDLL:
    """The kernel for one robot, as a loaded library.

    Raises:
        Unavailable: If there is no gcc.
        subprocess.CalledProcessError: If gcc refuses.
    """
    if not (gcc := shutil.which("gcc")):
        raise Unavailable("there is no gcc")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "robot.h").write_text(robot_header)
        library = Path(folder, "limit.so")
        command = [gcc, *FLAGS, f"-I{folder}", "-o", str(library), str(KERNEL)]
        subprocess.run(command, check=True, capture_output=True)
        return ctypes.CDLL(str(library))


def header(robot: Any, links: Sequence[str]) -> str:
    """Text of `robot.h`.

    Raises:
        ValueError: If a joint is neither revolute, continuous nor prismatic.
    """
    plan = plan_chain(robot, tuple(links))
    for node in plan.nodes:
        if node.motion.type == "spherical":
            raise ValueError("it has no joints that turn freely")
    forward: list[str] = []
    gradient: list[str] = []
    write_poses(forward, plan)
    write_gradient(gradient, plan)
    return "\n".join(
        [
            f"#define DOF {robot.dof}",
            f"#define OUT {16 * len(plan.links)}",
            "static inline void forward_block(const v16 *q, float *poses) {",
            *forward,
            "}",
            "static inline void gradient_block(const v16 *q, const float *cotangent, float *poses,",
            "                                  float *gradient) {",
            *gradient,
            "}",
            "",
        ]
    )


def write_poses(lines: list[str], plan: Plan) -> tuple[list[Frame], list[Frame]]:
    """Write the poses; return the frames of nodes and of links, all measured from the base."""
    q = [Variable(lines, f"q[{index}]", is_defined=True) for index in range(plan.dof)]
    frames: list[Frame] = []
    for node in plan.nodes:
        (value,) = node.motion.values(q)
        before = _moved(frames, node.parent, node.origin)
        turn = _sine_cosine(lines, value) if node.motion.kind.has_angle else (0.0, 1.0)
        frames.append(node.motion.kind.move(before, [value], turn))
    ends = [_moved(frames, above, constant) for above, constant in plan.links]
    for k, (axes, origin) in enumerate(ends):
        rows = [vector[i] for i in range(3) for vector in (*axes, origin)]
        _store(lines, [*rows, 0.0, 0.0, 0.0, 1.0], f"poses + {16 * k}", "OUT")
    return frames, ends


def write_gradient(lines: list[str], plan: Plan) -> None:
    """Write poses and gradient: `z . (M - p x f)` or `z . f`, with wrenches from tip to base."""
    frames, ends = write_poses(lines, plan)
    wrenches: list[Wrench] = [(ZERO, ZERO)] * len(plan.nodes)
    for k, ((above, _), frame) in enumerate(zip(plan.links, ends, strict=True)):
        if above >= 0:
            lines.append(f"v16 w{k}[16]; load(w{k}, cotangent + {16 * k}, OUT);")
            x, y, z, force = ([Variable(lines, f"w{k}[{4 * i + j}]", is_defined=True)
                               for i in range(3)] for j in range(4))  # fmt: skip
            moment = ZERO
            vectors = (*frame.axes, frame.origin)
            for vector, cotangent in zip(vectors, (x, y, z, force), strict=True):
                moment = vec_add(moment, cross(vector, cotangent))
            wrenches[above] = _sum(wrenches[above], (force, moment))
    totals: list[Entry] = [0.0] * plan.dof
    for index in reversed(range(len(plan.nodes))):
        parent, _, motion = plan.nodes[index]
        force, moment = wrenches[index]
        turns = motion.kind.turns
        lever = vec_sub(moment, cross(frames[index].origin, force)) if turns else force
        taken = dot(frames[index].axes[2], lever)
        totals[motion.first] = add(totals[motion.first], mul(motion.multipliers[0], taken))
        if parent >= 0:
            wrenches[parent] = _sum(wrenches[parent], wrenches[index])
    _store(lines, totals, "gradient", "DOF")


def _sine_cosine(lines: list[str], value: Entry) -> tuple[Entry, Entry]:
    if isinstance(value, float):
        return math.sin(value), math.cos(value)
    s, c = Variable(lines, "zero"), Variable(lines, "zero")
    lines.append(f"sine_cosine({value.name}, &{s.name}, &{c.name});")
    return s, c


def _moved(frames: Sequence[Frame], index: int, constant: np.ndarray) -> Frame:
    """A constant frame behind a node."""
    axes, origin = frames[index] if index >= 0 else ROOT
    x, y, z, step = (combine(axes, weights) for weights in constant[:3].T.tolist())
    return Frame((x, y, z), vec_add(origin, step))


def _sum(a: Wrench, b: Wrench) -> Wrench:
    return vec_add(a[0], b[0]), vec_add(a[1], b[1])


def _store(lines: list[str], entries: Sequence[Entry], to: str, stride: str) -> None:
    """Write entries of 16 rows, 16 entries at a time."""
    texts = [f"zero + {_text(e)}" if isinstance(e, float) else e.name for e in entries]
    for start in range(0, len(texts), LANES):
        part = texts[start : start + LANES]
        lines.append(f"{{ v16 m[16] = {{{', '.join(part)}}};")
        lines.append(f"  store(m, {to} + {start}, {stride}, {len(part)}); }}")


def _text(entry: Any) -> str:
    """An entry as C writes it, in single precision; negative numbers in parentheses."""
    if not isinstance(entry, float):
        return str(entry.name)
    text = f"{float(np.float32(entry))!r}f"
    return f"({text})" if entry < 0 else text
