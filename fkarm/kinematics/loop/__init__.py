"""Kinematics by loops over the nodes of a tree: compiled code of one size for every robot.

The robot is an input of the compiled code. Frames go from the base to the tips, wrenches from the
tips to the base, as in `chain.py`. The rows are the innermost axis, and inside an iteration every
entry of a frame is an array of its own: products of small matrices would be three times slower.
"""

from fkarm.kinematics.loop.arrays import (
    Layout,
    Lines,
    Loop,
    LoopArrays,
    columns_of,
    loop_of,
    make_loop,
    shares_loop,
    wants_loop,
)
from fkarm.kinematics.loop.jacobian import loop_jacobian, unrolled_jacobian
from fkarm.kinematics.loop.poses import (
    frames_of_links,
    frames_of_nodes,
    loop_poses,
    loop_pull_back,
    unrolled_poses,
    unrolled_wrenches,
    wrenches_on_links,
    wrenches_on_nodes,
)
from fkarm.kinematics.loop.tiles import in_tiles, sums_in_tiles

__all__ = [
    "Layout",
    "Lines",
    "Loop",
    "LoopArrays",
    "columns_of",
    "frames_of_links",
    "frames_of_nodes",
    "in_tiles",
    "loop_jacobian",
    "loop_of",
    "loop_poses",
    "loop_pull_back",
    "make_loop",
    "shares_loop",
    "sums_in_tiles",
    "unrolled_jacobian",
    "unrolled_poses",
    "unrolled_wrenches",
    "wants_loop",
    "wrenches_on_links",
    "wrenches_on_nodes",
]
