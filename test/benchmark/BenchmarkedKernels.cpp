// Each kernel as a target gets it: the text is what the lowering of the op
// leaves, with the batch of a convolution known only at run time.
#include "test/benchmark/BenchmarkedKernels.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <utility>

using namespace nnc::test;
using llvm::formatv;

namespace {

struct Product {
  int64_t m, n, k;
  /// Stored transposed: [k, m], or [n, k].
  bool lhsTransposed = false;
  bool rhsTransposed = false;
};

/// Of square windows on images of batch x height x width x in, with the same
/// padding on all sides.
struct Convolution {
  int64_t batch, height, width, in, out, window, stride, padding;

  int64_t outHeight() const {
    return (height + 2 * padding - window) / stride + 1;
  }
  int64_t outWidth() const {
    return (width + 2 * padding - window) / stride + 1;
  }
  int64_t inputSize() const { return batch * height * width * in; }
  int64_t outputSize() const { return batch * outHeight() * outWidth() * out; }
  int64_t filterSize() const { return window * window * in * out; }
};

} // namespace

// From square to those of small networks, forward and backward.
static constexpr Product kProducts[] = {
    {64, 64, 64},
    {128, 128, 128},
    {256, 256, 256},
    {512, 512, 512},
    {1024, 1024, 1024},
    {2048, 2048, 2048},
    {128, 128, 784},
    {128, 10, 128},
    {784, 128, 128, true, false},
    {768, 384, 128},
    {768, 512, 128},
    {768, 65, 128},
    {33, 77, 50},
    {128, 784, 128, false, true},
    {64, 3136, 128, false, true},
};

// Those of a CNN for CIFAR-10, of ResNet-18 on its images, and of one channel.
static constexpr Convolution kConvolutions[] = {
    {64, 32, 32, 3, 32, 3, 1, 0},   {64, 15, 15, 32, 64, 3, 1, 0},
    {64, 6, 6, 64, 64, 3, 1, 0},    {32, 32, 32, 64, 64, 3, 1, 1},
    {32, 32, 32, 64, 128, 3, 2, 1}, {32, 16, 16, 128, 128, 3, 1, 1},
    {32, 8, 8, 256, 256, 3, 1, 1},  {32, 4, 4, 512, 512, 3, 1, 1},
    {32, 32, 32, 64, 128, 1, 2, 0}, {16, 28, 28, 1, 32, 5, 1, 2},
};

static std::string matrix(int64_t rows, int64_t columns, bool transposed) {
  if (transposed)
    std::swap(rows, columns);
  return formatv("tensor<{0}x{1}xf32>", rows, columns);
}

/// [batch, height, width, channels].
static std::string images(int64_t height, int64_t width, int64_t channels) {
  return formatv("tensor<?x{0}x{1}x{2}xf32>", height, width, channels);
}

/// The sum of products over what `maps` (of lhs, rhs and result, separated by
/// semicolons) have in `loops` and the result has not.
static std::string sumOfProducts(llvm::StringRef result, llvm::StringRef init,
                                 llvm::StringRef loops, llvm::StringRef kinds,
                                 llvm::ArrayRef<std::string> maps,
                                 llvm::ArrayRef<std::string> values,
                                 llvm::ArrayRef<std::string> types) {
  std::string affine, iterators;
  for (const std::string &map : maps)
    affine += formatv("{0}affine_map<({1}) -> ({2})>",
                      affine.empty() ? "" : ", ", loops, map);
  for (char kind : kinds)
    iterators += formatv("{0}\"{1}\"", iterators.empty() ? "" : ", ",
                         kind == 'p' ? "parallel" : "reduction");
  return formatv("{7} = linalg.generic {{indexing_maps = [{0}], iterator_types "
                 "= [{1}]} ins({2}, {3} : {4}, {5}) outs({8} : {6}) {{\n"
                 "^bb0(%s: f32, %t: f32, %sum: f32):\n"
                 "%0 = arith.mulf %s, %t : f32\n"
                 "%1 = arith.addf %sum, %0 : f32\n"
                 "linalg.yield %1 : f32\n} -> {6}\n",
                 affine, iterators, values[0], values[1], types[0], types[1],
                 types[2], result, init);
}

