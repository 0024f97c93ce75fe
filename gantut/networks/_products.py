"""The batched matrix product that every layer of a population is, fast for narrow layers, too."""

import torch

NARROW = 8  # columns, up to which a product is taken the other way round


def product(x, weight, bias=None):
    """Return x W + b, shape (members, batch, out)."""
    if weight.shape[-1] <= NARROW:
        across = NarrowProduct.apply(x, weight)
        return across if bias is None else across + bias
    return torch.bmm(x, weight) if bias is None else torch.baddbmm(bias, x, weight)


class NarrowProduct(torch.autograd.Function):
    """The product x W of matrices (members, batch, in) and (members, in, out) where out is small.

    Libraries of matrix products are ten times slower at a handful of columns than at a handful of rows, so all three
    products are taken the other way round.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x, weight):
        # Always a copy: the strides of dimensions of size 1 decide how a product is rounded, and differ by members.
        across = weight.transpose(1, 2).clone(memory_format=torch.contiguous_format)
        return torch.bmm(across, x.transpose(1, 2)).transpose(1, 2).contiguous()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def jvp(ctx, along_x, along_weight):
        x, weight = ctx.saved_tensors
        parts = []
        if along_x is not None:
            parts.append(NarrowProduct.apply(along_x, weight))
        if along_weight is not None:
            parts.append(NarrowProduct.apply(x, along_weight))
        return sum(parts)

    @staticmethod
    def backward(ctx, slope):
        x, weight = ctx.saved_tensors
        across = weight.transpose(1, 2)  # (members, out, in)
        for_x = for_weight = None
        if ctx.needs_input_grad[0]:
            for_x = slope * across if across.shape[1] == 1 else torch.bmm(slope, across)
        if ctx.needs_input_grad[1]:
            for_weight = torch.bmm(slope.transpose(1, 2), x).transpose(1, 2)
        return for_x, for_weight
