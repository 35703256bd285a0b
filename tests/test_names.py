"""Names that PyTorch's scripts use and elsewhere here, or nowhere: what works, and what the errors say to write instead."""
import subprocess
import sys

import pytest

import tinygrad_like as tl
from tinygrad_like import nn


# ---- names that are not here ------------------------------------------------------------------------------------
@pytest.mark.parametrize("line, text", [
    ("tl.compile(f)", "nothing is compiled.*as it is"), ("tl.jit.script(f)", "as it is.*state_dict"),
    ("tl.bfloat16", "float32"), ("tl.FloatTensor([1.0])", r"tensor\(data, dtype=float32\)"),
    ("tl.LongTensor([1])", r"tensor\(data, dtype=int64\)"),
    ("tl.cuda.FloatTensor", r"tensor\(data, dtype=float32, device='cuda'\)"),
    ("tl.set_float32_matmul_precision('high')", "float32.*leave it out"),
    ("tl.set_default_tensor_type('torch.DoubleTensor')", r"set_default_dtype\(float64\)"),
    ("tl.distributed.init_process_group()", "one process"), ("nn.DataParallel(f)", "one GPU.*as it is"),
    ("nn.parallel.DistributedDataParallel(f)", "one GPU.*as it is"), ("tl.func.jacrev", "jacobian"),
    ("tl.func.vmap", "batch"), ("tl.vmap", "batch"),
    ("tl.channels_last", "as they are written"), ("tl.random.manual_seed(0)", "manual_seed"),
    ("tl.autograd.Function", "subclass Op"), ("tl.autograd.detect_anomaly()", "trace_nonfinite"),
    ("tl.testing.assert_close(1, 1)", "allclose"), ("nn.init.xavier_uniform", "did you mean xavier_uniform_"),
    ("nn.init.gain", "calculate_gain"), ("tl.cuda.amp.autocast()", "tinygrad_like.amp"),
    ("tl.cuda.Event(enable_timing=True)", r"synchronize\(\)"), ("tl.cuda.set_device(0)", "CUDA_VISIBLE_DEVICES"),
    ("tl.utils.tensorboard.SummaryWriter()", "CSVLogger"),
    ("tl.tensr", "did you mean tensor"), ("tl.register_hook", "a method of Tensor"), ("tl.Conv2d", "it is nn.Conv2d"),
    ("tl.sparse_coo_tensor", "dense"), ("tl.spmm", "dense.*mm"), ("tl.distributions.Beta", "log_prob"),
    ("tl.Adam", "it is optim.Adam"), ("tl.one_hot", "it is nn.functional.one_hot"),
])
def test_a_name_that_is_not_here_says_what_to_write(line, text):
    with pytest.raises(AttributeError, match=text):
        eval(line, {"tl": tl, "nn": nn, "f": nn.Linear(1, 1)})


def test_asking_for_private_names_is_quick_and_says_little():
    with pytest.raises(AttributeError, match="^tinygrad_like has no '_C'$"):
        tl._C  # noqa: B018


@pytest.mark.parametrize("line", ["nn.Conv2d(3, 8)", "nn.MaxPool2d()", "nn.BatchNorm1d()", "nn.ConvTranspose1d(1)",
                                  "nn.ZeroPad2d()", "nn.AdaptiveAvgPool2d()", "nn.InstanceNorm3d()", "nn.Linear(3)"])
def test_a_layer_without_its_arguments_is_called_by_its_own_name(line):
    with pytest.raises(TypeError, match=line[3:].split("(")[0] + r".__init__\(\) missing"):
        eval(line)


@pytest.mark.parametrize("line", ["add_(1, 2)", "float(3)", "numpy(1)"])
def test_a_method_with_wrong_arguments_is_called_by_its_name(line):
    with pytest.raises(TypeError, match="^Tensor." + line.split("(")[0]):
        eval(f"tl.ones(2).{line}")


@pytest.mark.parametrize("line, text", [
    ("from tinygrad_like import bfloat16", "use float32"), ("from tinygrad_like.autograd import Function", "subclass Op"),
    ("from tinygrad_like.nn import DataParallel", "one GPU"), ("from tinygrad_like.nn import Liner", "did you mean Linear"),
    ("from tinygrad_like.cuda import FloatTensor", "write tensor"), ("from tinygrad_like import jit", "nothing is compiled"),
    ("from tinygrad_like.utils import tensorboard", "CSVLogger"),
])
def test_an_import_of_a_name_that_is_not_here_says_it_too(line, text):
    """Python says "cannot import name" in the place of any AttributeError."""
    with pytest.raises(ImportError, match=text):
        exec(line)
    assert not hasattr(tl, "bfloat16") and getattr(nn, "DataParallel", None) is None


