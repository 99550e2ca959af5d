"""Which calls compile, and how to choose."""

import numpy as np
import pytest
from autodiff import array

import fkarm
from fkarm import config
from fkarm.kinematics.plan import plan_chain

ONLY_TENSORFLOW = pytest.mark.only_on("tensorflow", reason="its graphs tell what was compiled")


def operations(function, *shape):
    """Types of the operations that a function consists of when TensorFlow traces it."""
    import tensorflow as tf

    traced = tf.function(function).get_concrete_function(tf.TensorSpec(shape))
    return {operation.type for operation in traced.graph.get_operations()}


def test_the_mode_lasts_or_ends_with_its_block():
    before = config.compilation_mode()
    with config.compilation("eager"):
        assert config.compilation_mode() == "eager"
        with config.compilation("graph"):
            assert config.compilation_mode() == "graph"
        assert config.compilation_mode() == "eager"
    assert config.compilation_mode() == before
    config.compilation("eager")
    assert config.compilation_mode() == "eager"
    config.compilation(before)


def test_an_unknown_mode_is_refused_and_changes_nothing():
    before = config.compilation_mode()
    with pytest.raises(ValueError, match="Did you mean 'graph'"):
        config.compilation("graphs")
    assert config.compilation_mode() == before


@ONLY_TENSORFLOW
@pytest.mark.parametrize("choose", [config.plain_operations, lambda: config.compilation("eager")])
def test_a_trace_can_consist_of_plain_operations(choose, three_joints):
    def poses(q):
        return fkarm.forward_kinematics(three_joints, q)

    call = {"PartitionedCall", "StatefulPartitionedCall"}
    assert call & operations(poses, 5, 2)
    with choose():
        assert not call & operations(lambda q: poses(q), 5, 2)


@ONLY_TENSORFLOW
def test_eager_mode_compiles_no_batch(monkeypatch):
    from fkarm.kinematics.stage import tensorflow as stage

    monkeypatch.setattr(stage, "in_rows", lambda *inputs: pytest.fail("compiled"))
    arm = fkarm.robots.planar([1.0, 0.5])
    q = np.random.default_rng(0).uniform(-1, 1, (1500, 2))
    with config.compilation("eager"):
        target = array(fkarm.forward_kinematics(arm, q))
        assert fkarm.solve_ik(arm, target, task="position", starts=1).q.shape == (1500, 2)


@ONLY_TENSORFLOW
def test_graph_mode_compiles_one_row(three_joints, monkeypatch):
    from fkarm.kinematics.stage import tensorflow as stage

    sizes = []
    run = stage.in_rows
    monkeypatch.setattr(stage, "in_rows", lambda *args: (sizes.append(1), run(*args))[1])
    with config.compilation("graph"):
        fkarm.forward_kinematics(three_joints, np.zeros(2))
    assert sizes == [1]


def test_clear_forgets_plans(three_joints):
    links = ("tool",)
    plan = plan_chain(three_joints, links)
    assert plan_chain(three_joints, links) is plan
    config.clear()
    assert plan_chain(three_joints, links) is not plan
