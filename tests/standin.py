"""A stand-in for a CUDA device on a machine without one: it computes on the CPU, and refuses what CUDA refuses.

A tensor on the device ``standin`` wraps a tensor of the CPU. Every operation on it comes by here, below autograd,
autocast and `torch.func`, and is carried out on what is wrapped; the result is wrapped again. Refused are:

- tensors of two devices in one operation, but for copies, for indices, and for a single number of the CPU where the
  device takes one;
- ``.numpy()``, and all that reads the memory of a tensor from Python;
- a generator of the CPU where the device draws, which has a source of its own;
- products of matrices of integers, and histograms with weights and edges, for which CUDA has no kernel.

Counted is what makes the host wait for a CUDA device (:func:`waits`): values read from the device, shapes that depend
on values, masks as indices, decompositions that check whether they succeeded, and copies to the device that are waited
for. Counted, too, is what CUDA adds in an order that is another one each time (:func:`unordered`), so that what is
repeated has other bits.

What it cannot show: anything under ``device.type == "cuda"``, so no CUDA graphs, streams, events or pinned memory; no
kernels, so nothing of their speed, of the order in which they add, of atomic additions, of TF32 or of convolutions that
cuDNN chooses; no memory that runs out; no second device; no collectives of `torch.distributed`. A plain tensor of the
CPU that is made by mistake is found only where it meets one of the device. Not offered, though CUDA has them, are
pickled tensors and ``torch.Generator(device)``.
"""

import contextlib
import copy
import functools
from collections import Counter
from types import SimpleNamespace

import torch

NAME = "standin"

try:
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend as set_up
except ImportError:  # before PyTorch 2.10 or so
    set_up = None

REASON = None
if set_up is None:
    REASON = f"PyTorch {torch.__version__} cannot have a device that is written in Python"
elif torch.cuda.is_available():
    REASON = "here is a CUDA device: PyTorch has one accelerator at a time, and the real one shows more"

aten = torch.ops.aten
COPIES = {aten.copy_.default, aten._to_copy.default, aten.lift_fresh.default}
# Operations that take a single number of the CPU beside tensors of the device, without being elementwise.
TAKE_NUMBERS = {aten.fill_.Tensor, aten.masked_fill.Tensor, aten.masked_fill_.Tensor, aten.full_like.default,
                aten.index_fill.int_Tensor, aten.index_fill_.int_Tensor}  # fmt: skip
INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default,
            aten._unsafe_index.Tensor, aten._unsafe_index_put.default}  # fmt: skip
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique", "_unique2", "unique_dim",
           "unique_consecutive", "unique_dim_consecutive", "bincount", "linalg_cholesky", "cholesky", "linalg_inv",
           "linalg_solve", "_linalg_eigh", "linalg_eig", "linalg_eigvals", "_linalg_svd", "linalg_lstsq",
           "_linalg_check_errors", "histc"}  # fmt: skip
# By PyTorch's page on `torch.use_deterministic_algorithms`. Convolutions are left out: cuDNN can be asked for an order.
UNORDERED = {
    "index_add", "index_add_", "scatter_add", "scatter_add_", "put_", "kthvalue",
    "nll_loss2d_forward", "_embedding_bag", "grid_sampler_2d_backward", "reflection_pad1d_backward",
    "reflection_pad2d_backward", "replication_pad2d_backward", "adaptive_max_pool2d_backward", "avg_pool3d_backward",
    "_adaptive_avg_pool2d_backward", "upsample_bilinear2d_backward", "upsample_bicubic2d_backward",
    "upsample_linear1d_backward", "_upsample_bilinear2d_aa_backward", "_upsample_bicubic2d_aa_backward",
}  # fmt: skip
NO_KERNEL = {"histogram", "_histogramdd_bin_edges", "_histogramdd_from_bin_tensors", "_histogramdd_from_bin_cts"}
PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "addmv", "mv", "dot", "addbmm"}

AUTOCAST = "AutocastPrivateUse1"
LOWER_PRECISION = (
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d.input", "conv_transpose3d.input", "convolution",
    "matmul", "mm", "bmm", "addmm", "baddbmm", "addbmm", "mv", "addmv", "linear",
)  # fmt: skip

_source = torch.Generator()  # from which the device draws
_counters, _sums = [], []