static std::string returnOf(llvm::StringRef value, llvm::StringRef type) {
  return formatv("return {0} : {1}\n}\n", value, type);
}

static std::string zeros(llvm::StringRef name, llvm::StringRef type,
                         bool hasBatch) {
  return formatv("{0}.empty = tensor.empty({2}) : {1}\n"
                 "{0} = linalg.fill ins(%zero : f32) outs({0}.empty : {1}) -> "
                 "{1}\n",
                 name, type, hasBatch ? "%batch" : "");
}

static std::string header(llvm::StringRef lhs, llvm::StringRef rhs,
                          llvm::StringRef result, bool hasBatch) {
  return formatv("func.func private @kernel(%batch: index, %a: {0}, %b: {1}) "
                 "-> {2} attributes {{nnc.kernel} {{\n"
                 "%zero = arith.constant 0.0 : f32\n{3}",
                 lhs, rhs, result, zeros("%init", result, hasBatch));
}

/// Rows and columns of zeros around images.
struct Margins {
  int64_t top, bottom, left, right;

  bool areEmpty() const { return !(top | bottom | left | right); }
};

/// `source`, images with `margins` around them, as `result`.
static std::string padding(llvm::StringRef result, llvm::StringRef source,
                           llvm::StringRef type, llvm::StringRef padded,
                           int64_t height, int64_t width, int64_t channels,
                           const Margins &margins) {
  std::string around = formatv("{0}.zeros", result);
  std::string text = zeros(around, padded, /*hasBatch=*/true);
  text += formatv("{0} = tensor.insert_slice {1} into {2}[0, {3}, {4}, "
                  "0] [%batch, {5}, {6}, {7}] [1, 1, 1, 1] : {8} into {9}\n",
                  result, source, around, margins.top, margins.left, height,
                  width, channels, type, padded);
  return text;
}

static BenchmarkedKernel benchmark(const Product &product) {
  const auto &[m, n, k, lhsTransposed, rhsTransposed] = product;
  std::string lhs = matrix(m, k, lhsTransposed),
              rhs = matrix(k, n, rhsTransposed), result = matrix(m, n, false);
  std::string text = header(lhs, rhs, result, /*hasBatch=*/false) +
                     sumOfProducts("%y", "%init", "m, n, k", "ppr",
                                   {lhsTransposed ? "k, m" : "m, k",
                                    rhsTransposed ? "n, k" : "k, n", "m, n"},
                                   {"%a", "%b"}, {lhs, rhs, result}) +
                     returnOf("%y", result);
  std::string name = formatv("matmul {0}x{1}x{2}{3}", m, n, k,
                             lhsTransposed   ? " A^T"
                             : rhsTransposed ? " B^T"
                                             : "");
  return {name, text, /*batch=*/1, 2.0 * m * n * k, {m * k, k * n}, m * n};
}

/// The window of `stride` at (h, w) reaches row and column (h, w) * stride +
/// (i, j).
static std::string windowed(int64_t stride, llvm::StringRef channel) {
  return formatv("n, h * {0} + i, w * {0} + j, {1}", stride, channel);
}

static double flopOf(const Convolution &c) {
  return 2.0 * c.outputSize() * c.in * c.window * c.window;
}

static std::string nameOf(const Convolution &c, llvm::StringRef direction) {
  return formatv("conv {0}x{1}x{2}x{3} -> {4}, {5}x{5}/{6} {7}", c.batch,
                 c.height, c.width, c.in, c.out, c.window, c.stride, direction);
}

static std::string filterType(const Convolution &c) {
  return formatv("tensor<{0}x{0}x{1}x{2}xf32>", c.window, c.in, c.out);
}

