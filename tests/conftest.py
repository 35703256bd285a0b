"""What every test run can be told: how much the property tests draw, and which array library the tensors are made by.

    pytest                                   NumPy, a few examples of each property, the same each time
    pytest --hypothesis-profile deep         many, drawn anew
    pytest --backend cupy                    the tests that mean something there, with tensors made on the GPU
    pytest --backend strict                  the same on the strict double, a pretend GPU (see strict_double.py)
"""
import pytest
from hypothesis import HealthCheck, settings

from tinygrad_like import backend

from . import strict_double

settings.register_profile("default", max_examples=6, derandomize=True, deadline=None, database=None,
                          suppress_health_check=list(HealthCheck))
settings.register_profile("device", settings.get_profile("default"), max_examples=2)        # where each new shape compiles a kernel
settings.register_profile("ci", settings.get_profile("default"), max_examples=25, print_blob=True)
settings.register_profile("deep", max_examples=100, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
settings.load_profile("default")

backend.libraries["strict"] = lambda: strict_double.cupy

# The files whose tests can run on a device; but for those that give NumPy's arrays to tensors, or look into their memory.
ON_DEVICES = {"test_backends.py", "test_corners.py", "test_engine.py", "test_gpt2_on_devices.py", "test_kernels.py",
              "test_launches.py", "test_layers_on_devices.py", "test_memory.py", "test_metrics.py", "test_optim_on_devices.py",
              "test_transforms_on_devices.py", "test_sweep.py"}
ON_NUMPY_ALONE = {
    "test_a_subclass_is_a_tensor_everywhere", "test_an_op_with_an_intermediate_is_computed_once_a_visit",
    "test_grads_of_one_call_share_memory_with_nobody", "test_operands_of_other_kinds",
    "test_tensors_among_the_parameters_arrive_as_arrays", "test_what_a_derivative_hands_through_is_copied_for_a_leaf",
}
# The ops for which real CuPy needs something that the CPU stand-in lacks.
NOT_ON_STAND_IN = {
    **dict.fromkeys(["cholesky", "cofactors", "det", "eigh", "eigvalsh", "inv", "pinv", "qr", "slogdet", "solve", "svd", "svdvals"],
                    "cuSOLVER"),
    **dict.fromkeys(["erfinv", "sinc"], "function of CUDA's of that name"),
}


def pytest_addoption(parser):
    parser.addoption("--backend", choices=["numpy", "cupy", "strict"], default="numpy",
                     help="which array library the tensors are made by, in the tests that can be run on a device")


def pytest_configure(config):
    name = config.getoption("--backend")
    if name == "numpy":
        return
    try:
        backend.set_default_device({"cupy": "cuda"}.get(name, name))
    except backend.errors.BackendError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
    if name == "cupy" and not config.getoption("--hypothesis-profile"):
        settings.load_profile("device")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--backend") == "numpy":
        return
    chosen = []
    for item in items:
        if item.path.name in ON_DEVICES and item.name not in ON_NUMPY_ALONE:
            chosen.append(item)
            op = item.callspec.params.get("op") if hasattr(item, "callspec") else None
            if getattr(op, "__name__", None) in NOT_ON_STAND_IN and on_stand_in():
                item.add_marker(pytest.mark.skip(reason=f"the stand-in has no {NOT_ON_STAND_IN[op.__name__]}"))
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def on_stand_in():
    """Whether CuPy's GPU is a CPU that stands in for one."""
    return (backend.default_device == "cuda"
            and b"stand-in" in backend.library("cuda").cuda.runtime.getDeviceProperties(0)["name"])


@pytest.fixture(scope="session")
def device():
    """The device to compare with NumPy: the one of --backend, or else the strict double."""
    return "strict" if backend.default_device == "cpu" else backend.default_device