class StandinTensor(torch.Tensor):
    """A tensor of the device, around the tensor `inner` of the CPU that has its values."""

    @staticmethod
    def __new__(cls, inner):
        self = torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            layout=inner.layout, device=torch.device(NAME, 0),
        )  # fmt: skip
        self.inner = inner
        return self

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {})

    @property
    def data(self):
        return torch.Tensor.data.__get__(self)

    @data.setter
    def data(self, value):
        torch.Tensor.data.__set__(self, value)
        self.inner = value.inner

    def tolist(self):
        return self.detach().cpu().tolist()

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            made = self.detach().clone().requires_grad_(self.requires_grad)
            made.__dict__.update(
                {name: copy.deepcopy(value, memo) for name, value in self.__dict__.items() if name != "inner"}
            )
            memo[id(self)] = made
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        raise NotImplementedError("tensors of the stand-in cannot be pickled: save them from the CPU")

    def __repr__(self, **_):
        return f"{repr(self.inner.detach())[:-1]}, device='{self.device}')"

    def __format__(self, spec):
        return format(self.item(), spec) if self.dim() == 0 else object.__format__(self, spec)


def waits():
    """Count what makes the host wait for the device: a `Counter` by the name of the operation."""
    return _counted(_counters)


def unordered():
    """Count what CUDA adds in any order."""
    return _counted(_sums)


@contextlib.contextmanager
def _counted(counters):
    count = Counter()
    counters.append(count)
    try:
        yield count
    finally:
        counters[:] = [other for other in counters if other is not count]


# ---- What is refused, and what is waited for -------------------------------------------------------------------------


@functools.cache
def _facts(operation):
    """What there is to know of an operation, whatever it is given."""
    name = operation.overloadpacket.__name__
    if name in NO_KERNEL:
        raise NotImplementedError(f"Could not run 'aten::{name}' with arguments from the '{NAME}' backend")
    takes_numbers = operation in TAKE_NUMBERS | INDEXING or torch.Tag.pointwise in operation.tags
    return SimpleNamespace(
        name=name,
        copies=operation in COPIES,
        indexes=operation in INDEXING,
        takes_numbers=takes_numbers or name.startswith("_foreach"),
        multiplies=name in PRODUCTS,
        draws=torch.Tag.nondeterministic_seeded in operation.tags,
    )


def _tensors(values):
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _check(facts, args, kwargs):
    """Refuse what CUDA refuses."""
    if facts.copies:
        return
    first, *others = args or (None,)
    indices = list(_tensors(others[0])) if facts.indexes else []
    for tensor in _tensors([*args, *kwargs.values()]):
        if isinstance(tensor, StandinTensor) or any(tensor is index for index in indices):
            continue
        if tensor.dim() or not facts.takes_numbers or (tensor is first and facts.name.endswith("_")):
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but found at least two devices, {NAME}:0 and "
                f"{tensor.device}! (when checking arguments of {facts.name})"
            )
    if facts.multiplies and not (first.is_floating_point() or first.is_complex()):
        raise RuntimeError(f'"{facts.name}_{NAME}" not implemented for {first.dtype}')


def _notice(facts, args, kwargs):
    """Count what makes the host wait."""
    name, awaited = facts.name, None
    if name in WAITING or (name == "repeat_interleave" and kwargs.get("output_size") is None):
        awaited = name
    elif facts.indexes and any(index.dtype in (torch.bool, torch.uint8) for index in _tensors(args[1])):
        awaited = "a mask as index"
    elif facts.copies:
        target = args[0].device if name == "copy_" else kwargs.get("device") or args[0].device
        source = args[1].device if name == "copy_" else args[0].device
        patient = args[2] if len(args) > 2 else kwargs.get("non_blocking", False)
        if target.type != source.type and (target.type != NAME or not patient):
            awaited = "a copy to the device" if target.type == NAME else "a copy to the host"
    if awaited:
        for count in _counters:
            count[awaited] += 1


def _adds_in_any_order(facts, args, kwargs):
    """Whether two runs of CUDA may round this in two ways."""
    if facts.name.startswith("cumsum"):
        return args[0].is_floating_point()
    if "index_put" in facts.name:
        return bool(args[3] if len(args) > 3 else kwargs.get("accumulate", False))
    if facts.name.startswith("scatter_reduce"):
        return args[4] not in ("amax", "amin")
    return facts.name in UNORDERED or (facts.name == "bincount" and len(args) > 1 and args[1] is not None)


# ---- How operations are carried out ----------------------------------------------------------------------------------


