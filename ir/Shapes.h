// The shape rules of ops. Op verifiers and type inference call these, so that a
// wrong program gets one wording, at the place where the op was written.
#ifndef NNC_IR_SHAPES_H
#define NNC_IR_SHAPES_H

#include "ir/Windows.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/ValueRange.h"

#include <optional>
#include <string>

namespace nnc {

/// A type as programs spell it: `f32[batch, 784]`, `u8[28]`; a scalar is `f32`.
std::string printType(mlir::Type type);
/// An element type as programs spell it: `f32`, `u8`, `bool`.
std::string printElementType(mlir::Type type);

/// A number in a diagnostic: 1.5, 1e+39.
std::string printNumber(double number);
/// True if `number` is not finite, or is and stays so in `type`.
bool fitsIn(double number, mlir::FloatType type);

/// True if `type` has at most one dynamic dimension, no empty one, no encoding,
/// and at most 2^40 elements a sample.
bool hasSupportedSize(mlir::Type type);

/// An op in a diagnostic: where it stands and what it is called.
struct OpSite {
  mlir::Location location;
  llvm::StringRef name;

  OpSite(mlir::Location location, llvm::StringRef name)
      : location(location), name(name) {}
  OpSite(mlir::MLIRContext *context, std::optional<mlir::Location> location,
         llvm::StringRef name)
      : location(location ? *location : mlir::UnknownLoc::get(context)),
        name(name) {}

