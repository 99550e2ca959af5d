"""A humanoid follows a person who walks and waves: a whole clip at once.

The person is a formula: sixteen key points. The robot is a Unitree G1 from the PyPI package
`example-robot-data`. Every limb gets the robot's length, and feet that stand in the recording stand
still: `contacts="auto"`. Look at how far the links are from the key points, and at the picture:
postures, and speeds of the fastest joints, which keep their limits, also where it is 5 rad/s.

    python examples/retarget_walk.py
"""

import argparse
import os
from importlib import metadata
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import fkarm
from fkarm.motion import G1_BODY

ROOT = Path(__file__).parent
SLOW, STRIDE, PERIOD = 5.0, 1.0, 1.1  # rad/s, m, s
THIGH, SHANK, UPPER, FORE = 0.43, 0.42, 0.28, 0.25  # m


def unit(vector):
    """Vectors of length 1."""
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def along(x, z, y=0.0):
    """A direction, or one per frame."""
    return unit(np.stack(np.broadcast_arrays(x, y, z), axis=-1))


def ankle(cycles, shift):
    """A foot that stands for six tenths of a cycle, then moves on by a stride."""
    whole, part = np.floor(cycles + shift), (cycles + shift) % 1.0
    moved = np.clip((part - 0.6) / 0.4, 0.0, 1.0)
    x = STRIDE * (whole - shift + moved - np.sin(2 * np.pi * moved) / (2 * np.pi) + 0.3)
    return np.stack([x, 0 * x, 0.09 + 0.06 * (1 - np.cos(2 * np.pi * moved))], axis=-1)


def knee(hip, foot):
    """Where thigh and shank meet, bent forwards."""
    line = foot - hip
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    part = (THIGH**2 - SHANK**2 + length**2) / (2 * length)
    down = line / length
    forward = unit(np.array([1.0, 0.0, 0.0]) - down[..., :1] * down)
    return hip + part * down + np.sqrt(np.maximum(THIGH**2 - part**2, 0.0)) * forward


def walk(frames=120, rate=60.0):
    """Times, s, and key points by name, `(frames, 3)`, m: x is forward, z is up."""
    times = np.arange(frames) / rate
    phase = 2 * np.pi * times / PERIOD
    height = 0.88 + 0.015 * np.cos(2 * phase)
    pelvis = np.stack([STRIDE * times / PERIOD, 0.02 * np.sin(phase), height], axis=-1)
    points = {"pelvis": pelvis, "neck": pelvis + np.array([0.02, 0.0, 0.52])}
    for side, sign, shift in (("left", 1, 0.0), ("right", -1, 0.5)):
        aside = np.array([0.0, 0.1 * sign, 0.0])
        hip, foot = pelvis + aside, ankle(times / PERIOD, shift) + aside
        shoulder = points["neck"] + 1.8 * aside
        swing = 0.35 * sign * np.sin(phase)
        upper = UPPER * along(np.sin(swing), -np.cos(swing))
        fore = FORE * along(np.sin(swing + 0.5), -np.cos(swing + 0.5))
        if side == "left":  # this hand waves
            upper = UPPER * along(0.3, -0.3, 0.9)
            fore = FORE * along(0.2, 1.0, 0.5 * np.sin(2 * phase))
        chain = (hip, knee(hip, foot), foot, foot + np.array([0.17, 0.0, -0.05]),
                 shoulder, shoulder + upper, shoulder + upper + fore)  # fmt: skip
        names = ("hip", "knee", "ankle", "toe", "shoulder", "elbow", "wrist")
        points.update({f"{side}_{name}": place for name, place in zip(names, chain, strict=True)})
    return times, points


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=120, help="frames of the clip")
    parser.add_argument("--out", type=Path, default=ROOT / "images", help="folder of the picture")
    options = parser.parse_args(arguments)
    try:
        files = metadata.files("example-robot-data")
    except metadata.PackageNotFoundError:
        print("nothing to move: the robot is in example-robot-data, pip install example-robot-data")
        return
    (urdf,) = (file.locate() for file in files if file.name == "g1_29dof_rev_1_0.urdf")
    robot = fkarm.Robot.from_urdf(urdf).with_floating_base()
    (times, points), paths = walk(options.steps), {}
    for name, limits in (("its own limits", True), (f"at most {SLOW} rad/s", SLOW)):
        paths[name] = path = fkarm.retarget(
            robot, points, G1_BODY, times, velocity_limits=limits, contacts="auto"
        )
        print(f"{name}: {len(times)} frames, "
              f"{path.within_velocity_limits.mean():.0%} within the limits, fastest "
              f"{np.abs(rates(path)).max():.1f} rad/s, mean distance "
              f"{1e3 * path.position_error.mean():.0f} mm, feet that stand move by at most "
              f"{1e3 * np.nanmax(path.slip):.1f} mm per frame")  # fmt: skip
    draw(robot, paths, options.out / "retarget_walk.png")


def rates(path):
    """Speeds of the joints, without the floating base, rad/s."""
    return np.diff(path.q[:, 7:], axis=0) / np.diff(path.times)[:, None]


def draw(robot, paths, file):
    """A strip of postures from the side, over the speeds of the six fastest joints."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    strip, *below = figure.subplot_mosaic("aa;bc", height_ratios=(3, 2)).values()
    path, *_ = paths.values()
    frames = np.linspace(0, len(path.q) - 1, 9).astype(int)
    poses = np.asarray(fkarm.forward_kinematics(robot, path.q[frames], robot.link_names))
    x, y, z = np.moveaxis(poses[..., :3, 3], -1, 0)
    x = x - x[:, 1:2] + 0.3 * y + 0.7 * np.arange(len(frames))[:, None]  # a little from ahead
    for joint in {joint for link in G1_BODY for joint in robot.path_to(link)[1:]}:
        ends = [robot.link_names.index(link) for link in (joint.parent, joint.child)]
        colour = "tab:orange" if joint.child.startswith("left") else "tab:blue"
        strip.plot(x[:, ends].T, z[:, ends].T, color=colour, linewidth=2.5, solid_capstyle="round")
    strip.set(aspect="equal", ylim=(0, None), ylabel="height, m")
    strip.set_xticks(0.7 * np.arange(len(frames)), [f"{path.times[k]:.2f} s" for k in frames])
    fastest = np.argsort(np.abs(rates(path)).max(axis=0))[:-7:-1]
    names = [robot.joint_names[k + 1].removesuffix("_joint") for k in fastest]
    for ax, (name, path) in zip(below, paths.items(), strict=True):
        ax.plot(path.times[1:], rates(path)[:, fastest], label=names)
        limit = robot.velocity_limits[7:][fastest[0]] if ax is below[0] else SLOW
        ax.hlines([-limit, limit], *path.times[[0, -1]], color="black", linestyle="--")
        ax.set(title=name, xlabel="time, s", ylabel="speed, rad/s")
    below[0].legend(ncols=3, fontsize=7, loc="upper right")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    main()
