"""`robot.h`: a robot as straight-line C, its constants folded, for `kernel.c` to include."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

LANES = 16
# An entry of a frame: a number while it is constant, else the name of a C variable.
Entry = float | str
Vector = list[Entry]
ZERO: Vector = [0.0, 0.0, 0.0]


class Node(NamedTuple):
    """A moving joint, its frame turned so that it moves about or along z."""

    parent: int  # node above it, -1 for the root link
    origin: np.ndarray
    slides: bool
    index: int
    multiplier: float
    offset: float


class Frame(NamedTuple):
    """Columns of a rotation, and an origin."""

    x: Vector
    y: Vector
    z: Vector
    origin: Vector


ROOT = Frame([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], ZERO)


class Code:
    """Lines of C. Products with 0 and +-1 are never written."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def variable(self, expression: str) -> str:
        name = f"x{len(self.lines)}"
        self.lines.append(f"v16 {name} = {expression};")
        return name

    def total(self, *pairs: tuple[Entry, Entry]) -> Entry:
        """The sum of the products of pairs."""
        constant, written = 0.0, []
        for a, b in pairs:
            if isinstance(a, str):
                a, b = b, a
            if isinstance(b, float):
                constant += a * b
            elif isinstance(a, str):
                written.append(f"+ {a} * {b}")
            elif a != 0.0:
                factor = "" if abs(a) == 1.0 else f"{literal(abs(a))} * "
                written.append(f"{'+' if a > 0 else '-'} {factor}{b}")
        if not written:
            return constant
        if constant:
            written.append(f"+ {literal(constant)}")
        text = " ".join(sorted(written)).removeprefix("+ ")  # '+' sorts before '-'
        return text if text.isidentifier() else self.variable(text)

    def combine(self, start: Vector, columns: Sequence[Vector], weights: Sequence[Entry]) -> Vector:
        """`start` plus columns times weights."""
        pairs = list(zip(columns, weights, strict=True))
        return [self.total((1.0, start[i]), *((w, c[i]) for c, w in pairs)) for i in range(3)]

    def add_cross(self, start: Vector, a: Vector, b: Vector) -> Vector:
        """`start + a x b`."""
        minus = [self.total((-1.0, entry)) for entry in a]
        turns = ((1, 2), (2, 0), (0, 1))
        return [
            self.total((1.0, s), (a[j], b[k]), (minus[k], b[j]))
            for s, (j, k) in zip(start, turns, strict=True)
        ]

    def move(self, frame: Frame, constant: np.ndarray) -> Frame:
        """`frame` times a constant transform."""
        *columns, step = constant[:3].T.tolist()
        turned = (self.combine(ZERO, frame[:3], weights) for weights in columns)
        return Frame(*turned, self.combine(frame.origin, frame[:3], step))

    def write_columns(self, entries: Sequence[Entry], to: str, stride: str) -> None:
        """Columns of 16 rows, 16 columns at a time."""
        for start in range(0, len(entries), LANES):
            part = [e if isinstance(e, str) else f"zero + {literal(e)}" for e in entries[start:]]
            part = part[:LANES]
            self.lines.append(f"{{ v16 m[16] = {{{', '.join(part)}}};")
            self.lines.append(f"  store(m, {to} + {start}, {stride}, {len(part)}); }}")


def header(robot: Any, links: Sequence[str]) -> str:
    """Text of `robot.h`.

    Raises:
        ValueError: If a joint is neither revolute, continuous nor prismatic.
    """
    nodes, ends = plan(robot, links)
    forward, gradient = Code(), Code()
    _poses(forward, nodes, ends)
    _gradient(gradient, nodes, ends, robot.dof)
    return "\n".join(
        [
            f"#define DOF {robot.dof}",
            f"#define OUT {16 * len(ends)}",
            "static inline void forward_block(const v16 *q, float *poses) {",
            *forward.lines,
            "}",
            "static inline void gradient_block(const v16 *q, const float *cotangent, float *poses,",
            "                                  float *gradient) {",
            *gradient.lines,
            "}",
            "",
        ]
    )


