"""Motion of people: the walk of an example, and the clips that the PyPI package pybullet ships.

The clips of pybullet (zlib licence) are those of DeepMimic. They are read without the package's
code, and absent where it is not installed.
"""

import json
import runpy
import xml.etree.ElementTree as ElementTree
from importlib import metadata
from pathlib import Path

import numpy as np
from oracles import rot

FRAME = (("chest", 4), ("neck", 4), ("right_hip", 4), ("right_knee", 1), ("right_ankle", 4),
         ("right_shoulder", 4), ("right_elbow", 1), ("left_hip", 4), ("left_knee", 1),
         ("left_ankle", 4), ("left_shoulder", 4), ("left_elbow", 1))  # fmt: skip
EXAMPLE = Path(__file__).parents[2] / "examples" / "retarget_walk.py"
walk = runpy.run_path(str(EXAMPLE))["walk"]  # times, and points by name


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
