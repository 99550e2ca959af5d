"""Motion of people: a walk by formulas, and the clips that the PyPI package pybullet ships.

The clips of pybullet (zlib licence) are those of DeepMimic. They are read without the package's
code, and absent where it is not installed.
"""

import json
import xml.etree.ElementTree as ElementTree
from importlib import metadata

import numpy as np
from oracles import rot

FRAME = (("chest", 4), ("neck", 4), ("right_hip", 4), ("right_knee", 1), ("right_ankle", 4),
         ("right_shoulder", 4), ("right_elbow", 1), ("left_hip", 4), ("left_knee", 1),
         ("left_ankle", 4), ("left_shoulder", 4), ("left_elbow", 1))  # fmt: skip
THIGH, SHANK = 0.43, 0.42
STRIDE, PERIOD = 1.0, 1.1  # m, s


def walk(frames=120, rate=60.0):
    """A person who walks along x and waves with the left hand. Times, and points by name.

    A foot stands for six tenths of the period and then moves on to where it stands next. The knees
    are where thigh and shank meet. Float64, `(frames, 3)` each.
    """
    times = np.arange(frames) / rate
    speed = STRIDE / PERIOD
    phase = 2 * np.pi * times / PERIOD
    pelvis = np.stack(
        [speed * times, 0.02 * np.sin(phase), 0.88 + 0.015 * np.cos(2 * phase)], axis=-1
    )
    points = {"pelvis": pelvis, "neck": pelvis + np.array([0.02, 0.0, 0.52])}
    for side, sign, shift in (("left", 1.0, 0.0), ("right", -1.0, 0.5)):
        points[f"{side}_hip"] = pelvis + np.array([0.0, 0.1 * sign, 0.0])
        ankle = _ankle(times / PERIOD + shift, shift) + np.array([0.0, 0.1 * sign, 0.0])
        points[f"{side}_ankle"] = ankle
        points[f"{side}_toe"] = ankle + np.array([0.17, 0.0, -0.05])
        points[f"{side}_knee"] = _joint_between(points[f"{side}_hip"], ankle, THIGH, SHANK)
        shoulder = points["neck"] + [0.0, 0.18 * sign, 0.0]
        swing = 0.35 * np.sin(phase + np.pi * (sign < 0))
        down = np.stack([np.sin(swing), 0 * swing, -np.cos(swing)], axis=-1)
        elbow, hand = shoulder + 0.28 * down, shoulder + 0.28 * down + 0.25 * _bent(swing)
        if side == "left":
            elbow = shoulder + 0.28 * np.array([0.3, 0.9, -0.3]) / np.sqrt(0.99)
            angle = 0.5 * np.sin(2 * phase)
            up = np.stack([0.2 + 0 * angle, np.sin(angle), np.cos(angle)], axis=-1)
            hand = elbow + 0.25 * up / np.linalg.norm(up, axis=-1, keepdims=True)
        points[f"{side}_shoulder"], points[f"{side}_elbow"] = shoulder, elbow
        points[f"{side}_wrist"] = hand
    return times, points


def _ankle(cycles, shift):
    """Stands during the first six tenths of a cycle, then moves on by a stride."""
    whole, part = np.floor(cycles), cycles % 1.0
    moved = np.clip((part - 0.6) / 0.4, 0.0, 1.0)
    along = STRIDE * (whole - shift + moved - np.sin(2 * np.pi * moved) / (2 * np.pi))
    lift = 0.06 * (1 - np.cos(2 * np.pi * moved))
    return np.stack([along + 0.3 * STRIDE, 0 * along, 0.09 + lift], axis=-1)


def _joint_between(a, b, first, second):
    """Where two bones of these lengths meet, bent towards x."""
    line = b - a
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    reach = np.minimum(length, first + second)
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    away = np.sqrt(np.maximum(first**2 - along**2, 0.0))
    unit = line / length
    forward = np.array([1.0, 0.0, 0.0]) - unit[..., :1] * unit
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    return a + along * unit + away * forward


def _bent(swing):
    return np.stack([np.sin(swing + 0.5), 0 * swing, -np.cos(swing + 0.5)], axis=-1)


def pybullet_file(name):
    """Path of a data file of pybullet, or None."""
    try:
        files = metadata.files("pybullet") or []
    except metadata.PackageNotFoundError:
        return None
    return next((file.locate() for file in files if file.name == name), None)


def pybullet_clip(name):
    """Times and points of a clip of pybullet, z up, m. None without the package."""
    paths = pybullet_file(f"humanoid3d_{name}.txt"), pybullet_file("humanoid.urdf")
    return None if None in paths else read_deepmimic(*paths)


def read_deepmimic(clip, urdf):
    """Points of a clip: forward kinematics with SciPy's conventions of quaternions, by hand."""
    text = urdf.read_text(errors="ignore")
    tree = ElementTree.fromstring(text[: text.index("</robot>") + 8])
    parents, offsets = {}, {}
    for joint in tree.iter("joint"):
        child = joint.find("child").get("link")
        parents[child] = joint.find("parent").get("link")
        offsets[child] = 0.25 * np.array(joint.find("origin").get("xyz").split(), float)
    frames = np.array(json.loads(clip.read_text())["Frames"])
    turns, column = {"root": _turns(frames[:, 4:8])}, 8
    for joint, size in FRAME:
        values = frames[:, column : column + size]
        turns[joint] = (
            _turns(values) if size == 4 else np.stack([rot((0, 0, 1), v) for v in values[:, 0]])
        )
        column += size
    poses = {"root": (turns["root"], frames[:, 1:4])}
    while len(poses) < len(parents):
        for link, parent in parents.items():
            if parent in poses and link not in poses:
                turn, place = poses[parent]
                moved = place + turn @ offsets[link]
                poses[link] = turn @ turns.get(link, np.eye(3)), moved
    upright = rot((1, 0, 0), np.pi / 2)
    points = {link: place @ upright.T for link, (_, place) in poses.items()}
    for side in ("left", "right"):
        turn, place = poses[f"{side}_ankle"]
        points[f"{side}_toe"] = (place + turn @ [0.14, -0.05, 0.0]) @ upright.T
    points["pelvis"] = (points["left_hip"] + points["right_hip"]) / 2
    points["neck"] = (points["left_shoulder"] + points["right_shoulder"]) / 2
    return np.concatenate([[0.0], np.cumsum(frames[:-1, 0])]), points


def _turns(quat_wxyz):
    from scipy.spatial.transform import Rotation

    return Rotation.from_quat(np.roll(quat_wxyz, -1, axis=-1)).as_matrix()
