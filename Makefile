# What the README and CI call. Everything lives in a private .venv.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PEERS := .venv/peers
CLOSED_FORMS := .venv/closed-forms
# Another library, in the version that the benchmarks measure.
peer = $(shell grep '^$(1)==' benchmarks/peers/requirements.txt)
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: venv corpus demo test test-later test-all test-oldest test-backends test-pythons examples lint benchmark \
	benchmark-peers benchmark-ik-peers benchmark-closed-form readme plots docs notebooks dist clean

venv: $(STAMP)

$(STAMP): pyproject.toml setup.cfg
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

# What others made, to test on: URDFs (131 MB), MuJoCo models (26 MB), and Robotics Toolbox (190 MB), beside which
# the tests run code of docs/coming-from.md.
corpus: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'example-robot-data>=6'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gymnasium-robotics
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(call peer,roboticstoolbox-python)

# Without the information that TensorFlow prints before it reads its log level; the demo says whether it has a GPU.
demo: SHELL := bash
demo: $(STAMP)
	@$(BIN)/python examples/train_ik_regressor.py $(ARGS) \
		2> >(grep --line-buffered -vE '^(I0000 |WARNING: All log messages before absl::)' >&2)

# TensorFlow keeps all that XLA compiled as long as its process lives: each group has two of its own.
GROUP_1 := tests/kinematics
GROUP_2 := tests/contract tests/ik
GROUP_3 := tests/learning tests/commands
GROUP_4 := $(filter-out $(GROUP_1) $(GROUP_2) $(GROUP_3),$(patsubst %/,%,$(sort $(dir $(wildcard tests/*/test_*.py))))) \
	tests/test_*.py
in_groups = failed=0; for group in "$(GROUP_1)" "$(GROUP_2)" "$(GROUP_3)" "$(GROUP_4)"; do \
	$(1) -m pytest -n 2 --dist worksteal --suite $(2) $$group || failed=1; done; exit $$failed
# Of a test, XLA takes longer to compile the code than the code to run.
HASTY := --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true \
	--xla_cpu_use_fusion_emitters=false

# What guards the package's own modules. Some of it: make test TESTS=tests/model
test: $(STAMP)
	@export XLA_FLAGS="$(HASTY)"; \
	$(if $(TESTS),$(BIN)/python -m pytest $(TESTS),$(call in_groups,$(BIN)/python,quick))

# What `make test` leaves out; the tests' marks say why. Then its tests of compiled code, now fully optimised.
# `make test-later ONE_IN=3` runs a third of the cases of every test, and of most tests there is one.
ONE_IN ?= 1
COMPILED := tests/kinematics/stage $(patsubst %,tests/ik/test_%.py,path search solve)
test-later: $(STAMP)
	@$(call in_groups,$(BIN)/python,later --one-in $(ONE_IN))
	$(BIN)/python -m pytest -n 2 --dist worksteal --compilation graph --one-in $(ONE_IN) $(COMPILED)

# Everything, fully optimised, on every backend. The corpus is tested where `make corpus` was called.
test-all: $(STAMP)
	@$(call in_groups,$(BIN)/python,all)
	$(MAKE) test-backends

# The oldest versions that pyproject.toml allows. There oneDNN makes tf.vectorized_map abort.
test-oldest: .venv-oldest/.installed
	@export TF_ENABLE_ONEDNN_OPTS=0; $(call in_groups,.venv-oldest/bin/python,all)

.venv-oldest/.installed: pyproject.toml setup.cfg
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check \
		'tensorflow==2.21.*' 'keras==3.12.*' 'numpy==2.0.*' -e '.[viz,view,mjcf,xacro,tables,test]'
	@touch $@

# The other backends of Keras: no TensorFlow in these environments. docs/backends.md lists what is left out. Each has the
# library of its backend that docs/coming-from.md compares fkarm with.
# JAX compiles for each case of a test, for seconds: there one quick case in JAX_ONE_IN is run, hardly optimised.
SHARED := $(addprefix tests/,backends calibration collision geometry kinematics compare layers losses metrics ik \
	model/test_named.py) $(patsubst %,tests/learning/test_%.py,ahead checkpoint data epochs hosts presets spline)
JAX_ONE_IN ?= 8
test-backends: .venv-jax/.installed .venv-torch/.installed
	KERAS_BACKEND=jax JAX_DISABLE_MOST_OPTIMIZATIONS=1 \
		.venv-jax/bin/python -m pytest -n 2 --dist worksteal --one-in $(JAX_ONE_IN) $(SHARED)
	KERAS_BACKEND=torch .venv-torch/bin/python -m pytest -n 2 --dist worksteal --suite all $(SHARED)

.venv-jax/.installed: BACKEND = jax
.venv-jax/.installed: PEER = $(call peer,almond-pyroki)
.venv-torch/.installed: BACKEND = torch==2.13.0
.venv-torch/.installed: PEER = $(call peer,pytorch-kinematics)
.venv-%/.installed: pyproject.toml setup.cfg
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check $(BACKEND)
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check keras numpy scipy pin pandas pytest \
		pytest-xdist
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check $(PEER)
	@touch $@

# Every supported version of Python that is installed: one quick test in eight.
python_of = PYENV_VERSION=$$(pyenv versions --bare 2>/dev/null | paste -sd:) python$(1)
test-pythons:
	@export XLA_FLAGS="$(HASTY)"; failed=0; for version in 3.10 3.11 3.12 3.13; do \
		$(call python_of,$$version) -c 1 2>/dev/null || { echo "== Python $$version is not installed"; continue; }; \
		echo "== Python $$version"; $(MAKE) .venv-python$$version/.installed && \
		.venv-python$$version/bin/python -m pytest -n 2 --dist worksteal --one-in 8 || failed=1; \
	done; exit $$failed

.venv-python%/.installed: pyproject.toml setup.cfg
	$(call python_of,$*) -m venv .venv-python$*
	.venv-python$*/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	.venv-python$*/bin/python -m pip install --quiet --disable-pip-version-check -e '.[viz,mjcf,xacro,tables,test]'
	@touch $@

# What is uploaded. tests/test_package.py looks into it.
dist: $(STAMP)
	rm -rf dist
	$(BIN)/python -m build --outdir dist

examples: $(STAMP)
	@set -e; for file in examples/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file --steps 30; done

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# More options: make benchmark ARGS="--batch 1000 --robots ur5"
benchmark: $(STAMP)
	$(BIN)/python -m benchmarks.fk $(ARGS)

# Compared with other libraries, in an environment of their own (5 GB).
benchmark-peers: $(PEERS)/.installed
	$(PEERS)/bin/python -m benchmarks.fk --device cpu --robots panda,g1 \
		--batch 1,1000,10000,100000 --peers --json benchmarks/results/peers_cpu.json $(ARGS)

# Inverse kinematics compared with other libraries; the same environment.
benchmark-ik-peers: $(PEERS)/.installed
	$(PEERS)/bin/python -m benchmarks.ik --peers --json benchmarks/results/ik_peers.json $(ARGS)

$(PEERS)/.installed: benchmarks/peers/requirements.txt pyproject.toml setup.cfg
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check \
		-r benchmarks/peers/requirements.txt -e .
	@touch $@

# Closed forms of inverse kinematics compared, in an environment without torch.
benchmark-closed-form: $(CLOSED_FORMS)/.installed
	$(CLOSED_FORMS)/bin/python -m benchmarks.closed_form --json benchmarks/results/closed_form.json $(ARGS)

$(CLOSED_FORMS)/.installed: benchmarks/peers/requirements_closed_form.txt pyproject.toml setup.cfg
	$(PYTHON) -m venv $(CLOSED_FORMS)
	$(CLOSED_FORMS)/bin/python -m pip install --quiet --disable-pip-version-check \
		-r benchmarks/peers/requirements_closed_form.txt -e .
	@touch $@

# The numbers in the documents, from the files that the commands wrote.
readme: $(STAMP)
	$(BIN)/python -m tools.readme

plots: $(STAMP)
	$(BIN)/python -m tools.plot

# The site, in build/site; warnings are errors.
docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "Open build/site/index.html, or run: $(BIN)/mkdocs serve"

# The tutorials as notebooks in build/notebooks, run; they take some minutes.
notebooks: .venv/.docs
	$(BIN)/python -m tools.notebooks --run

.venv/.docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@

clean:
	rm -rf .venv .venv-* build dist *.egg-info examples/output .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