@pytest.mark.parametrize("line, text", [
    ("import tinygrad_like.nn.parallel", "nn has no 'parallel': there is one GPU at most"),
    ("import tinygrad_like.distributed as dist", "one process"), ("import tinygrad_like.jit", "nothing is compiled"),
    ("from tinygrad_like.utils.tensorboard import SummaryWriter", "training.CSVLogger"),
    ("from tinygrad_like.cuda.amp import autocast", "tinygrad_like.amp"),
    ("from tinygrad_like.nn.modules.loss import _Loss", "the layers are in nn itself"),
    ("import tinygrad_like.nn.utils.prune", "multiply by a mask"),
    ("import tinygrad_like.sparse", "dense"), ("import tinygrad_like.nothing", "^No module named 'tinygrad_like.nothing'$"),
])
def test_an_import_of_a_file_that_is_not_here_says_it_too(line, text):
    with pytest.raises(ModuleNotFoundError, match=text):
        exec(line)


# ---- names that are here ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("line", [
    "torch.accelerator.is_available()", "torch.accelerator.current_accelerator()", "torch.accelerator.device_count()",
    "torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else 'cpu'",
    "torch.backends.mps.is_available()", "torch.backends.mps.is_built()", "torch.backends.cuda.is_built()",
])
def test_asking_for_a_device(line):
    torch = pytest.importorskip("torch")
    if torch.accelerator.is_available() or tl.cuda.is_available():
        pytest.skip("there is a GPU")
    assert eval(line, {"torch": tl}) == eval(line, {"torch": torch})


def test_variables_are_tensors():
    from tinygrad_like.autograd import Variable
    x = tl.ones(3)
    w = Variable(x, requires_grad=True)
    (w * w).sum().backward()
    assert w.grad.tolist() == [2, 2, 2] and not Variable(w).requires_grad and not x.requires_grad


@pytest.mark.parametrize("line", [
    "from tinygrad_like.utils.data.sampler import SubsetRandomSampler", "from tinygrad_like.utils.data.dataset import Dataset",
    "from tinygrad_like.utils.data.dataloader import DataLoader, default_collate",
    "from tinygrad_like.distributions.normal import Normal", "from tinygrad_like.distributions.categorical import Categorical",
    "from tinygrad_like.distributions.kl import kl_divergence", "from tinygrad_like import autocast, GradScaler",
    "import tinygrad_like.backends.cudnn as cudnn", "from tinygrad_like.amp import autocast, GradScaler",
])
def test_imports_of_scripts(line):
    subprocess.run([sys.executable, "-c", line], check=True)


@pytest.mark.parametrize("line, text", [
    ("tl.backends.cudnn.benchmark = True", "leave it out"), ("tl.backends.cudnn.deterministic = True", "leave it out"),
    ("tl.backends.cuda.matmul.allow_tf32 = True", "leave it out"),
])
def test_settings_of_kernels_are_refused(line, text):
    with pytest.raises(AttributeError, match=text):
        exec(line)


# ---- mixed precision, where it is off ---------------------------------------------------------------------------
def test_autocast_and_scaler_that_are_off_do_nothing():
    from tinygrad_like.amp import GradScaler, autocast
    w = tl.ones(2, requires_grad=True)
    optimizer, scaler = tl.optim.SGD([w], 0.5), GradScaler(enabled=False)
    with autocast("cpu", enabled=False):
        loss = w.sum()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert w.tolist() == [0.5, 0.5] and not scaler.is_enabled() and scaler.get_scale() == 1.0
    scaler.load_state_dict(scaler.state_dict())

    @autocast("cuda", enabled=False)
    def half(x):
        """Half of it."""
        return x / 2
    assert half(tl.ones(1)).item() == 0.5 and half.__doc__ == "Half of it."


@pytest.mark.parametrize("line", ["autocast('cpu')", "autocast('cuda', tl.float16)", "GradScaler()", "GradScaler('cuda')"])
def test_mixed_precision_raises(line):
    from tinygrad_like import amp
    with pytest.raises(NotImplementedError, match="mixed precision.*enabled=False"):
        eval(line, vars(amp) | {"tl": tl})