/// The padded images and their name; nothing to do without padding.
static std::pair<std::string, std::string>
padInput(const Convolution &c, std::string &value, llvm::StringRef type) {
  if (!c.padding)
    return {"", type.str()};
  std::string padded =
      images(c.height + 2 * c.padding, c.width + 2 * c.padding, c.in);
  std::string text =
      padding("%padded", value, type, padded, c.height, c.width, c.in,
              {c.padding, c.padding, c.padding, c.padding});
  value = "%padded";
  return {text, padded};
}

static BenchmarkedKernel forward(const Convolution &c) {
  std::string x = images(c.height, c.width, c.in), filter = filterType(c),
              y = images(c.outHeight(), c.outWidth(), c.out), value = "%a";
  auto [pad, padded] = padInput(c, value, x);
  std::string text =
      header(x, filter, y, /*hasBatch=*/true) + pad +
      sumOfProducts("%y", "%init", "n, h, w, o, i, j, c", "pppprrr",
                    {windowed(c.stride, "c"), "i, j, c, o", "n, h, w, o"},
                    {value, "%b"}, {padded, filter, y}) +
      returnOf("%y", y);
  return {nameOf(c, "forward"),
          text,
          c.batch,
          flopOf(c),
          {c.inputSize(), c.filterSize()},
          c.outputSize()};
}

static BenchmarkedKernel filterGradient(const Convolution &c) {
  std::string x = images(c.height, c.width, c.in), filter = filterType(c),
              dy = images(c.outHeight(), c.outWidth(), c.out), value = "%a";
  auto [pad, padded] = padInput(c, value, x);
  std::string text =
      header(x, dy, filter, /*hasBatch=*/false) + pad +
      sumOfProducts("%y", "%init", "i, j, c, o, n, h, w", "pppprrr",
                    {windowed(c.stride, "c"), "n, h, w, o", "i, j, c, o"},
                    {value, "%b"}, {padded, dy, filter}) +
      returnOf("%y", filter);
  return {nameOf(c, "filter gradient"),    text,          c.batch, flopOf(c),
          {c.inputSize(), c.outputSize()}, c.filterSize()};
}

/// Of stride 1: y's gradient is padded so that each window holds all outputs
/// that an input went into.
static BenchmarkedKernel inputGradient(const Convolution &c) {
  int64_t sides = c.window - 1 - c.padding, last = c.window - 1;
  std::string dy = images(c.outHeight(), c.outWidth(), c.out),
              filter = filterType(c), dx = images(c.height, c.width, c.in),
              padded = images(c.outHeight() + 2 * sides,
                              c.outWidth() + 2 * sides, c.out);
  std::string reads = formatv("n, h - i + {0}, w - j + {0}, o", last);
  std::string text =
      header(dy, filter, dx, /*hasBatch=*/true) +
      padding("%padded", "%a", dy, padded, c.outHeight(), c.outWidth(), c.out,
              {sides, sides, sides, sides}) +
      sumOfProducts("%y", "%init", "n, h, w, c, i, j, o", "pppprrr",
                    {reads, "i, j, c, o", "n, h, w, c"}, {"%padded", "%b"},
                    {padded, filter, dx}) +
      returnOf("%y", dx);
  return {nameOf(c, "input gradient"),      text,         c.batch, flopOf(c),
          {c.outputSize(), c.filterSize()}, c.inputSize()};
}

/// Places of one dimension of x between two strides: every `stride` one from
/// `first` on. The taps that reach them are every `stride` one from `tap` on,
/// and the last of dy that does is `start` before the first of them.
struct Phase {
  int64_t first, places, tap, taps, start;

  int64_t before() const { return std::max<int64_t>(0, taps - 1 - start); }
  int64_t after(int64_t numOutputs) const {
    return std::max<int64_t>(0, start + places - numOutputs);
  }
};