  /// Starts a diagnostic: `'matmul' `.
  mlir::InFlightDiagnostic error() const {
    return mlir::emitError(location) << '\'' << name << "' ";
  }
};

/// An operand in a diagnostic.
struct NamedType {
  llvm::StringRef name;
  mlir::RankedTensorType type;
};

using TypeOrFailure = llvm::FailureOr<mlir::RankedTensorType>;

// Every function below fails after a diagnostic at `site`.

/// The shape to which the operands broadcast, and their common element type.
TypeOrFailure inferElementwise(const OpSite &site,
                               llvm::ArrayRef<NamedType> operands);
TypeOrFailure inferSelect(const OpSite &site, mlir::RankedTensorType condition,
                          mlir::RankedTensorType onTrue,
                          mlir::RankedTensorType onFalse);
TypeOrFailure inferCast(const OpSite &site, mlir::RankedTensorType x,
                        mlir::Type elementType);
TypeOrFailure inferConstant(const OpSite &site, mlir::ElementsAttr value);
TypeOrFailure inferIota(const OpSite &site, llvm::ArrayRef<int64_t> shape,
                        int64_t axis, mlir::Type elementType);
TypeOrFailure inferMatmul(const OpSite &site, mlir::RankedTensorType lhs,
                          mlir::RankedTensorType rhs, bool transposeLhs,
                          bool transposeRhs, bool reduceBatch);
TypeOrFailure inferReduction(const OpSite &site, mlir::RankedTensorType x,
                             llvm::ArrayRef<int64_t> axes, bool keepDims);
TypeOrFailure inferSize(const OpSite &site, mlir::RankedTensorType x,
                        llvm::ArrayRef<int64_t> axes);
TypeOrFailure inferReshape(const OpSite &site, mlir::RankedTensorType x,
                           llvm::ArrayRef<int64_t> shape);
TypeOrFailure inferTranspose(const OpSite &site, mlir::RankedTensorType x,
                             llvm::ArrayRef<int64_t> permutation);
TypeOrFailure inferBroadcastTo(const OpSite &site, mlir::RankedTensorType x,
                               llvm::ArrayRef<int64_t> shape);
TypeOrFailure inferSlice(const OpSite &site, mlir::RankedTensorType x,
                         llvm::ArrayRef<int64_t> starts,
                         llvm::ArrayRef<int64_t> sizes,
                         llvm::ArrayRef<int64_t> strides);
TypeOrFailure inferPad(const OpSite &site, mlir::RankedTensorType x,
                       llvm::ArrayRef<int64_t> low,
                       llvm::ArrayRef<int64_t> high,
                       llvm::ArrayRef<int64_t> interior);
TypeOrFailure inferConcat(const OpSite &site,
                          llvm::ArrayRef<mlir::RankedTensorType> inputs,
                          int64_t axis);
TypeOrFailure inferGather(const OpSite &site, mlir::RankedTensorType table,
                          mlir::RankedTensorType indices, int64_t axis);
TypeOrFailure inferScatterAdd(const OpSite &site,
                              mlir::RankedTensorType indices,
                              mlir::RankedTensorType updates, int64_t size,
                              int64_t axis);

/// Attributes of an op whose windows slide (ir/Windows.h), as they are given.
struct ConvolutionAttributes {
  llvm::ArrayRef<int64_t> strides, low, high, dilations;
  int64_t groups;
};
TypeOrFailure inferConvolution(const OpSite &site, mlir::RankedTensorType x,
                               NamedType filter,
                               const ConvolutionAttributes &attributes);
TypeOrFailure inferConvolutionTranspose(
    const OpSite &site, mlir::RankedTensorType y, mlir::RankedTensorType filter,
    llvm::ArrayRef<int64_t> sizes, const ConvolutionAttributes &attributes);
TypeOrFailure inferConvolutionFilter(const OpSite &site,
                                     mlir::RankedTensorType x,
                                     mlir::RankedTensorType y,
                                     llvm::ArrayRef<int64_t> window,
                                     const ConvolutionAttributes &attributes);

/// A float tensor of `shape`, f32 where no element type is given.
TypeOrFailure inferRandom(const OpSite &site, llvm::ArrayRef<int64_t> shape,
                          std::optional<mlir::Type> elementType);
/// x, with `axis` one of its axes.
TypeOrFailure inferAlongAxis(const OpSite &site, mlir::RankedTensorType x,
                             int64_t axis);
/// x, of at least `leastRank` dimensions; `rows` have an element for each of
/// the last, which is not the batch.
TypeOrFailure inferNormalized(const OpSite &site, mlir::RankedTensorType x,
                              int64_t leastRank,
                              llvm::ArrayRef<NamedType> rows);
/// The same, with a last dimension of `groups` equal parts.
TypeOrFailure inferGroupNorm(const OpSite &site, mlir::RankedTensorType x,
                             int64_t groups, llvm::ArrayRef<NamedType> rows);
/// x, to which the other operands broadcast.
TypeOrFailure inferNormalize(const OpSite &site, mlir::RankedTensorType x,
                             llvm::ArrayRef<NamedType> others);
TypeOrFailure inferDense(const OpSite &site, mlir::RankedTensorType x,
                         mlir::RankedTensorType weight,
                         mlir::RankedTensorType bias);
TypeOrFailure inferEmbedding(const OpSite &site, mlir::RankedTensorType table,
                             mlir::RankedTensorType indices,
                             std::optional<int64_t> paddingIndex);
TypeOrFailure inferFlatten(const OpSite &site, mlir::RankedTensorType x);
TypeOrFailure inferOneHot(const OpSite &site, mlir::RankedTensorType x,
                          int64_t classes,
                          std::optional<mlir::Type> elementType);
/// What decides which terms or rows count, and by how much: types are null
/// where they are not given.
struct RowWeights {
  mlir::RankedTensorType weights;      // [..], or the first of these dimensions
  mlir::RankedTensorType classWeights; // [C]
  std::optional<int64_t> ignoreIndex;
  mlir::RankedTensorType positiveWeights = {}; // broadcast to the terms
};
/// A scalar; prediction and target agree but for trailing dimensions of 1.
/// Weights have the dimensions of the prediction, or the first of them, each of
/// which may be 1; those of positive targets broadcast to it; integers of the
/// target can be the index that is ignored.
TypeOrFailure inferTerms(const OpSite &site, NamedType prediction,
                         mlir::RankedTensorType target,
                         const RowWeights &given);
/// The same; the variance broadcasts to the prediction.
TypeOrFailure inferGaussian(const OpSite &site,
                            mlir::RankedTensorType prediction,
                            mlir::RankedTensorType target,
                            mlir::RankedTensorType variance,
                            const RowWeights &given);
/// A scalar; `logits` are [.., C], and the target is integers [..] (a trailing
/// 1 is ignored) or floats [.., C].
TypeOrFailure inferClassification(const OpSite &site, NamedType logits,
                                  mlir::RankedTensorType target);
/// The same, with weights of rows and of classes; the index that is ignored is
/// a number that the target, of integers, can hold.
TypeOrFailure inferCounted(const OpSite &site, NamedType logits,
                           mlir::RankedTensorType target,
                           const RowWeights &given);
/// The same, of at least two classes.
TypeOrFailure inferChoice(const OpSite &site, NamedType logits,
                          mlir::RankedTensorType target,
                          const RowWeights &given);
/// As inferCounted or inferTerms, whichever fits; class weights are for the
/// one, positive weights and an alpha for the other.
TypeOrFailure inferFocal(const OpSite &site, mlir::RankedTensorType logits,
                         mlir::RankedTensorType target, const RowWeights &given,
                         bool hasAlpha);
/// A scalar, from rows [.., C] of both and weights of rows, which may be null.
TypeOrFailure inferDivergence(const OpSite &site, mlir::RankedTensorType logits,
                              mlir::RankedTensorType target,
                              mlir::RankedTensorType weights);
/// A scalar; logits have samples, and places or classes of each; weights, if
/// they are given, are of samples, and class weights for integers that name
/// classes.
TypeOrFailure inferDice(const OpSite &site, mlir::RankedTensorType logits,
                        mlir::RankedTensorType target, const RowWeights &given);
/// A scalar, from vectors [.., D] of one type; `target`, where it is not null,
/// and what is given are of rows.
TypeOrFailure inferPairs(const OpSite &site, llvm::ArrayRef<NamedType> vectors,
                         mlir::RankedTensorType target,
                         const RowWeights &given);
/// A scalar, from two groups of rows, [n, D] or [batch, n, D], and weights of
/// rows, which may be null.
TypeOrFailure inferContrast(const OpSite &site, mlir::RankedTensorType x,
                            mlir::RankedTensorType other,
                            mlir::RankedTensorType weights);
enum class Average : uint32_t;
enum class Multioutput : uint32_t;
/// A scalar; the prediction is of classes, or has the places of the target.
TypeOrFailure inferDecisions(const OpSite &site,
                             mlir::RankedTensorType prediction,
                             mlir::RankedTensorType target,
                             const RowWeights &given,
                             std::optional<Average> average);
/// As inferTerms, of a metric that cannot be weighted by variance.
TypeOrFailure inferRootError(const OpSite &site,
                             mlir::RankedTensorType prediction,
                             mlir::RankedTensorType target,
                             const RowWeights &given, Multioutput multioutput);
/// True if `target` names a class for each row of `logits` [.., C], C > 1.
bool isClassification(mlir::RankedTensorType logits,
                      mlir::RankedTensorType target);
/// The same, by integers alone.
bool areIntegerClasses(mlir::RankedTensorType logits,
                       mlir::RankedTensorType target);
/// Whether `padding` says how far windows reach over the borders: the keyword
/// valid, same or same_lower, or numbers.
bool isPadding(mlir::Attribute padding);

/// Makes explicit what a program says of the windows over x [n, spatial.., c].
/// One number stands for all dimensions, an empty list of strides or dilations
/// for ones. `padding` is a keyword: none (valid), or as much as gives
/// ceil(extent / stride) positions, an odd element behind (same) or before
/// (same_lower); or one number for all sides, or two a dimension, before and
/// behind. There is a position in each dimension, and all products fit.
llvm::FailureOr<Windows>
resolveWindows(const OpSite &site, mlir::RankedTensorType x,
               llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> strides,
               mlir::Attribute padding, llvm::ArrayRef<int64_t> dilations);

/// Attributes of a convolutional layer, as they are given.
struct ConvolutionLayer {
  int64_t numSpatial;
  llvm::ArrayRef<int64_t> strides;
  mlir::Attribute padding;
  llvm::ArrayRef<int64_t> dilations;
  int64_t groups;
};
/// The windows of a layer's `weight` over `x`.
llvm::FailureOr<Windows> resolveLayer(const OpSite &site,
                                      mlir::RankedTensorType x,
                                      mlir::RankedTensorType weight,
                                      const ConvolutionLayer &layer);
TypeOrFailure inferConvolutionLayer(const OpSite &site,
                                    mlir::RankedTensorType x,
                                    mlir::RankedTensorType weight,
                                    mlir::RankedTensorType bias,
                                    const ConvolutionLayer &layer);
/// What a transposed layer makes of `x`: the spatial sizes of the result, and
/// the windows over it, of which there is one for each place of x.
struct TransposedLayer {
  llvm::SmallVector<int64_t> sizes;
  Windows windows;
};
llvm::FailureOr<TransposedLayer> resolveTransposedLayer(
    const OpSite &site, mlir::RankedTensorType x, mlir::RankedTensorType weight,
    llvm::ArrayRef<int64_t> outputPadding, const ConvolutionLayer &layer);
TypeOrFailure inferTransposedLayer(const OpSite &site, mlir::RankedTensorType x,
                                   mlir::RankedTensorType weight,
                                   mlir::RankedTensorType bias,
                                   llvm::ArrayRef<int64_t> outputPadding,
                                   const ConvolutionLayer &layer);

/// A value a window over x [n, spatial.., c].
TypeOrFailure inferWindows(const OpSite &site, mlir::RankedTensorType x,
                           const Windows &windows);
/// The same, of the places in the windows.
TypeOrFailure inferPositions(const OpSite &site, mlir::RankedTensorType x,
                             const Windows &windows);
/// [n, size.., c] from the operand, which has an element a window over it.
TypeOrFailure inferSpread(const OpSite &site, NamedType operand,
                          llvm::ArrayRef<int64_t> size, const Windows &windows);
TypeOrFailure inferNormalize(const OpSite &site, mlir::RankedTensorType x,
                             llvm::ArrayRef<int64_t> size,
                             const Windows &windows);
TypeOrFailure inferUnmax(const OpSite &site, mlir::RankedTensorType x,
                         mlir::RankedTensorType position,
                         llvm::ArrayRef<int64_t> size, const Windows &windows);
TypeOrFailure inferPick(const OpSite &site, mlir::RankedTensorType x,
                        mlir::RankedTensorType position,
                        const Windows &windows);

/// As resolveWindows, for a pool: strides are the window where they are not
/// given, and with `ceilMode` the last windows may reach over `high`, which is
/// as large as they need.
llvm::FailureOr<Windows>
resolvePool(const OpSite &site, mlir::RankedTensorType x,
            llvm::ArrayRef<int64_t> window, llvm::ArrayRef<int64_t> stride,
            mlir::Attribute padding, llvm::ArrayRef<int64_t> dilation,
            bool ceilMode);
TypeOrFailure inferPool(const OpSite &site, mlir::RankedTensorType x,
                        llvm::ArrayRef<int64_t> window,
                        llvm::ArrayRef<int64_t> stride, mlir::Attribute padding,
                        llvm::ArrayRef<int64_t> dilation, bool ceilMode);
TypeOrFailure inferGlobalPool(const OpSite &site, mlir::RankedTensorType x,
                              bool keepDims);
TypeOrFailure inferAdaptivePool(const OpSite &site, mlir::RankedTensorType x,
                                llvm::ArrayRef<int64_t> size);
/// Exactly one of `size`, if it is not empty, and `scale` is given.
TypeOrFailure inferResize(const OpSite &site, mlir::RankedTensorType x,
                          llvm::ArrayRef<int64_t> size,
                          std::optional<llvm::APFloat> scale);
/// `low` and `high` are at most the extent and `beyond`, if it is given.
TypeOrFailure inferBorderPad(const OpSite &site, mlir::RankedTensorType x,
                             llvm::ArrayRef<int64_t> low,
                             llvm::ArrayRef<int64_t> high,
                             std::optional<int64_t> beyond);

/// The tensors of an attention (ir/ops/Attention.td). Without v, k has keys and
/// values; without k too, q has all three.
struct AttentionTensors {
  mlir::RankedTensorType q, k, v;
};
/// What decides which keys a query sees. Null where absent.
struct AttentionMasks {
  mlir::RankedTensorType lengths, bias, slopes, mask;
};
/// `heads` of queries, `kvHeads` of keys and of values; the batch may be
/// kDynamic.
struct AttentionSizes {
  int64_t batch, time, keys, heads, kvHeads, size, valueSize;

