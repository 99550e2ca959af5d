"""Correspondences that are ready for use with `fkarm.retarget`."""

from __future__ import annotations

from fkarm.motion.correspondence import KeyPoint


def _leg(side: str) -> dict[str, object]:
    return {
        f"{side}_hip_pitch_link": f"{side}_hip",
        f"{side}_knee_link": f"{side}_knee",
        f"{side}_ankle_roll_link": [
            KeyPoint(f"{side}_ankle"),
            KeyPoint(f"{side}_toe", weight=0.5, xyz=(0.12, 0.0, -0.03)),
        ],
    }


def _arm(side: str) -> dict[str, object]:
    return {
        f"{side}_shoulder_pitch_link": f"{side}_shoulder",
        f"{side}_elbow_link": f"{side}_elbow",
        f"{side}_wrist_yaw_link": f"{side}_wrist",
    }


def _finger(name: str, short: str, tip: tuple[float, float, float]) -> dict[str, object]:
    return {
        f"{short}proximal": f"{name}_mcp",
        f"{short}middle": f"{name}_pip",
        f"{short}distal": [f"{name}_dip", KeyPoint(f"{name}_tip", xyz=tip)],
    }


# Unitree G1 with 29 joints, by the link names of its maker's URDF: the midpoint between the hips,
# the point between the shoulders, and the joints of arms and legs.
G1_BODY = {
    "pelvis": KeyPoint("pelvis", xyz=(0.0, 0.0, -0.1)),
    **_leg("left"),
    **_leg("right"),
    "torso_link": KeyPoint("neck", xyz=(0.0, 0.0, 0.25)),
    **_arm("left"),
    **_arm("right"),
}

# Shadow Dexterous Hand with five fingers. Models put a prefix before these names of links.
SHADOW_HAND = {
    "palm": "wrist",
    **_finger("index", "ff", (0.0, 0.0, 0.026)),
    **_finger("middle", "mf", (0.0, 0.0, 0.026)),
    **_finger("ring", "rf", (0.0, 0.0, 0.026)),
    **_finger("little", "lf", (0.0, 0.0, 0.026)),
    "thproximal": "thumb_cmc",
    "thmiddle": "thumb_mcp",
    "thdistal": ["thumb_ip", KeyPoint("thumb_tip", xyz=(0.0, 0.0, 0.0275))],
}
