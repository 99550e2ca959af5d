"""How good a calibration is: a measured Panda and iiwa, and simulations of a UR5e.

    python -m benchmarks.calibration --data ../shared/data/mukca

Every error of a measured robot is at places that were not fitted to. Robots whose data are absent
are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import fkarm
from fkarm import calibration
from fkarm.calibration.chain import Chain
from fkarm.calibration.corrections import layout_of
from fkarm.calibration.fit import default_parameters, make_problem
from fkarm.calibration.suggest import Design

RESULTS = Path(__file__).with_name("results") / "calibration.json"
DATA = Path(__file__).parents[2] / "shared" / "data" / "mukca"
PANDA = [
    ("front_center", "high", "back_left"),
    ("front_center",),
    ("front_center", "front_left", "front_right"),
]
IIWA = [("front", "left_back"), ("front", "raised_left"), ("left_back", "raised_left")]
LOSSES = ("l2", "huber", "cauchy")
Places = dict[str, list[np.ndarray]]


def read(folder: Path) -> Places:
    return {
        place.name: [np.loadtxt(place / f"hole_{k}.csv", delimiter=",") for k in (0, 1)]
        for place in sorted(folder.iterdir())
        if place.is_dir()
    }


def measured(places: Places, names: tuple[str, ...]) -> list[Any]:
    found: list[Any] = []
    for name in names:
        found += [calibration.SamePoint(f"{name} {k}", q) for k, q in enumerate(places[name])]
        found.append(calibration.Distance(f"{name} 0", f"{name} 1", 0.05))
    return found


def judged(fit: calibration.Calibration, places: Places, names: list[str]) -> dict[str, float]:
    """Mean distance from the mean of a socket, and mean error of the 50 mm."""
    rows, lengths = [], []
    for name in names:
        means = []
        for q in places[name]:
            T = fkarm.forward_kinematics(fit.robot, fit.configuration(q), fit.point_link)
            p = np.asarray(T)[:, :3, 3]
            means.append(p.mean(axis=0))
            rows.append(np.linalg.norm(p - means[-1], axis=1))
        lengths.append(abs(np.linalg.norm(means[0] - means[1]) - 0.05))
    return {
        "error_mm": round(1e3 * float(np.concatenate(rows).mean()), 4),
        "distance_error_mm": round(1e3 * float(np.mean(lengths)), 4),
    }


def real(robot: fkarm.Robot, link: str, places: Places, choices: list[Any]) -> list[dict[str, Any]]:
    rows = []
    every = calibration.parameters(robot, origins=True, point=True)
    ball = calibration.parameters(robot, point=True)
    for names in choices:
        others = [name for name in places if name not in names]
        data = measured(places, names)
        options = {"link": link, "limits": False}
        nominal = fkarm.calibrate(robot, data, parameters=ball, **options)
        for loss in LOSSES:
            wall, cpu = time.perf_counter(), time.process_time()
            fit = fkarm.calibrate(robot, data, parameters=every, loss=loss, **options)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            rows.append(
                {
                    "robot": robot.name,
                    "fitted_to": list(names),
                    "loss": loss,
                    "nominal": judged(nominal, places, others),
                    "fitted": judged(fit, places, others),
                    "by_place": {p: judged(fit, places, [p])["error_mm"] for p in others},
                    "parameters": len(fit.parameters),
                    "seconds": round(wall, 2),
                    "cpu_seconds": round(cpu, 2),
                }
            )
            print(rows[-1], flush=True)
    return rows


def simulated(count: int, outliers: float, loss: str, seed: int = 0) -> dict[str, Any]:
    """RMS error at held-out configurations over the bound of least squares without outliers."""
    robot = fkarm.robots.ur5e()
    parameters = calibration.parameters(robot, origins=True)
    rng = np.random.default_rng(seed)
    layout = layout_of(robot)
    chain = Chain(robot, robot.end_effector, np.arange(6 * layout.slots), parameters.senses)
    q = fkarm.sample_configurations(robot, 50, seed=rng)
    held_out = fkarm.sample_configurations(robot, 1000, seed=rng)
    sizes = np.where([e.is_angle for e in parameters.entries], np.radians(0.5), 1e-3)
    errors, bounds = [], []
    for _ in range(count):
        vector = parameters.vector(rng.normal(size=len(sizes)) * sizes)
        p = chain(vector, q, derivatives=False).position + rng.normal(0, 1e-4, (50, 3))
        bad = rng.random(50) < outliers
        direction = rng.normal(size=(50, 3))
        p = p + 0.02 * bad[:, None] * direction / np.linalg.norm(direction, axis=1)[:, None]
        data = [calibration.Position("tracker", q, p)]
        fit = fkarm.calibrate(robot, data, parameters=parameters, loss=loss)
        at, own = chain(vector, q), chain(vector, held_out)
        index = parameters.indices[fit.active]
        information = np.einsum("nki,nkj->ij", at.linear[..., index], at.linear[..., index])
        covariance = 1e-8 * np.linalg.inv(information)
        spread = np.einsum("nki,ij,nkj->n", own.linear[..., index], covariance,
                           own.linear[..., index])  # fmt: skip
        T = np.asarray(fkarm.forward_kinematics(fit.robot, held_out))
        errors.append(np.sum((T[:, :3, 3] - own.position) ** 2, axis=1))
        bounds.append(spread)
    rms, bound = (float(np.sqrt(np.mean(each))) for each in (errors, bounds))
    result = {"loss": loss, "outliers": outliers, "simulations": count, "rms_mm": 1e3 * rms,
              "bound_mm": 1e3 * bound, "ratio": rms / bound}  # fmt: skip
    print(result, flush=True)
    return result


def deviations(count: int) -> dict[str, Any]:
    """Stated standard deviations over the spread of simulations with one true robot."""
    robot = fkarm.robots.ur5e()
    parameters = calibration.parameters(robot, origins=True)
    rng = np.random.default_rng(1)
    sizes = np.where([e.is_angle for e in parameters.entries], np.radians(0.5), 1e-3)
    vector = parameters.vector(rng.normal(size=len(sizes)) * sizes)
    chain = Chain(robot, robot.end_effector, np.zeros(0, int), parameters.senses)
    q = fkarm.sample_configurations(robot, 50, seed=rng)
    clean = chain(vector, q, derivatives=False).position
    found: dict[str, list[float]] = {}
    stated: dict[str, list[float]] = {}
    for _ in range(count):
        data = [calibration.Position("tracker", q, clean + rng.normal(0, 1e-4, clean.shape))]
        fit = fkarm.calibrate(robot, data, parameters=parameters)
        for name, value in fit.parameters.items():
            found.setdefault(name, []).append(value)
            stated.setdefault(name, []).append(fit.standard_deviations[name])
    ratios = [float(np.mean(stated[n]) / np.std(found[n])) for n in found if len(found[n]) == count]
    result = {"simulations": count, "least": min(ratios), "most": max(ratios)}
    print(result, flush=True)
    return result


def learnt(steps: int = 2000) -> dict[str, Any]:
    """The layer, fitted by Keras, against `calibrate` on the same data: predicted points."""
    robot = fkarm.robots.ur5e()
    rng = np.random.default_rng(2)
    true = calibration.parameters(robot, origins=True)
    sizes = np.where([e.is_angle for e in true.entries], np.radians(0.5), 1e-3)
    chain = Chain(robot, robot.end_effector, np.zeros(0, int), true.senses)
    q = fkarm.sample_configurations(robot, 50, seed=rng)
    vector = true.vector(rng.normal(size=len(sizes)) * sizes)
    p = chain(vector, q, derivatives=False).position + rng.normal(0, 1e-4, (50, 3))
    fit = fkarm.calibrate(robot, [calibration.Position("tracker", q, p, sigma=1e-4)])
    chosen = true.only(*fit.parameters)
    # The loss of `calibrate`, in mm^2 per measured coordinate.
    keras.config.set_floatx("float64")  # of losses too, which a policy does not reach
    prior = fkarm.layers.CorrectionPrior.of(chosen, weight=0.1**2 / p.size)
    layer = fkarm.layers.CalibratedForwardKinematics(
        robot, parameters=chosen, output="position", length_unit="mm",
        corrections_regularizer=prior,
    )  # fmt: skip
    model = keras.Sequential([layer])
    rate = keras.optimizers.schedules.CosineDecay(0.03, steps, alpha=1e-4)
    model.compile(keras.optimizers.Adam(rate, beta_2=0.99), "mse")
    wall = time.perf_counter()
    data = tf.data.Dataset.from_tensors((q, 1e3 * p)).repeat(steps)
    model.fit(data, epochs=1, steps_per_epoch=steps, verbose=0)
    wall = time.perf_counter() - wall
    keras.config.set_floatx("float32")
    held_out = fkarm.sample_configurations(robot, 1000, seed=rng)
    ours = 1e3 * np.asarray(fkarm.forward_kinematics(fit.robot, held_out))[:, :3, 3]
    away = np.linalg.norm(np.asarray(layer(held_out)) - ours, axis=1)
    result = {"steps": steps, "seconds": round(wall, 1), "parameters": len(chosen.entries),
              "mean_mm": float(away.mean()), "most_mm": float(away.max())}  # fmt: skip
    print(result, flush=True)
    return result


def suggested(n: int = 20) -> list[dict[str, Any]]:
    """Mean variance of the tip after random configurations, over that after suggested ones.

    `at_most` is what no choice among many candidates can exceed: the optimum of designs with any
    weights, from below (a convex problem, bounded by its gradient).
    """
    rows = []
    for robot in (fkarm.robots.ur5e(), fkarm.robots.panda()):
        q = fkarm.sample_configurations(robot, 6000, seed=5)
        measured_at = calibration.Position("candidates", q, np.zeros((len(q), 3)), sigma=1e-4)
        link = robot.end_effector
        wanted = default_parameters(robot, link, [measured_at])
        design = Design(make_problem(robot, [measured_at], link, wanted), n, "tip")
        rng = np.random.default_rng(0)
        random = [design.rows[rng.choice(len(q), n, replace=False)] for _ in range(200)]
        mean = float(np.mean([design.variance(each) for each in random]))
        found = [calibration.suggest_configurations(robot, n, seed=seed) for seed in range(5)]
        ratios = [mean / each.deviation**2 for each in found]
        rows.append({"robot": robot.name, "n": n, "variance_ratios": ratios,
                     "at_most": mean / least_variance(design, n)})  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def least_variance(design: Design, n: int, steps: int = 300) -> float:
    """A bound of the variance of `n` configurations, from weights that are nearly the best."""
    rows, prior = design.rows, np.eye(design.rows.shape[2])
    weights = np.full(len(rows), 1.0 / len(rows))
    for _ in range(steps):
        information = n * np.einsum("k,kdi,kdj->ij", weights, rows, rows, optimize=True)
        covariance = np.linalg.inv(information + prior)
        half = rows @ covariance
        slopes = n * np.einsum("kdi,ij,kdj->k", half, design.weight, half, optimize=True)
        bound = np.sum(design.weight * covariance) + weights @ slopes - slopes.max()
        weights *= np.sqrt(slopes)
        weights /= weights.sum()
    return float(bound)


def layer_times(rows: int = 1_000_000, repeats: int = 9) -> dict[str, Any]:
    """Forward and gradient of the calibrated layer over the plain one, interleaved; medians."""
    robot = fkarm.robots.panda()
    q = tf.constant(fkarm.sample_configurations(robot, rows, seed=0), "float32")
    choices = {"offsets": {"offsets": True}, "origins": {"origins": True},
               "all": {"origins": True, "offsets": True, "base": True, "point": True}}  # fmt: skip
    layers = {"plain": fkarm.layers.ForwardKinematics(robot)}
    for name, choice in choices.items():
        wanted = calibration.parameters(robot, **choice)
        layers[name] = fkarm.layers.CalibratedForwardKinematics(robot, parameters=wanted)

    def run(name: str) -> float:
        begin = time.perf_counter()
        with tf.GradientTape() as tape:
            tape.watch(q)
            poses = layers[name](q)
        watched = q if name == "plain" else layers[name].corrections
        gradient = tape.gradient(poses, watched, output_gradients=poses)
        np.asarray(gradient[0])
        return time.perf_counter() - begin

    for name in layers:
        run(name)
    times = [{name: run(name) for name in layers} for _ in range(repeats)]
    seconds = {name: float(np.median([each[name] for each in times])) for name in layers}
    over_plain = {name: seconds[name] / seconds["plain"] for name in choices}
    result = {"robot": robot.name, "rows": rows, "seconds": seconds, "over_plain": over_plain}
    print(result, flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the measured robots")
    parser.add_argument("--simulations", type=int, default=100)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    result: dict[str, Any] = {"fkarm": fkarm.__version__, "cores": os.cpu_count()}
    if options.data.is_dir():
        panda, iiwa = fkarm.robots.panda(), fkarm.robots.iiwa14()
        result["measured"] = [
            *real(panda, "panda_hand", read(options.data / "panda_2"), PANDA),
            *real(iiwa, iiwa.end_effector, read(options.data / "kuka_14"), IIWA),
        ]
    result["simulated"] = [
        simulated(options.simulations, 0.0, "l2"),
        simulated(options.simulations, 0.05, "huber"),
        simulated(options.simulations, 0.05, "cauchy"),
    ]
    result["standard_deviations"] = deviations(10 * options.simulations)
    result["learnt"] = learnt()
    result["suggested"] = suggested()
    result["layer"] = layer_times()
    options.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
