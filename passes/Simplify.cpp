// Arithmetic rewritten to cheaper ops of the same value. What an op can tell by
// itself is in its folder; here is what concerns two ops, or another op.
#include "passes/Passes.h"

#include "ir/Expr.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_SIMPLIFYPASS
#include "passes/Passes.h.inc"

/// The float that every element of `value` is, where that is known.
static std::optional<APFloat> matchSplat(Value value) {
  DenseElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)) || !attr.isSplat() ||
      !isa<FloatType>(attr.getElementType()))
    return std::nullopt;
  return attr.getSplatValue<APFloat>();
}

namespace {

/// x^1 = x, x^2 = x * x, x^-1 = 1 / x. Higher powers would round more often.
struct ExpandPower : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PowOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<APFloat> exponent = matchSplat(op.getRhs());
    if (!exponent)
      return rewriter.notifyMatchFailure(op, "exponent is not a constant");
    if (op.getLhs().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "base is broadcast");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Expr x(b, op.getLhs());
    if (exponent->isExactlyValue(1.0))
      rewriter.replaceOp(op, Value(x));
    else if (exponent->isExactlyValue(2.0))
      rewriter.replaceOp(op, Value(x * x));
    else if (exponent->isExactlyValue(-1.0))
      rewriter.replaceOp(op, Value(1.0 / x));
    else
      return rewriter.notifyMatchFailure(op, "exponent is not 1, 2 or -1");
    return success();
  }
};

/// x / c = x * (1 / c) where 1 / c is exact: c is a power of two.
struct DivideByPowerOfTwo : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DivOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<APFloat> divisor = matchSplat(op.getRhs());
    APFloat inverse(0.0);
    if (!divisor || !divisor->getExactInverse(&inverse))
      return rewriter.notifyMatchFailure(op, "reciprocal is not exact");
    auto type = llvm::cast<RankedTensorType>(op.getRhs().getType());
    Value factor = ConstantOp::create(rewriter, op.getLoc(),
                                      DenseElementsAttr::get(type, inverse));
    rewriter.replaceOpWithNewOp<MulOp>(op, op.getLhs(), factor);
    return success();
  }
};

/// x + -y = x - y and -x + y = y - x: a sign costs nothing in a difference.
struct AddNegative : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    if (auto neg = op.getRhs().getDefiningOp<NegOp>()) {
      rewriter.replaceOpWithNewOp<SubOp>(op, op.getLhs(), neg.getX());
      return success();
    }
    if (auto neg = op.getLhs().getDefiningOp<NegOp>()) {
      rewriter.replaceOpWithNewOp<SubOp>(op, op.getRhs(), neg.getX());
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no operand is a negative");
  }
};

/// x - -y = x + y.
struct SubtractNegative : OpRewritePattern<SubOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SubOp op,
                                PatternRewriter &rewriter) const override {
    auto neg = op.getRhs().getDefiningOp<NegOp>();
    if (!neg)
      return rewriter.notifyMatchFailure(op, "rhs is no negative");
    rewriter.replaceOpWithNewOp<AddOp>(op, op.getLhs(), neg.getX());
    return success();
  }
};

/// A sum of 16-bit numbers that is wanted in f32 need not be rounded to 16
/// bits: cast(sum(x)) = sum(cast(x)). The gradient of a bias is such a sum.
struct SumInWiderType : OpRewritePattern<CastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CastOp op,
                                PatternRewriter &rewriter) const override {
    auto sum = op.getX().getDefiningOp<SumOp>();
    auto from = dyn_cast<FloatType>(op.getX().getType().getElementType());
    auto to = dyn_cast<FloatType>(op.getType().getElementType());
    if (!sum || !sum->hasOneUse() || !from || !to ||
        from.getWidth() >= to.getWidth())
      return rewriter.notifyMatchFailure(op, "no sum cast to a wider type");
    Value wide =
        CastOp::create(rewriter, op.getLoc(), sum.getX(), TypeAttr::get(to));
    rewriter.replaceOpWithNewOp<SumOp>(op, wide, sum.getAxes(),
                                       sum.getKeepDims());
    return success();
  }
};

