"""However Keras compiles a model: one answer, one trace."""

import keras
import numpy as np
import pytest
from contract.cases import BATCH, ROWS, make, owing

# Beside "auto", which is True where there is a GPU.
MODES = {
    "jit": {"jit_compile": True},
    "eager": {"run_eagerly": True, "jit_compile": False},
    "two steps at once": {"steps_per_execution": 2, "jit_compile": False},
}


def history(case):
    fitted = case.model.fit(case.x, case.y, BATCH, shuffle=False, verbose=0).history
    # XLA draws other random numbers.
    return [value for name, values in fitted.items() if name not in case.random for value in values]


SLOW = ("flow", "inverse kinematics", "refinement", "regressor")


@owing("compile", later=(*SLOW, "heads"))
def test_every_way_to_compile_gives_the_same_training(name):
    expected = make(name)
    wanted = history(expected)
    weights = expected.model.get_weights()
    for mode, options in MODES.items():
        case = make(name, **options)
        np.testing.assert_allclose(history(case), wanted, rtol=2e-4, err_msg=mode)
        for each, other in zip(case.model.get_weights(), weights, strict=True):
            np.testing.assert_allclose(each, other, rtol=0, atol=2e-4, err_msg=mode)


class Counter(keras.layers.Layer):
    """Counts how often it is traced."""

    def __init__(self):
        super().__init__()
        self.traces = 0

    def call(self, x):
        self.traces += 1
        return x


@owing("one trace", later=(*SLOW, "heads"))
def test_batches_of_all_sizes_share_one_trace(name):
    case, counter = make(name), Counter()
    if case.model in case.objects.values():
        model, call = case.model, case.model.call
        model.call = lambda x: call(counter(x))
    else:
        # Around the model, so that nothing of it is traced without the counter.
        model = keras.Model(case.model.inputs, case.model(counter(case.model.inputs[0])))
        model.compile("sgd", **case.compiled_with)

    def first(rows, data):
        return keras.tree.map_structure(lambda each: each[:rows], data)

    steps = (
        lambda rows: model.predict(first(rows, case.x), rows, verbose=0),
        lambda rows: model.fit(first(rows, case.x), first(rows, case.y), rows, verbose=0),
    )
    for step in steps:
        step(1)  # Keras traces for one size, then for any
        step(2)
        counter.traces = 0
        for rows in (5, ROWS, 7):
            step(rows)
        assert counter.traces == 0


@pytest.mark.parametrize(
    "mode", ["full", pytest.param("activations", marks=pytest.mark.in_test_all("every case"))]
)
@owing("remat", later=SLOW)
def test_rematerialised_layers_train_the_same(name, mode):
    case = make(name)
    ours = {type(each) for each in case.objects.values() if isinstance(each, keras.Layer)}

    def remade(layer):
        # Keras rematerialises no layer in a TensorFlow graph that is told whether it trains.
        scope = keras.RematScope(mode=mode if type(layer) in ours else None)
        with scope:
            return type(layer).from_config(layer.get_config())

    model = keras.models.clone_model(case.model, clone_function=remade)
    model.set_weights(case.model.get_weights())
    model.compile("adam", **case.compiled_with)
    modes = {type(each): each._remat_mode and each._remat_mode.mode for each in model.layers}
    assert ours
    assert {modes[each] for each in ours} == {mode}
    found, wanted = history(case._replace(model=model)), history(case)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