  /// How many heads of queries share one of keys and values.
  int64_t groups() const { return heads / kvHeads; }
};
/// `heads` and `kvHeads` are read from the tensors where they are 0.
llvm::FailureOr<AttentionSizes>
resolveAttention(const OpSite &site, const AttentionTensors &tensors,
                 int64_t heads, int64_t kvHeads);
/// [batch, time, heads, value size].
TypeOrFailure inferAttention(const OpSite &site,
                             const AttentionTensors &tensors, int64_t heads,
                             int64_t kvHeads, const AttentionMasks &masks);
/// [batch, time, heads], f32 where the tensors have 16 bits.
TypeOrFailure inferAttentionRows(const OpSite &site,
                                 const AttentionTensors &tensors, int64_t heads,
                                 int64_t kvHeads);
/// [batch, heads, time, keys], of the same element type.
TypeOrFailure inferAttentionScores(const OpSite &site,
                                   const AttentionTensors &tensors,
                                   int64_t heads, int64_t kvHeads);
/// What the gradient is computed from.
struct AttentionResults {
  mlir::RankedTensorType lse, delta, dy;
};
using TypesOrFailure =
    llvm::FailureOr<llvm::SmallVector<mlir::RankedTensorType>>;
/// The types of the tensors that are given.
TypesOrFailure inferAttendGradient(const OpSite &site,
                                   const AttentionTensors &tensors,
                                   int64_t heads, int64_t kvHeads,
                                   const AttentionResults &results);
/// The heads of nnc.multi_head_attention; what is 0 follows from the others and
/// from the width.
struct HeadCounts {
  int64_t heads, kvHeads, headSize;
};
llvm::FailureOr<HeadCounts>
resolveHeads(const OpSite &site, mlir::RankedTensorType x, HeadCounts counts);
/// A weight and a bias that project x, the memory and the result; those of the
/// memory are null where that is.
TypesOrFailure projectionTypes(const OpSite &site, mlir::RankedTensorType x,
                               mlir::RankedTensorType memory,
                               HeadCounts counts);
/// x; `projections` are, in that order, as projectionTypes has them or null.
TypeOrFailure inferMultiHeadAttention(const OpSite &site,
                                      mlir::RankedTensorType x,
                                      mlir::RankedTensorType memory,
                                      llvm::ArrayRef<NamedType> projections,
                                      HeadCounts counts);
TypeOrFailure inferRotary(const OpSite &site, mlir::RankedTensorType x,
                          mlir::RankedTensorType positions,
                          mlir::RankedTensorType cos,
                          mlir::RankedTensorType sin, int64_t rotated,
                          int64_t heads);
TypeOrFailure inferSinusoidal(const OpSite &site, int64_t length, int64_t width,
                              std::optional<mlir::Type> elementType);
/// The operands of a loss over all alignments: [batch, time, C], [batch,
/// labels], and three times [batch], the last of which may be null.
struct CtcTypes {
  mlir::RankedTensorType logits, target, inputLengths, targetLengths, weights;
};
TypeOrFailure inferCtcLoss(const OpSite &site, const CtcTypes &types,
                           int64_t blank);
/// [batch, time, places] from scores [batch, time, C] and labels [batch,
/// places].
TypeOrFailure inferCtcForward(const OpSite &site, mlir::RankedTensorType scores,
                              mlir::RankedTensorType labels);
TypeOrFailure inferCtcBackward(const OpSite &site, mlir::RankedTensorType alpha,
                               mlir::RankedTensorType dy,
                               mlir::RankedTensorType labels);
/// i32[batch, time] from logits [batch, time, C] and lengths [batch].
TypeOrFailure inferCtcDecode(const OpSite &site, mlir::RankedTensorType logits,
                             mlir::RankedTensorType lengths, int64_t blank,
                             int64_t padding);
TypeOrFailure inferCtcCollapse(const OpSite &site, mlir::RankedTensorType x,
                               mlir::RankedTensorType lengths, int64_t padding);
/// i32[batch] from two tensors of sequences, [batch, n] and [batch, m], of one
/// element type.
TypeOrFailure inferEditDistance(const OpSite &site,
                                mlir::RankedTensorType prediction,
                                mlir::RankedTensorType target);
/// A scalar from the same, f32 where no element type is given.
TypeOrFailure inferSequenceMetric(const OpSite &site,
                                  mlir::RankedTensorType prediction,
                                  mlir::RankedTensorType target,
                                  std::optional<mlir::Type> elementType);
/// i64[batch, n] from sequences x [batch, n].
TypeOrFailure inferNumberWords(const OpSite &site, mlir::RankedTensorType x);

/// What decides the shapes of a recurrent layer (ir/ops/Recurrence.td).
struct RecurrentForm {
  int64_t gates, layers;
  bool bidirectional, sequences;