/// A matmul reads an operand transposed at no cost.
struct TransposeIntoMatmul : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp lhs = matchSwapOfLastTwo(op.getLhs());
    TransposeOp rhs = matchSwapOfLastTwo(op.getRhs());
    if (!lhs && !rhs)
      return rewriter.notifyMatchFailure(op, "no operand is a transpose");
    rewriter.modifyOpInPlace(op, [&] {
      if (lhs) {
        op.getLhsMutable().assign(lhs.getX());
        op.setTransposeLhs(!op.getTransposeLhs());
      }
      if (rhs) {
        op.getRhsMutable().assign(rhs.getX());
        op.setTransposeRhs(!op.getTransposeRhs());
      }
    });
    return success();
  }

private:
  /// The transpose that defines `value`, if it swaps the last two dimensions
  /// and leaves the others in place.
  static TransposeOp matchSwapOfLastTwo(Value value) {
    auto transpose = value.getDefiningOp<TransposeOp>();
    if (transpose &&
        transpose.getResolvedPermutation() ==
            resolvePermutation(
                llvm::cast<RankedTensorType>(value.getType()).getRank(), {}))
      return transpose;
    return {};
  }
};

/// An elementwise op stretches its operands by itself. Without the broadcasts
/// in front of it, it computes fewer elements; what is missing of the result's
/// shape is stretched after it.
struct BroadcastAfterElementwise : RewritePattern {
  BroadcastAfterElementwise(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!stretchesOperands(op))
      return rewriter.notifyMatchFailure(op, "not elementwise");
    bool found = false;
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      auto broadcast = operand.getDefiningOp<BroadcastOp>();
      operands.push_back(broadcast ? broadcast.getX() : operand);
      found |= bool(broadcast);
    }
    if (!found)
      return rewriter.notifyMatchFailure(op, "no operand is a broadcast");

    SmallVector<Type> types;
    if (failed(llvm::cast<InferTypeOpInterface>(op).inferReturnTypes(
            op->getContext(), op->getLoc(), operands, op->getAttrDictionary(),
            op->getPropertiesStorage(), op->getRegions(), types)))
      return failure();
    Operation *narrow =
        Operation::create(op->getLoc(), op->getName(), types, operands,
                          op->getDiscardableAttrDictionary(),
                          op->getPropertiesStorage(), BlockRange(), 0);
    rewriter.insert(narrow);
    ImplicitLocOpBuilder b(op->getLoc(), rewriter);
    Expr wide(b, op->getResult(0));
    rewriter.replaceOp(
        op, Value(broadcast(Expr(b, narrow->getResult(0)), wide.dims())));
    return success();
  }

private:
  /// MLIR's trait alone wants operands of one shape.
  static bool stretchesOperands(Operation *op) {
    return isa<InferTypeOpInterface>(op) &&
           (op->hasTrait<Elementwise>() ||
            (isElementwise(op) && op->getNumOperands() == 1));
  }
};

/// A broadcast of a broadcast is a broadcast.
struct MergeBroadcasts : OpRewritePattern<BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BroadcastOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<BroadcastOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "operand is no broadcast");
    rewriter.modifyOpInPlace(op,
                             [&] { op.getXMutable().assign(inner.getX()); });
    return success();
  }
};

/// Broadcasting puts dimensions of size 1 in front by itself.
struct BroadcastWithoutReshape : OpRewritePattern<BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BroadcastOp op,
                                PatternRewriter &rewriter) const override {
    auto reshape = op.getX().getDefiningOp<ReshapeOp>();
    if (!reshape || !addsLeadingOnes(reshape))
      return rewriter.notifyMatchFailure(op, "operand is no such reshape");
    rewriter.modifyOpInPlace(op,
                             [&] { op.getXMutable().assign(reshape.getX()); });
    return success();
  }

private:
  static bool addsLeadingOnes(ReshapeOp op) {
    ArrayRef<int64_t> from = op.getX().getType().getShape();
    ArrayRef<int64_t> to = op.getY().getType().getShape();
    if (to.size() <= from.size() || to.take_back(from.size()) != from)
      return false;
    return llvm::all_of(to.drop_back(from.size()),
                        [](int64_t size) { return size == 1; });
  }
};

