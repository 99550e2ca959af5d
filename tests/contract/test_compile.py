"""All ways to compile a model give the same results, and batches of all sizes share one trace."""

import keras
import numpy as np
import pytest
from contract.cases import BATCH, ROWS, make, supporting

# "auto" is True where there is a GPU, and False elsewhere.
MODES = {
    "jit": {"jit_compile": True},
    "eager": {"run_eagerly": True, "jit_compile": False},
    "two steps at once": {"steps_per_execution": 2, "jit_compile": False},
}


def history(case):
    fitted = case.model.fit(case.x, case.y, BATCH, shuffle=False, verbose=0).history
    # XLA draws different random numbers.
    return [value for name, values in fitted.items() if name not in case.random for value in values]


SLOW = ("flow", "inverse kinematics", "every posture", "refinement", "regressor")
# Tracing these for every mode takes seconds; `reach` has what they have but their own layers.
TRACED = (*SLOW, "calibrated", "distances")


@supporting("compile", later=(*TRACED, "heads"))
def test_all_ways_to_compile_give_the_same_training(name):
    reference = make(name)
    expected = history(reference)
    weights = reference.model.get_weights()
    for mode, options in MODES.items():
        case = make(name, **options)
        np.testing.assert_allclose(history(case), expected, rtol=2e-4, err_msg=mode)
        for weight, other in zip(case.model.get_weights(), weights, strict=True):
            np.testing.assert_allclose(weight, other, rtol=0, atol=2e-4, err_msg=mode)


class Counter(keras.layers.Layer):
    """A layer that counts its traces."""

    def __init__(self):
        super().__init__()
        self.traces = 0

    def call(self, x):
        self.traces += 1
        return x


@supporting("one trace", later=(*TRACED, "heads"))
def test_batches_of_all_sizes_share_one_trace(name):
    case, counter = make(name), Counter()
    if case.model in case.objects.values():
        model, call = case.model, case.model.call
        model.call = lambda x: call(counter(x))
    else:
        # The counter comes before the model, so that no trace of the model misses it.
        model = keras.Model(case.model.inputs, case.model(counter(case.model.inputs[0])))
        model.compile("sgd", **case.compiled_with)

    def first(rows, data):
        return keras.tree.map_structure(lambda each: each[:rows], data)

    steps = (
        lambda rows: model.predict(first(rows, case.x), rows, verbose=0),
        lambda rows: model.fit(first(rows, case.x), first(rows, case.y), rows, verbose=0),
    )
    for step in steps:
        step(1)  # Keras traces for one batch size first, then for all
        step(2)
        counter.traces = 0
        for rows in (5, ROWS, 7):
            step(rows)
        assert counter.traces == 0


@pytest.mark.parametrize(
    "mode", ["full", pytest.param("activations", marks=pytest.mark.in_test_all("every case"))]
)
@supporting("remat", later=TRACED)
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
    actual, expected = history(case._replace(model=model)), history(case)
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
