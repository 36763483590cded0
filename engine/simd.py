"""Vectors of 64 bytes for kernels that Numba compiles: 16 single-precision numbers, or 8 double-precision ones.

Numba leaves vectorisation to LLVM, which gives up on loops that read and write several rows of one array (it
cannot prove them distinct). These few operations say it outright: a value is an LLVM vector, which is one register
with AVX-512, two with AVX and four with SSE or NEON; the code is the same everywhere. What a vector holds follows
from the array or the number it comes from. Loops should keep no more than five vectors at once: AVX has sixteen
registers, and what does not fit them is written to memory and read again in every turn.

Rows are rows of a two-dimensional array that is contiguous along each row; `load(a, i, s)` reads a[i, s:s+lanes(a)].
There are no bounds checks.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc, no-any-unimported"
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.extending import models, register_model

# engine.compiled hashes the files that name it: this one is inlined into every kernel that uses it.
VECTOR_BYTES = 64

intrinsic: Any = extending.intrinsic

_I32 = ir.IntType(32)
_LLVM = {types.float32: (ir.FloatType(), "f32"), types.float64: (ir.DoubleType(), "f64")}


class VectorType(types.Type):
    """Numba's name for a vector of one kind of number."""

    def __init__(self, number: Any) -> None:
        self.number = number
        self.lanes = VECTOR_BYTES // (number.bitwidth // 8)
        super().__init__(name=f"{number}x{self.lanes}")


VECTORS = {number: VectorType(number) for number in _LLVM}


def _llvm(vector):
    return ir.VectorType(_LLVM[vector.number][0], vector.lanes)


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _llvm(numba_type))


def _pointer(context, builder, array_type, array, row, column):
    """The address of array[row, column]; the last axis is contiguous."""
    fields = context.make_array(array_type)(context, builder, array)
    row_stride = cgutils.unpack_tuple(builder, fields.strides)[0]
    data = builder.bitcast(fields.data, ir.IntType(8).as_pointer())
    data = builder.gep(data, [builder.mul(row, row_stride)])
    number = _LLVM[array_type.dtype][0]
    return builder.gep(builder.bitcast(data, number.as_pointer()), [column])


def _shuffle(builder, first, second, lanes):
    mask = ir.Constant(ir.VectorType(_I32, len(lanes)), lanes)
    return builder.shuffle_vector(first, second, mask)


@intrinsic
def lanes(_context, array):
    """How many of the array's numbers are in one vector."""
    count = VECTORS[array.dtype].lanes

    def generate(context, builder, signature, args):
        return context.get_constant(types.int64, count)

    return types.int64(array), generate


@intrinsic
def load(_context, array, row, column):
    """array[row, column : column + lanes]"""
    vector = VECTORS[array.dtype]

    def generate(context, builder, signature, args):
        address = _pointer(context, builder, signature.args[0], *args)
        value = builder.load(builder.bitcast(address, _llvm(vector).as_pointer()))
        value.align = vector.number.bitwidth // 8
        return value

    return vector(array, types.int64, types.int64), generate


@intrinsic
def store(_context, array, row, column, value):
    """array[row, column : column + lanes] = value"""
    vector = VECTORS[array.dtype]

    def generate(context, builder, signature, args):
        address = _pointer(context, builder, signature.args[0], *args[:3])
        address = builder.bitcast(address, _llvm(vector).as_pointer())
        builder.store(args[3], address).align = vector.number.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64, vector), generate


@intrinsic
def splat(_context, number):
    """A vector with `number` in every lane."""
    vector = VECTORS[number]

    def generate(context, builder, signature, args):
        nothing = ir.Constant(_llvm(vector), ir.Undefined)
        first = builder.insert_element(nothing, args[0], ir.Constant(_I32, 0))
        return _shuffle(builder, first, nothing, [0] * vector.lanes)

    return vector(number), generate


@intrinsic
def multiply_add(_context, a, b, c):
    """a * b + c, rounded once where the processor can."""

    def generate(context, builder, signature, args):
        kind = ir.FunctionType(_llvm(a), [_llvm(a)] * 3)
        name = f"llvm.fmuladd.v{a.lanes}{_LLVM[a.number][1]}"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)

    return a(a, a, a), generate


@intrinsic
def add_sums(_context, array, row, column, a, b, c, d):
    """array[row, column : column + 4] += (sum of a, of b, of c, of d), added in one fixed order of lanes."""

    def generate(context, builder, signature, args):
        _add(builder, a, _pointer(context, builder, signature.args[0], *args[:3]), _sums(builder, a, args[3:]))
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64, a, a, a, a), generate


@intrinsic
def add_square_of_sums(_context, array, row, column, a, b, c, d):
    """array[row, column : column + 2] += (sum of a, of b) and array[row + 1, column : column + 2] += (sum of c, of d),
    added in one fixed order of lanes.
    """

    def generate(context, builder, signature, args):
        four = _sums(builder, a, args[3:])
        below = builder.add(args[1], ir.Constant(args[1].type, 1))
        for row, places in ((args[1], [0, 1]), (below, [2, 3])):
            address = _pointer(context, builder, signature.args[0], args[0], row, args[2])
            _add(builder, a, address, _shuffle(builder, four, four, places))
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64, a, a, a, a), generate


def _sums(builder, vector, values):
    """The sums of four vectors' lanes, side by side.

    Halve pairwise: lanes of two vectors are added so that one vector holds both; after two rounds one vector holds the
    remaining lanes of all four; then each group is halved until one lane is left.
    """
    a, b, c, d = values
    lower, upper = _halve(builder, a, b, vector.lanes, 1), _halve(builder, c, d, vector.lanes, 1)
    total = _halve(builder, lower, upper, vector.lanes, 2)
    width = vector.lanes // 4
    while width > 1:
        width //= 2
        even = [group * 2 * width + k for group in range(4) for k in range(width)]
        odd = [k + width for k in even]
        total = builder.fadd(_shuffle(builder, total, total, even), _shuffle(builder, total, total, odd))
    return total


def _add(builder, vector, address, summand):
    """Add to the numbers that lie at an address."""
    address = builder.bitcast(address, summand.type.as_pointer())
    before = builder.load(address)
    before.align = vector.number.bitwidth // 8
    builder.store(builder.fadd(before, summand), address).align = vector.number.bitwidth // 8


def _halve(builder, first, second, count, groups):
    """Add the lower and upper half of each of the `groups` in two vectors; the result holds first's, then second's."""
    width = count // groups
    lower = [group * width + k for group in range(groups) for k in range(width // 2)]
    lower += [k + count for k in lower]
    upper = [k + width // 2 for k in lower]
    return builder.fadd(_shuffle(builder, first, second, lower), _shuffle(builder, first, second, upper))