/// A scalar in any shape is a broadcast of it.
struct ReshapeBroadcastScalar : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<BroadcastOp>();
    if (!inner || inner.getX().getType().getRank() != 0)
      return rewriter.notifyMatchFailure(op, "operand is no broadcast scalar");
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, inner.getX(),
                                             toDims(op.getType().getShape()));
    return success();
  }
};

/// A tensor within zeros: where it begins along the only axis that it is padded
/// along.
struct Part {
  Value tensor;
  int64_t begin;
  int64_t end;
};

/// A sum of tensors within zeros, of which no two have a place in common, is
/// one after another: gradients of the parts that a tensor was split into.
struct JoinDisjointParts : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    if (!op->use_empty() && isTerm(*op->use_begin(), op))
      return rewriter.notifyMatchFailure(op, "part of a larger sum");
    SmallVector<Value> terms;
    collectTerms(op, terms);
    for (int64_t axis = 0; axis < op.getType().getRank(); ++axis) {
      SmallVector<Value> others;
      SmallVector<Part> parts = takeDisjoint(terms, axis, others);
      if (parts.size() < 2)
        continue;
      ImplicitLocOpBuilder b(op.getLoc(), rewriter);
      Expr joined = join(b, parts, axis, op.getType().getDimSize(axis)), rest;
      for (Value other : others)
        rest = rest ? rest + Expr(b, other) : Expr(b, other);
      rewriter.replaceOp(op, Value(rest ? rest + joined : joined));
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no two terms are disjoint parts");
  }

private:
  /// Whether `use` is the only one of `sum`, which is a term of another of its
  /// shape.
  static bool isTerm(OpOperand &use, AddOp sum) {
    auto outer = dyn_cast<AddOp>(use.getOwner());
    return outer && sum->hasOneUse() && outer.getType() == sum.getType();
  }

  static void collectTerms(AddOp sum, SmallVectorImpl<Value> &terms) {
    for (OpOperand &operand : sum->getOpOperands()) {
      auto inner = operand.get().getDefiningOp<AddOp>();
      if (inner && isTerm(operand, inner))
        collectTerms(inner, terms);
      else
        terms.push_back(operand.get());
    }
  }

  /// `term` as a part along `axis`, if it is nothing but that in zeros.
  static std::optional<Part> matchPart(Value term, int64_t axis) {
    auto pad = term.getDefiningOp<PadOp>();
    if (!pad || !pad->hasOneUse() || !pad.getValue().isZero())
      return std::nullopt;
    for (auto [dim, size] : llvm::enumerate(pad.getX().getType().getShape())) {
      bool isPadded = pad.getLow()[dim] != 0 || pad.getHigh()[dim] != 0;
      if (pad.getResolvedInterior()[dim] != 0 ||
          isPadded != (int64_t(dim) == axis) || pad.getLow()[dim] < 0 ||
          pad.getHigh()[dim] < 0)
        return std::nullopt;
    }
    int64_t begin = pad.getLow()[axis];
    return Part{pad.getX(), begin,
                begin + pad.getX().getType().getDimSize(axis)};
  }

  /// Parts along `axis` in their order, no two of which overlap; what is left
  /// goes to `others`, in the order of the sum.
  static SmallVector<Part> takeDisjoint(ArrayRef<Value> terms, int64_t axis,
                                        SmallVectorImpl<Value> &others) {
    SmallVector<Part> parts;
    for (Value term : terms) {
      std::optional<Part> part = matchPart(term, axis);
      Part *next = part ? llvm::lower_bound(parts, *part,
                                            [](const Part &a, const Part &b) {
                                              return a.begin < b.begin;
                                            })
                        : parts.end();
      bool fits =
          part && (next == parts.end() || part->end <= next->begin) &&
          (next == parts.begin() || std::prev(next)->end <= part->begin);
      if (fits)
        parts.insert(next, *part);
      else
        others.push_back(term);
    }
    return parts;
  }

  /// The parts one after another, with zeros between and around them.
  static Expr join(ImplicitLocOpBuilder &b, ArrayRef<Part> parts, int64_t axis,
                   int64_t size) {
    SmallVector<Expr> pieces;
    int64_t end = parts.front().begin;
    for (const Part &part : parts) {
      Expr tensor(b, part.tensor);
      if (part.begin > end) {
        SmallVector<int64_t> dims = tensor.dims();
        dims[axis] = part.begin - end;
        pieces.push_back(broadcast(scalar(tensor, 0.0), dims));
      }
      pieces.push_back(tensor);
      end = part.end;
    }
    Expr joined = concat(pieces, axis);
    SmallVector<int64_t> low(joined.rank(), 0), high(joined.rank(), 0);
    low[axis] = parts.front().begin;
    high[axis] = size - end;
    return low[axis] || high[axis] ? pad(joined, low, high) : joined;
  }
};