def plan(robot: Any, links: Sequence[str]) -> tuple[list[Node], list[tuple[int, np.ndarray]]]:
    """Moving joints on the way to some links, fixed transforms folded; where the links sit."""
    needed = {joint.name for link in links for joint in robot.path_to(link)}
    placed: dict[str, tuple[int, np.ndarray]] = {robot.root_link: (-1, np.eye(4))}
    nodes: list[Node] = []
    for joint in robot.joints:
        if joint.name not in needed:
            continue
        above, frame = placed[joint.parent]
        frame = exact(frame @ joint.origin)
        if not joint.is_fixed:
            if len(joint.entries) != 1:
                raise ValueError(f"the C kernel has no {joint.type} joints ({joint.name})")
            place = robot.coordinates[joint.name]
            origin = exact(frame @ joint.z_to_axis)
            nodes.append(
                Node(above, origin, joint.is_prismatic, place.index, place.multiplier, place.offset)
            )
            above, frame = len(nodes) - 1, joint.z_to_axis.T
        placed[joint.child] = (above, frame)
    return nodes, [placed[link] for link in links]


def exact(matrix: np.ndarray) -> np.ndarray:
    """Entries within a few ulp of 0, 1 or -1, made exactly so."""
    whole = np.round(matrix)
    return np.where((np.abs(matrix - whole) < 1e-15) & (np.abs(whole) <= 1.0), whole, matrix)


def literal(value: float) -> str:
    """A number as C writes it in single precision; negative ones in brackets."""
    text = f"{float(np.float32(value))!r}f"
    return f"({text})" if value < 0 else text


def _poses(
    code: Code, nodes: Sequence[Node], ends: Sequence[tuple[int, np.ndarray]]
) -> tuple[list[Frame], list[Frame]]:
    """Write the poses; frames of nodes and of links."""
    frames: list[Frame] = []
    for node in nodes:
        x, y, z, origin = code.move(_at(frames, node.parent), node.origin)
        value = code.total((node.multiplier, f"q[{node.index}]"), (1.0, node.offset))
        if node.slides:
            frames.append(Frame(x, y, z, code.combine(origin, [z], [value])))
            continue
        s, c = code.variable("zero"), code.variable("zero")
        code.lines.append(f"sine_cosine({value}, &{s}, &{c});")
        minus_s = code.variable(f"-{s}")
        turned = (code.combine(ZERO, [x, y], [c, s]), code.combine(ZERO, [x, y], [minus_s, c]))
        frames.append(Frame(*turned, z, origin))
    placed = [code.move(_at(frames, above), constant) for above, constant in ends]
    for k, frame in enumerate(placed):
        rows = [column[i] for i in range(3) for column in frame]
        code.write_columns([*rows, 0.0, 0.0, 0.0, 1.0], f"poses + {16 * k}", "OUT")
    return frames, placed


def _gradient(
    code: Code, nodes: Sequence[Node], ends: Sequence[tuple[int, np.ndarray]], dof: int
) -> None:
    """Write the poses and the gradient: `z . (M - p x f)` or `z . f`, wrenches leaf to root."""
    frames, placed = _poses(code, nodes, ends)
    wrenches: list[tuple[Vector, Vector]] = [(ZERO, ZERO)] * len(nodes)
    for k, ((above, _), frame) in enumerate(zip(ends, placed, strict=True)):
        if above >= 0:
            code.lines.append(f"v16 w{k}[16]; load(w{k}, cotangent + {16 * k}, OUT);")
            moment = wrenches[above][1]
            columns: list[Vector] = [[f"w{k}[{4 * i + j}]" for i in range(3)] for j in range(4)]
            for place, cotangent in zip(frame, columns, strict=True):
                moment = code.add_cross(moment, place, cotangent)
            wrenches[above] = (_add(code, wrenches[above][0], columns[3]), moment)
    totals: list[Entry] = [0.0] * dof
    for i in reversed(range(len(nodes))):
        node, frame, (force, moment) = nodes[i], frames[i], wrenches[i]
        lever = force if node.slides else code.add_cross(moment, force, frame.origin)
        part = code.total(*zip(frame.z, lever, strict=True))
        totals[node.index] = code.total((1.0, totals[node.index]), (node.multiplier, part))
        if node.parent >= 0:
            above_force, above_moment = wrenches[node.parent]
            wrenches[node.parent] = (
                _add(code, above_force, force),
                _add(code, above_moment, moment),
            )
    code.write_columns(totals, "gradient", "DOF")


def _at(frames: Sequence[Frame], index: int) -> Frame:
    return ROOT if index < 0 else frames[index]


def _add(code: Code, a: Vector, b: Vector) -> Vector:
    return [code.total((1.0, x), (1.0, y)) for x, y in zip(a, b, strict=True)]
