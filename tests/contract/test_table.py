"""The table of the contract is complete."""

import importlib
import inspect
import pkgutil

import keras
import pytest
from contract.cases import CONTRACT, MODELS, make

import fkarm
from fkarm._registered import CLASSES

KINDS = (
    keras.Layer,
    keras.Model,
    keras.Loss,
    keras.Metric,
    keras.regularizers.Regularizer,
    keras.initializers.Initializer,
    keras.constraints.Constraint,
    keras.optimizers.Optimizer,
)


def public_keras_objects():
    """`module.Name` of all public Keras objects, and the set of registered objects."""
    modules = [fkarm]
    for info in pkgutil.iter_modules(fkarm.__path__, "fkarm."):
        if not info.name.split(".")[1].startswith("_"):
            modules.append(importlib.import_module(info.name))
    registered = {
        thing
        for name, thing in keras.saving.get_custom_objects().items()
        if name.startswith("fkarm>")
    }
    public = {}
    for module in modules:
        for name in getattr(module, "__all__", []):
            thing = getattr(module, name)
            if inspect.isclass(thing) and (issubclass(thing, KINDS) or thing in registered):
                # The first name counts: `Robot`, not `model.Robot`.
                public.setdefault(thing, f"{module.__name__}.{name}".removeprefix("fkarm."))
    return set(public.values()), registered


def test_every_public_keras_object_is_in_the_table():
    public, registered = public_keras_objects()
    assert public == set(CONTRACT["objects"])
    tested = [path for _, objects in MODELS.values() for path in objects]
    assert sorted(tested) == sorted(public)
    assert {name.split(".")[-1] for name in public} == {thing.__name__ for thing in registered}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_contains_the_objects_listed_for_it(name):
    objects = make(name).objects
    assert tuple(objects) == MODELS[name][1]
    for path, thing in objects.items():
        assert path.split(".")[-1] == type(thing).__name__


def test_every_exemption_has_a_reason():
    for exempt in CONTRACT["objects"].values():
        assert set(exempt) <= set(CONTRACT["properties"])
        assert set(exempt.values()) <= set(CONTRACT["reasons"])


@pytest.mark.parametrize("part", CLASSES)
def test_deferred_and_registered_objects_are_the_same(part):
    """Without it, a file with a new object would not open after `import fkarm` alone."""
    module = importlib.import_module(part)
    public = {thing.__name__ for thing in vars(module).values() if inspect.isclass(thing)}
    _, registered = public_keras_objects()
    theirs = {each.__name__ for each in registered if each.__module__.startswith(f"{part}.")}
    assert theirs <= public
    assert theirs == set(CLASSES[part])


def test_all_registered_objects_are_deferred():
    _, registered = public_keras_objects()
    names = {name for names in CLASSES.values() for name in names}
    assert {each.__name__ for each in registered} == names | {"Robot"}
