"""Cases of convolutions, and of the layers that are made of them: a family of its own."""
from cases import BATCH, case, spread
from convolutions import conv_layer, convolve, convolve_filter, convolve_transpose, transposed_layer


def convolution_cases(size, filter, stride=None, low=None, high=None, dilation=None, groups=1, gradient=True):
    """The three convolutions of an image and a filter."""
    rank, named = len(size) - 1, []
    for name, values in [("strides", stride), ("low", low), ("high", high), ("dilations", dilation)]:
        if values:
            named.append(f"{name} = {values}")
    if groups != 1:
        named.append(f"groups = {groups}")
    steps = (stride or [1] * rank, low or [0] * rank, high or [0] * rank, dilation or [1] * rank, groups)
    x, w = spread((BATCH, *size), -1, 1), spread(filter, -1, 1, seed=1)
    y = spread(convolve(x, w, *steps).shape, -1, 1, seed=2)
    window, sizes = list(filter[:-2]), list(size[:-1])
    case("convolution", "convolution", [x, w], lambda a, b: convolve(a, b, *steps), " ".join(named), dynamic=(0,),
         gradient=gradient)
    case("convolution", "convolution_transpose", [y, w], lambda a, b: convolve_transpose(a, b, sizes, *steps),
         " ".join([f"sizes = {sizes}", *named]), dynamic=(0,), gradient=gradient)
    case("convolution", "convolution_filter", [x, y], lambda a, b: convolve_filter(a, b, window, *steps),
         " ".join([f"sizes = {window}", *named]), dynamic=(0, 1), gradient=gradient)


convolution_cases((9, 3), (3, 3, 4))
convolution_cases((9, 3), (4, 3, 4), stride=[2], low=[1], high=[2])
convolution_cases((6, 7, 3), (3, 3, 3, 4), low=[1, 1], high=[1, 1])
convolution_cases((7, 6, 2), (3, 2, 2, 5), stride=[2, 3], low=[1, 0], high=[0, 2])
convolution_cases((9, 8, 2), (3, 3, 2, 3), dilation=[2, 3], low=[1, 2], high=[3, 1])
# A stride and a dilation that share a divisor: there are places that no window reaches.
convolution_cases((11, 13, 2), (3, 2, 2, 3), stride=[2, 3], dilation=[4, 6], low=[0, 3], high=[1, 0])
# More padding than the window has, so that parts of a gradient are cut off.
convolution_cases((3, 4, 2), (2, 2, 2, 3), stride=[1, 2], low=[4, 3], high=[3, 5])
convolution_cases((5, 5, 4), (1, 1, 4, 6))
convolution_cases((5, 6, 4), (1, 1, 4, 6), stride=[2, 2])
convolution_cases((6, 5, 4), (3, 3, 2, 6), groups=2, low=[1, 1], high=[1, 1], stride=[2, 1])
# A filter a channel, and two of them.
convolution_cases((6, 6, 5), (3, 3, 1, 5), groups=5, low=[1, 1], high=[1, 1])
convolution_cases((6, 6, 3), (3, 3, 1, 6), groups=3, stride=[2, 2])
convolution_cases((4, 5, 3, 2), (2, 3, 2, 2, 3), stride=[1, 2, 1], low=[0, 1, 1], high=[1, 1, 0])
# As many channels as a CPU has Winograd's products for. Each of the three is a gradient of
# the others, so that differences, of which there would be thousands, say no more.
convolution_cases((5, 6, 16), (3, 3, 16, 16), low=[1, 1], high=[1, 1], gradient=False)
# Windows side by side.
convolution_cases((8, 8, 2), (4, 4, 2, 5), stride=[4, 4])
# More places between two strides than there is code for.
convolution_cases((20, 20, 1), (9, 9, 1, 2), stride=[9, 9], low=[1, 2])


def layer_case(name, size, weight, reference, bias=True, **given):
    spelled = " ".join(f"{key} = {str(value)}" for key, value in given.items())
    operands = [spread((BATCH, *size), -1, 1), spread(weight, -1, 1, seed=1)]
    if bias:
        made = reference(*operands, **given)
        operands.append(spread(made.shape[-1:], -1, 1, seed=2))
    case("convolution", name, operands, lambda *values: reference(*values, **given), spelled, dynamic=(0,))


for given in [{}, {"padding": "same"}, {"padding": "same_lower", "stride": [2]}, {"padding": [1]}, {"padding": [0, 2, 1, 0], "dilation": [2]},
              {"stride": [1, 3], "padding": "same", "groups": 2}]:
    groups = given.get("groups", 1)
    layer_case("conv2d", (6, 7, 4), (2, 3, 4 // groups, 6), conv_layer, **given)
    layer_case("conv2d_transpose", (3, 4, 4), (2, 3, 6 // groups, 4), transposed_layer, **given)
layer_case("conv2d_transpose", (3, 4, 4), (3, 3, 2, 4), transposed_layer, stride=[2], padding=[1], output_padding=[1])
layer_case("conv2d_transpose", (1, 1, 4), (4, 4, 2, 4), transposed_layer, bias=False)
layer_case("conv1d", (8, 3), (3, 3, 4), conv_layer, bias=False, padding="same")
layer_case("conv1d_transpose", (4, 3), (4, 2, 3), transposed_layer, stride=[2], padding="same")
layer_case("conv3d", (3, 4, 5, 2), (2, 2, 3, 2, 3), conv_layer, padding="same")
layer_case("conv3d_transpose", (2, 2, 3, 2), (2, 2, 3, 3, 2), transposed_layer, stride=[2], padding="same")
