// Expansions and parameters of layers.
#include "ir/Expr.h"
#include "ir/Initializer.h"
#include "ir/Layout.h"
#include "ir/Ops.h"

using namespace mlir;
using namespace nnc;

namespace nnc {

Expr classMask(Expr indices, int64_t classes) {
  ImplicitLocOpBuilder &b = indices.builder();
  SmallVector<int64_t> column = indices.dims();
  column.push_back(1);
  Type i32 = b.getI32Type();
  return reshape(narrowIndices(indices, classes), column) ==
         iota(b, {classes}, 0, i32);
}

Expr narrowIndices(Expr indices, int64_t count) {
  // What i32 would wrap around to a class is none. A smaller type holds no such
  // number, and perhaps not `count` either.
  if (indices.elementType().getIntOrFloatBitWidth() > 32)
    indices = minimum(maximum(indices, -1.0), double(count));
  return cast(indices, indices.builder().getI32Type());
}

SoftmaxParts splitSoftmax(Expr x, ArrayRef<int64_t> axes) {
  Expr shifted = x - reduceMax(x, axes, /*keepDims=*/true);
  Expr powers = exp(shifted);
  return {shifted, powers, sum(powers, axes, /*keepDims=*/true)};
}

} // namespace nnc

FailureOr<Expansion> SoftmaxOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX());
  SoftmaxParts parts = splitSoftmax(x, {getResolvedAxis()});
  return Expansion{parts.powers / parts.total};
}

FailureOr<Expansion> LogSoftmaxOp::buildExpansion(OpBuilder &builder,
                                                  bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  SoftmaxParts parts = splitSoftmax(Expr(b, getX()), {getResolvedAxis()});
  return Expansion{parts.shifted - log(parts.total)};
}

FailureOr<Expansion> DropoutOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX());
  double keep = 1.0 - number(getRate());
  if (!training || keep == 1.0)
    return Expansion{x};
  FailureOr<Counter> counter = requireCounter(b, *this, getCounter());
  if (failed(counter))
    return failure();
  SmallVector<int64_t> dims = x.dims();
  if (getChannels())
    std::fill(dims.begin() + 1, dims.end() - 1, 1);
  Expr mask = randomMask(*counter, getStream(), dims, keep);
  return Expansion{select(mask, x * (1.0 / keep), 0.0)};
}

LogicalResult DropoutOp::verify() {
  if (getChannels() && getX().getType().getRank() < 2)
    return OpSite(getLoc(), "dropout").error()
           << "x is " << printType(getX().getType())
           << ": expected samples and channels";
  return checkCounter(*this, getCounter(), getStream());
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<LayerParameter>>
DenseOp::getLayerParameters(Location loc, ValueRange given,
                            DictionaryAttr arguments) {
  OpSite site(loc, "dense");
  TypeOrFailure x = getLayerInput(site, given);
  FailureOr<int64_t> units = getLayerSize(site, arguments, "units");
  if (failed(x) || failed(units))
    return failure();
  int64_t inputs = x->getShape().back();
  TypeOrFailure weight = makeType(site, {inputs, *units}, x->getElementType());
  if (failed(weight))
    return failure();
  // Glorot and Bengio 2010 keep the variance of signals in both directions.
  MLIRContext *context = loc->getContext();
  SmallVector<LayerParameter> parameters{
      {"weight", *weight, makeInitializer(context, "glorot_uniform"),
       pytorchDims(weight->getRank())}};
  auto bias = arguments.getAs<BoolAttr>("bias");
  if (!bias || bias.getValue())
    parameters.push_back({"bias",
                          RankedTensorType::get({*units}, x->getElementType()),
                          makeInitializer(context, "zeros")});
  return parameters;
}

FailureOr<SmallVector<LayerParameter>>
EmbeddingOp::getLayerParameters(Location loc, ValueRange given,
                                DictionaryAttr arguments) {
  OpSite site(loc, "embedding");
  FailureOr<int64_t> vocabulary = getLayerSize(site, arguments, "vocabulary");
  FailureOr<int64_t> width = getLayerSize(site, arguments, "width");
  if (failed(vocabulary) || failed(width))
    return failure();
  MLIRContext *context = loc->getContext();
  TypeOrFailure table =
      makeType(site, {*vocabulary, *width}, Float32Type::get(context));
  if (failed(table))
    return failure();
  // As GPT-2 (Radford et al. 2019) has it.
  return SmallVector<LayerParameter>{
      {"table", *table,
       makeInitializer(context, "normal", {{"stddev", 0.02}})}};
}

FailureOr<Expansion> EmbeddingOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr indices(b, getIndices());
  Expr rows = gather(Expr(b, getTable()), indices); // [.., width]
  std::optional<int64_t> padding = getPaddingIndex();
  if (!padding)
    return Expansion{rows};
  SmallVector<int64_t> column = indices.dims();
  column.push_back(1);
  return Expansion{
      select(reshape(indices, column) == scalar(indices, *padding), 0.0, rows)};
}

SmallVector<IndexLimit> EmbeddingOp::getIndexLimits() {
  return {{0, getTable().getType().getDimSize(0)}};
}

SmallVector<IndexLimit> OneHotOp::getIndexLimits() {
  return {{0, static_cast<int64_t>(getClasses())}};
}