def _run(operation, args, kwargs):
    """Carry out an operation on the CPU."""
    facts = _facts(operation)
    _check(facts, args, kwargs)
    if _counters:
        _notice(facts, args, kwargs)
    if _sums and _adds_in_any_order(facts, args, kwargs):
        for count in _sums:
            count[facts.name] += 1
    wrappers, first = {}, args[0] if args else None
    args, kwargs = _unwrapped(args, wrappers), {name: _unwrapped(value, wrappers) for name, value in kwargs.items()}
    leaves = facts.name == "copy_" and not isinstance(first, StandinTensor)
    if kwargs.get("device") is not None:
        leaves, kwargs["device"] = torch.device(kwargs["device"]).type != NAME, torch.device("cpu")
    if kwargs.pop("pin_memory", None):
        raise RuntimeError("Need to provide pin_memory allocator to use pin memory.")
    result = _draw(operation, args, kwargs) if facts.draws else operation(*args, **kwargs)
    return result if leaves else _wrapped(result, wrappers)


def _unwrapped(value, wrappers):
    if isinstance(value, StandinTensor):
        wrappers[id(value.inner)] = value
        return value.inner
    if isinstance(value, list | tuple):
        return type(value)([_unwrapped(each, wrappers) for each in value])
    return value


def _wrapped(value, wrappers):
    if isinstance(value, torch.Tensor):
        found = wrappers.get(id(value))
        if found is not None and (found.shape != value.shape or found.stride() != value.stride()):
            torch.Tensor.data.__set__(found, StandinTensor(value))  # reshaped in place, or by `out`
        # a wrapper cannot be lazily conjugated as what it wraps can be
        return StandinTensor(value.resolve_conj().resolve_neg()) if found is None else found
    if isinstance(value, list | tuple):
        return type(value)([_wrapped(each, wrappers) for each in value])
    return value


def _draw(operation, args, kwargs):
    """Let random numbers come from the device's own source."""
    given = next((value for value in (*args, *kwargs.values()) if isinstance(value, torch.Generator)), _source)
    if given is not _source:
        raise RuntimeError(f"Expected a '{NAME}' device type for generator but found '{given.device.type}'")
    before = torch.get_rng_state()
    torch.default_generator.set_state(_source.get_state())
    try:
        return operation(*args, **kwargs)
    finally:
        _source.set_state(torch.get_rng_state())
        torch.default_generator.set_state(before)


class _Module:
    """What PyTorch asks of the module of a device, ``torch.cuda`` of CUDA."""

    def is_initialized(self):
        return True

    def is_available(self):
        return True

    def current_device(self):
        return 0

    def device_count(self):
        return 1

    def _is_in_bad_fork(self):
        return False

    def manual_seed_all(self, seed):
        _source.manual_seed(seed)

    default_generators = (_source,)

    def get_rng_state(self, device=None):
        return _source.get_state()

    def set_rng_state(self, state, device=None):
        _source.set_state(state)

    def get_amp_supported_dtype(self):
        return [torch.bfloat16, torch.float16]


def register():
    """Make the device known to PyTorch, before anything is differentiated: autograd counts devices only once."""
    if REASON or _libraries:
        return
    set_up(NAME, backend_module=_Module())
    every = torch.library.Library("_", "IMPL")
    every.fallback(lambda operation, *args, **kwargs: _run(operation, args, kwargs), "PrivateUse1")
    some = torch.library.Library("aten", "IMPL", "PrivateUse1")  # that torch.tensor calls past `__torch_dispatch__`
    for operation in (aten.copy_.default, aten._to_copy.default):
        some.impl(operation, lambda *args, operation=operation, **kwargs: _run(operation, args, kwargs))
    rounded = torch.library.Library("aten", "IMPL", AUTOCAST)
    every.fallback(torch.library.fallthrough_kernel, AUTOCAST)
    for name in LOWER_PRECISION:
        name, _, overload = name.partition(".")
        operation = getattr(getattr(aten, name), overload or "default")
        rounded.impl(operation, lambda *args, operation=operation, **kwargs: _lower(operation, args, kwargs))
    _libraries.extend([every, some, rounded])


def _lower(operation, args, kwargs):
    """Round what a product of autocast takes, as CUDA does."""
    dtype = torch.get_autocast_dtype(NAME)

    def cast(value):
        if isinstance(value, list | tuple):
            return type(value)([cast(each) for each in value])
        lowered = isinstance(value, StandinTensor) and value.dtype == torch.float32
        return value.to(dtype) if lowered else value

    with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(getattr(torch._C.DispatchKey, AUTOCAST))):
        return operation(*map(cast, args), **kwargs)


_libraries = []
