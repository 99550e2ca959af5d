"""CalibratedForwardKinematics: a robot whose geometry is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from fkarm._checks import check_non_negative, check_positive
from fkarm._types import Tensor
from fkarm.calibration.corrections import (
    configuration_of,
    corrected_robot,
    measured_to_joint,
    with_point,
)
from fkarm.calibration.parameters import Parameters, parameters
from fkarm.errors import RobotError
from fkarm.geometry import so3_exp
from fkarm.geometry.native import clip, cos, sin, to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.geometry import own_geometry
from fkarm.layers.forward_kinematics import ForwardKinematics
from fkarm.layers.robot_argument import with_robot
from fkarm.model import Robot

_UNBOUNDED = 1e30  # finite in JSON


@keras.saving.register_keras_serializable(package="fkarm")
class CalibratedForwardKinematics(ForwardKinematics):
    """Forward kinematics of a robot whose geometry is learnt from data.

    It has one weight, `corrections`: what the robot's parameters differ by from the nominal ones,
    in mm and degrees (gains: as they are), zero at the beginning. All equations are those of
    `fkarm.calibration.parameters`.

    Args:
        robot: The nominal `fkarm.Robot`.
        links: As in `ForwardKinematics`; one name where the tool is trained.
        parameters: What is trained, as from `fkarm.calibration.parameters`; None: the offsets of
            all joints.
        corrections_regularizer: A Keras regularizer, such as `CorrectionPrior`.
        corrections_constraint: A Keras constraint, such as `CorrectionBounds`.
        **kwargs: `output`, `angle_unit`, `length_unit`, `base` of `ForwardKinematics`; `name`,
            `dtype`, ... of `keras.layers.Layer`.
    Call arguments:
        q: Joint configurations as the robot's controller reports them. Shape `(..., dof)`.
    Returns:
        Poses as `ForwardKinematics` returns them, of the link, or of the trained tool on it.
    Raises:
        TypeError: If `robot` is not a Robot or `parameters` are of another type.
        ValueError: If `parameters` are those of another robot, or a tool is trained for several
            links; else as `ForwardKinematics`.
    Gradient:
        Exact with respect to `q` and the corrections.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> lengths = fkarm.calibration.parameters(arm, origins=True).only("joint_2 x")
        >>> layer = fkarm.layers.CalibratedForwardKinematics(arm, parameters=lengths)
        >>> layer(np.zeros((1, 2), "float32")).shape
        TensorShape([1, 4, 4])
    """

    NAMED_INPUTS: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        robot: Robot,
        links: str | Sequence[str] | None = None,
        parameters: Parameters | None = None,
        corrections_regularizer: Any = None,
        corrections_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(robot, links, **kwargs)
        self.parameters = _checked(robot, parameters)
        self.corrections_regularizer = keras.regularizers.get(corrections_regularizer)
        self.corrections_constraint = keras.constraints.get(corrections_constraint)
        layout = self.parameters.layout
        used = {int(index) for index in self.parameters.indices}
        self._slots = sorted({index // 6 for index in used if index < 6 * layout.slots})
        self._has_tool = layout.slots - 1 in self._slots
        self._has_features = any(k >= 6 * layout.slots + robot.dof for k in used)
        self._senses = np.array(self.parameters.senses, float)
        self._has_numbers = any(k >= 6 * layout.slots for k in used) or (self._senses < 0).any()
        if self._has_tool and not isinstance(self._links, str):
            raise ValueError(
                f"links must be one link where a tool is trained. Received: {self._links!r}."
            )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.corrections = self.add_weight(
            shape=(len(self.parameters.entries),),
            initializer="zeros",
            dtype="float64" if self.compute_dtype == "float64" else "float32",
            regularizer=self.corrections_regularizer,
            constraint=self.corrections_constraint,
            name="corrections",
        )
        super().build(input_shape)

    def call(self, q: Tensor) -> Tensor:  # type: ignore[override]
        return super().call(q)

    def _poses(self, q: Tensor, geometry: Any) -> Tensor:
        layout, dof = self.parameters.layout, self.robot.dof
        scales = np.array([1.0 / entry.scale for entry in self.parameters.entries])
        values = ops.cast(ops.convert_to_tensor(self.corrections), q.dtype)
        values = values * ops.convert_to_tensor(scales, q.dtype)
        place = np.zeros((layout.size, len(scales)))
        place[self.parameters.indices, np.arange(len(scales))] = 1.0
        # A sum of products, not a matmul, which rounds to TF32 on a GPU.
        vector = ops.sum(ops.convert_to_tensor(place, q.dtype) * values, axis=-1)
        numbers = ops.reshape(vector[6 * layout.slots :], (4, dof))
        if self._has_features:
            q = measured_by_ops(numbers, q)
        if self._has_numbers:
            q = q * ops.convert_to_tensor(self._senses, q.dtype) + numbers[0]
        geometry = self._geometry(vector, q.dtype) if self._slots else None
        return forward_kinematics(self.robot, q, self._links, self.base, geometry)

    def _geometry(self, vector: Tensor, dtype: Any) -> dict[str, Tensor]:
        """The arrays of `fkarm.kinematics.geometry_of` that differ from the nominal ones."""
        robot, layout = self.robot, self.parameters.layout
        count = len(robot.joints)
        changes = ops.reshape(vector[: 6 * layout.slots], (layout.slots, 6))
        frames = ops.concatenate([so3_exp(changes[:, 3:]), changes[:, :3, None]], axis=-1)
        origins = ops.convert_to_tensor(own_geometry(robot).origins, dtype)
        if any(1 <= slot <= count for slot in self._slots):
            origins = _product(frames[1 : count + 1], origins)
        if any(count < slot <= 2 * count for slot in self._slots):
            origins = _product(origins, frames[count + 1 : 2 * count + 1])
        if 0 in self._slots:
            at_root = np.array([joint.parent == robot.root_link for joint in robot.joints])
            moved = _product(ops.repeat(frames[:1], count, axis=0), origins)
            origins = ops.where(at_root[:, None, None], moved, origins)
        return {"origins": origins, **({"tool": frames[-1]} if self._has_tool else {})}

    def corrections_by_name(self) -> dict[str, float]:
        """Learnt values by the names of the parameters, m, rad or 1."""
        if not self.built:
            self.build((None, self.robot.dof))
        pairs = zip(self.parameters.entries, to_numpy(self.corrections), strict=True)
        return {entry.name: float(value) / entry.scale for entry, value in pairs}

    def to_robot(self) -> Robot:
        """A plain robot with the learnt geometry; a trained tool is its new end effector.

        Gains and harmonics are not part of it: they change `q`, see `configuration`.
        """
        vector = self._vector()
        robot = corrected_robot(self.robot, vector, self.parameters.senses)
        if not self._has_tool:
            return robot
        changes = self.parameters.layout.split(vector)[0]
        robot, point = with_point(robot, str(self._links), changes[-1])
        return robot.with_end_effector(point)

    def configuration(self, q: Any) -> np.ndarray:
        """Joint values to give to `to_robot()`, rad or m; `q` itself without gains or harmonics."""
        numbers = self.parameters.layout.split(self._vector())[1]
        return measured_to_joint(numbers, configuration_of(self.robot, q))

    def to_urdf(self) -> str:
        """The learnt robot as URDF text.

        Raises:
            RobotError: If gains or harmonics are trained, for which URDF has no words.
        """
        if self._has_features:
            raise RobotError(
                "A URDF holds origins, axes and offsets of joints. Received: trained gains or "
                "harmonics of joint values, which it cannot hold. Use layer.configuration(q) with "
                "layer.to_robot(), or train without them."
            )
        return self.to_robot().to_urdf()

    def _vector(self) -> np.ndarray:
        return self.parameters.vector(np.array(list(self.corrections_by_name().values())))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "parameters": self.parameters.to_dict(),
            "corrections_regularizer": keras.regularizers.serialize(self.corrections_regularizer),
            "corrections_constraint": keras.constraints.serialize(self.corrections_constraint),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> CalibratedForwardKinematics:
        config = with_robot(config)
        config["parameters"] = Parameters.from_dict(config["robot"], config["parameters"])
        return cls(**config)


@keras.saving.register_keras_serializable(package="fkarm")
class CorrectionPrior(keras.regularizers.Regularizer):
    """Penalty on corrections: `weight * sum((correction / deviation)^2)`.

    Args:
        deviations: How large a correction may well be, mm or degrees: one number, or one per
            correction, such as `CorrectionPrior.of(parameters)` takes from priors.
        weight: Factor, >= 0.
    Raises:
        ValueError: If a deviation is not positive or the weight is negative; in training, if there
            is neither one deviation nor one per correction.
    """

    def __init__(self, deviations: Any, weight: float = 1.0) -> None:
        check_positive("deviations", deviations)
        check_non_negative("weight", weight)
        self.deviations, self.weight = np.asarray(deviations, float).tolist(), float(weight)

    @classmethod
    def of(cls, parameters: Parameters, weight: float = 1.0) -> CorrectionPrior:
        """The penalty of the priors of parameters."""
        return cls([entry.scale * entry.prior for entry in parameters.entries], weight)

    def __call__(self, x: Tensor) -> Tensor:
        deviations = _per_correction("deviations", self.deviations, x)
        return self.weight * ops.sum(ops.square(x / deviations))

    def get_config(self) -> dict[str, Any]:
        return {"deviations": self.deviations, "weight": self.weight}


@keras.saving.register_keras_serializable(package="fkarm")
class CorrectionBounds(keras.constraints.Constraint):
    """Corrections between bounds: what exceeds them is set to them after every step.

    Args:
        bounds: Largest absolute value, mm or degrees: one number, or one per correction.
    Raises:
        ValueError: If a bound is not positive; in training, if there is neither one bound nor one
            per correction.
    """

    def __init__(self, bounds: Any) -> None:
        check_positive("bounds", bounds)
        self.bounds = np.asarray(bounds, float).tolist()

    @classmethod
    def of(
        cls, parameters: Parameters, mm: float | None = None, deg: float | None = None
    ) -> CorrectionBounds:
        """Bounds of lengths and of angles; with one of them, those of gains are one per cent.

        What is not given is bounded as `Parameters.within` says.
        """
        gain = None if mm is None and deg is None else 0.01
        given = {"mm": mm, "deg": deg, "": gain}
        scales = np.array([entry.scale for entry in parameters.entries])
        own = np.minimum(scales * parameters.bounds, _UNBOUNDED)
        limits = [given[entry.unit] for entry in parameters.entries]
        return cls([b if a is None else a for a, b in zip(limits, own, strict=True)])

    def __call__(self, x: Tensor) -> Tensor:
        bounds = _per_correction("bounds", self.bounds, x)
        return clip(x, -bounds, bounds)

    def get_config(self) -> dict[str, Any]:
        return {"bounds": self.bounds}


def measured_by_ops(numbers: Tensor, q: Tensor) -> Tensor:
    """`q + gain * q + cosine * cos q + sine * sin q`, on tensors."""
    return q + numbers[1] * q + numbers[2] * cos(q) + numbers[3] * sin(q)


def _checked(robot: Robot, wanted: Parameters | None) -> Parameters:
    wanted = parameters(robot, offsets=True) if wanted is None else wanted
    if not isinstance(wanted, Parameters):
        raise TypeError(
            f"parameters must be from fkarm.calibration.parameters. Received: {wanted!r}."
        )
    if wanted.robot != robot or not wanted.entries:
        raise ValueError(
            "parameters must be of the layer's robot, and at least one. Received: "
            f"{len(wanted.entries)} of {wanted.robot!r}."
        )
    return wanted


def _per_correction(name: str, numbers: float | list[float], corrections: Tensor) -> Tensor:
    """One number for all corrections, or one per correction, as a tensor."""
    size = corrections.shape[-1]
    if np.shape(numbers) not in ((), (size,)):
        raise ValueError(
            f"{name} must be one number or one per correction, shape ({size},). "
            f"Received: shape {np.shape(numbers)}."
        )
    return ops.convert_to_tensor(numbers, corrections.dtype)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Products of rigid transforms `(n, 3, 4)`, without matmul."""
    rotated = ops.sum(a[:, :, :3, None] * b[:, None, :, :], axis=2)
    return rotated + ops.concatenate([ops.zeros_like(a[:, :, :3]), a[:, :, 3:]], axis=-1)