static std::vector<Phase> phasesOf(const Convolution &c, int64_t size) {
  std::vector<Phase> phases;
  for (int64_t first = 0; first < c.stride; ++first) {
    int64_t tap = (first + c.padding) % c.stride;
    if (tap < c.window)
      phases.push_back({first, (size - 1 - first) / c.stride + 1, tap,
                        (c.window - 1 - tap) / c.stride + 1,
                        (first + c.padding - tap) / c.stride});
  }
  return phases;
}

/// The sums of one phase, %y of its number, put into what `into` names.
static std::string phaseOfGradient(const Convolution &c, const Phase &rows,
                                   const Phase &columns, int64_t number,
                                   llvm::StringRef into) {
  std::string dy = images(c.outHeight(), c.outWidth(), c.out),
              dx = images(c.height, c.width, c.in),
              part = images(rows.places, columns.places, c.in),
              taps = formatv("tensor<{0}x{1}x{2}x{3}xf32>", rows.taps,
                             columns.taps, c.in, c.out),
              value = "%a", read = dy, text, init = formatv("%init{0}", number),
              sums = formatv("%y{0}", number);
  Margins margins = {rows.before(), rows.after(c.outHeight()), columns.before(),
                     columns.after(c.outWidth())};
  if (!margins.areEmpty()) {
    read = images(c.outHeight() + margins.top + margins.bottom,
                  c.outWidth() + margins.left + margins.right, c.out);
    value = formatv("%padded{0}", number);
    text += padding(value, "%a", dy, read, c.outHeight(), c.outWidth(), c.out,
                    margins);
  }
  text += formatv("%taps{0} = tensor.extract_slice %b[{1}, {2}, 0, 0] "
                  "[{3}, {4}, {5}, {6}] [{7}, {7}, 1, 1] : {8} to {9}\n",
                  number, rows.tap, columns.tap, rows.taps, columns.taps, c.in,
                  c.out, c.stride, filterType(c), taps);
  text += zeros(init, part, /*hasBatch=*/true);
  std::string reads =
      formatv("n, h - i + {0}, w - j + {1}, o", rows.start + margins.top,
              columns.start + margins.left);
  text +=
      sumOfProducts(sums, init, "n, h, w, c, i, j, o", "pppprrr",
                    {reads, "i, j, c, o", "n, h, w, c"},
                    {value, formatv("%taps{0}", number)}, {read, taps, part});
  text += formatv("%x{0} = tensor.insert_slice %y{0} into {1}[0, {2}, {3}, 0] "
                  "[%batch, {4}, {5}, {6}] [1, {7}, {7}, 1] : {8} into {9}\n",
                  number, into, rows.first, columns.first, rows.places,
                  columns.places, c.in, c.stride, part, dx);
  return text;
}

/// Of a longer stride: a sum for each place between two windows, into zeros.
static BenchmarkedKernel stridedInputGradient(const Convolution &c) {
  std::string dx = images(c.height, c.width, c.in), whole = "%init",
              text = header(images(c.outHeight(), c.outWidth(), c.out),
                            filterType(c), dx, /*hasBatch=*/true);
  int64_t number = 0;
  for (const Phase &rows : phasesOf(c, c.height))
    for (const Phase &columns : phasesOf(c, c.width)) {
      text += phaseOfGradient(c, rows, columns, number, whole);
      whole = formatv("%x{0}", number++);
    }
  text += returnOf(whole, dx);
  return {nameOf(c, "input gradient"),      text,         c.batch, flopOf(c),
          {c.outputSize(), c.filterSize()}, c.inputSize()};
}

std::vector<BenchmarkedKernel> nnc::test::benchmarkedKernels() {
  std::vector<BenchmarkedKernel> kernels;
  for (const Product &product : kProducts)
    kernels.push_back(benchmark(product));
  for (const Convolution &convolution : kConvolutions) {
    kernels.push_back(forward(convolution));
    kernels.push_back(convolution.stride == 1
                          ? inputGradient(convolution)
                          : stridedInputGradient(convolution));
    kernels.push_back(filterGradient(convolution));
  }
  return kernels;
}