  int64_t directions() const { return bidirectional ? 2 : 1; }
  int64_t cells() const { return layers * directions(); }
};
/// y; the weights of all cells are checked.
TypeOrFailure inferRecurrent(const OpSite &site, mlir::RankedTensorType x,
                             llvm::ArrayRef<mlir::RankedTensorType> weights,
                             llvm::ArrayRef<NamedType> initial,
                             mlir::RankedTensorType lengths,
                             RecurrentForm form);
/// The last state of all cells, [batch, units] of one.
TypeOrFailure
inferRecurrentState(const OpSite &site, mlir::RankedTensorType x,
                    llvm::ArrayRef<mlir::RankedTensorType> weights,
                    RecurrentForm form);
/// The type of the parameter; `others`, the gradient, must have it.
TypeOrFailure inferUpdate(const OpSite &site, mlir::RankedTensorType param,
                          llvm::ArrayRef<NamedType> others);
/// As above, with slots that are called `names`: those that are there have the
/// types that are expected, in order; null is expected where there is none.
TypeOrFailure inferUpdate(const OpSite &site, mlir::RankedTensorType param,
                          llvm::ArrayRef<NamedType> others,
                          llvm::ArrayRef<llvm::StringRef> names,
                          llvm::ArrayRef<mlir::RankedTensorType> slots,
                          llvm::ArrayRef<mlir::RankedTensorType> expected);
/// What is there of a slot, or of the last slots.
TypesOrFailure presentTypes(mlir::RankedTensorType type);
TypesOrFailure presentTypes(llvm::ArrayRef<mlir::RankedTensorType> types);
/// `param` where the optimizer's attribute `name` is true, or is not 0; else
/// null.
mlir::RankedTensorType slotWhere(mlir::DictionaryAttr attributes,
                                 llvm::StringRef name,
                                 mlir::RankedTensorType param);
// Slots of a parameter: a number; and, over its last two dimensions, the means
// of rows and of columns. A vector has all of itself as its row, and no column.
mlir::RankedTensorType inferScalarSlot(mlir::RankedTensorType param);
mlir::RankedTensorType inferRowSlot(mlir::RankedTensorType param);
mlir::RankedTensorType inferColumnSlot(mlir::RankedTensorType param);

/// `type` with another element type; a failure stays one.
TypeOrFailure withElementType(TypeOrFailure type, mlir::Type elementType);

/// A tensor type of `shape`, in which -1 is the batch; a shape that is not
/// supported (see hasSupportedSize) fails.
TypeOrFailure makeType(const OpSite &site, llvm::ArrayRef<int64_t> shape,
                       mlir::Type elementType);

/// Succeeds if `axis` is one of a tensor of rank `rank`, counted from either
/// end.
llvm::LogicalResult checkAxis(const OpSite &site, mlir::RankedTensorType x,
                              int64_t axis);

// Attributes of ops that have been verified, with defaults made explicit.

/// `axis` as it counts from 0.
int64_t resolveAxis(int64_t rank, int64_t axis);
/// `axes` as they count from 0, ascending; all of them where none are named.
llvm::SmallVector<int64_t> resolveAxes(int64_t rank,
                                       llvm::ArrayRef<int64_t> axes);
/// `permutation`, or the swap of the last two dimensions where it is empty.
llvm::SmallVector<int64_t>
resolvePermutation(int64_t rank, llvm::ArrayRef<int64_t> permutation);
/// `values`, or `rank` times `value` where they are empty.
llvm::SmallVector<int64_t>
resolveDims(int64_t rank, llvm::ArrayRef<int64_t> values, int64_t value);
llvm::SmallVector<int64_t>
invertPermutation(llvm::ArrayRef<int64_t> permutation);

/// A shape as attributes spell it: -1 for the batch.
llvm::SmallVector<int64_t> toDims(llvm::ArrayRef<int64_t> shape);

/// The type of a layer's first operand, if it is a float tensor with a last
/// dimension that is not the batch.
TypeOrFailure getLayerInput(const OpSite &site, mlir::ValueRange given);

/// A size that the caller of a layer gave.
llvm::FailureOr<int64_t> getLayerSize(const OpSite &site,
                                      mlir::DictionaryAttr arguments,
                                      llvm::StringRef name);

// What generated inference calls.

/// Reads the type of operand `name` into `type`, null if it is absent.
llvm::LogicalResult operandType(const OpSite &site, mlir::ValueRange values,
                                llvm::StringRef name,
                                mlir::RankedTensorType &type);
llvm::LogicalResult
operandType(const OpSite &site, mlir::ValueRange values, llvm::StringRef name,
            llvm::SmallVector<mlir::RankedTensorType> &types);
llvm::LogicalResult appendType(llvm::SmallVectorImpl<mlir::Type> &types,
                               TypeOrFailure type);
/// Of a result that is variadic.
llvm::LogicalResult appendType(llvm::SmallVectorImpl<mlir::Type> &types,
                               const TypesOrFailure &more);

} // namespace nnc

#endif // NNC_IR_SHAPES_H