/// Rows by number in another order are the rows by the numbers in that order,
/// which are less to move.
struct TransposeIndicesOfGather : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto gather = op.getX().getDefiningOp<GatherOp>();
    std::optional<SmallVector<int64_t>> order =
        gather
            ? orderOfIndices(op, gather.getIndices(), gather.getResolvedAxis())
            : std::nullopt;
    if (!order)
      return rewriter.notifyMatchFailure(op, "rows are not kept whole");
    if (!llvm::all_of(gather->getUsers(), [&](Operation *user) {
          auto other = dyn_cast<TransposeOp>(user);
          return other &&
                 other.getResolvedPermutation() == op.getResolvedPermutation();
        }))
      return rewriter.notifyMatchFailure(op, "the gather has other users");
    Value indices =
        TransposeOp::create(rewriter, op.getLoc(), gather.getIndices(), *order);
    rewriter.replaceOpWithNewOp<GatherOp>(op, gather.getTable(), indices,
                                          gather.getAxis());
    return success();
  }

  /// How `transpose` orders indices whose rows lie behind them, if it leaves
  /// rows as they are.
  static std::optional<SmallVector<int64_t>>
  orderOfIndices(TransposeOp transpose, Value indices, int64_t axis) {
    int64_t rank = cast<RankedTensorType>(indices.getType()).getRank();
    SmallVector<int64_t> order = transpose.getResolvedPermutation();
    for (int64_t i = rank; i < int64_t(order.size()); ++i)
      if (order[i] != i)
        return std::nullopt;
    if (axis != 0 || int64_t(order.size()) == rank)
      return std::nullopt;
    order.truncate(rank);
    return order;
  }
};

/// Rows added up by number come in any order, if their numbers do.
struct TransposeIndicesOfScatterAdd : OpRewritePattern<ScatterAddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScatterAddOp op,
                                PatternRewriter &rewriter) const override {
    auto updates = op.getUpdates().getDefiningOp<TransposeOp>();
    std::optional<SmallVector<int64_t>> order =
        updates ? TransposeIndicesOfGather::orderOfIndices(
                      updates, op.getIndices(), op.getResolvedAxis())
                : std::nullopt;
    if (!order)
      return rewriter.notifyMatchFailure(op, "rows are not kept whole");
    Value indices = TransposeOp::create(rewriter, op.getLoc(), op.getIndices(),
                                        invertPermutation(*order));
    rewriter.modifyOpInPlace(op, [&] {
      op.getIndicesMutable().assign(indices);
      op.getUpdatesMutable().assign(updates.getX());
    });
    return success();
  }
};

struct SimplifyPass : impl::SimplifyPassBase<SimplifyPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandPower, DivideByPowerOfTwo, AddNegative, SubtractNegative,
                 SumInWiderType, TransposeIntoMatmul, BroadcastAfterElementwise,
                 MergeBroadcasts, BroadcastWithoutReshape,
                 ReshapeBroadcastScalar, JoinDisjointParts,
                 TransposeIndicesOfGather, TransposeIndicesOfScatterAdd>(
        &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

} // namespace nnc
