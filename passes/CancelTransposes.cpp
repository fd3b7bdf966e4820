// Tensors in the order of dimensions that takes the fewest transposes: whole
// regions of ops that do not care for the order are computed in another one,
// where more vanishes at their borders than comes.
#include "passes/Passes.h"

#include "ir/Ops.h"
#include "ir/Shapes.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/IntEqClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_CANCELTRANSPOSESPASS
#include "passes/Passes.h.inc"

//===----------------------------------------------------------------------===//
// Permutations, as nnc.transpose has them
//===----------------------------------------------------------------------===//

using Dims = SmallVector<int64_t>;

/// The transpose by `first`, then by `second`, as one.
static Dims compose(ArrayRef<int64_t> first, ArrayRef<int64_t> second) {
  return llvm::map_to_vector(second, [&](int64_t dim) { return first[dim]; });
}

template <typename T>
static SmallVector<T> permute(ArrayRef<T> values, ArrayRef<int64_t> dims) {
  return llvm::map_to_vector(dims, [&](int64_t dim) { return values[dim]; });
}

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Whether a transpose of `type` moves no element: all that change their order
/// are dimensions of one element.
static bool movesNothing(RankedTensorType type, ArrayRef<int64_t> dims) {
  Dims larger;
  llvm::copy_if(dims, std::back_inserter(larger),
                [&](int64_t dim) { return type.getDimSize(dim) != 1; });
  return llvm::is_sorted(larger);
}

/// Bits that a transpose of `type` moves, as far as ones are comparable: a
/// batch counts as some samples, so that parameters are smaller than data.
static int64_t costOf(RankedTensorType type, ArrayRef<int64_t> dims) {
  constexpr int64_t kAssumedBatch = 16;
  if (movesNothing(type, dims))
    return 0;
  int64_t cost = type.getElementTypeBitWidth();
  for (int64_t size : type.getShape())
    cost *= ShapedType::isDynamic(size) ? kAssumedBatch : size;
  return cost;
}

//===----------------------------------------------------------------------===//
// Ops that may be computed on permuted operands
//===----------------------------------------------------------------------===//

/// The fewest dimensions that a tensor has whose order is chosen here: matrices
/// are transposed by their products.
static constexpr int64_t kLeastRank = 3;

static bool isReduction(Operation *op) {
  return isa<SumOp, ReduceMaxOp, ReduceMinOp, MeanOp, LogsumexpOp>(op);
}

static bool isPadding(Operation *op) {
  return isa<PadOp, ReflectPadOp, ReplicatePadOp, WrapPadOp>(op);
}

/// The operands whose dimensions are permuted with those of `op`: those of the
/// highest rank. The others are stretched to it.
static SmallVector<Value> fullOperands(Operation *op) {
  int64_t rank = 0;
  for (Value operand : op->getOperands())
    rank = std::max(rank, typeOf(operand).getRank());
  SmallVector<Value> full;
  llvm::copy_if(
      op->getOperands(), std::back_inserter(full),
      [&](Value operand) { return typeOf(operand).getRank() == rank; });
  return full;
}

/// Whether `op` may be computed on permuted operands: its result is then
/// permuted alike, has fewer dimensions, or none.
static bool isMovable(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumOperands() == 0 ||
      !llvm::all_of(op->getOperandTypes(), llvm::IsaPred<RankedTensorType>))
    return false;
  int64_t rank = typeOf(op->getResult(0)).getRank();
  SmallVector<Value> operands = fullOperands(op);
  if (typeOf(operands.front()).getRank() < kLeastRank)
    return false;
  if (auto dropout = dyn_cast<DropoutOp>(op); dropout && dropout.getChannels())
    return false;
  if (isReduction(op) || isPadding(op) ||
      isa<SliceOp, ConcatOp, SoftmaxOp, LogSoftmaxOp>(op))
    return true;
  if (rank == 0 && isPermutable(op)) // a loss, of operands of one shape
    return operands.size() == op->getNumOperands() &&
           llvm::all_of(operands, [&](Value operand) {
             return typeOf(operand).getShape() ==
                    typeOf(operands.front()).getShape();
           });
  return (isPermutable(op) || isa<BroadcastOp>(op)) &&
         rank == typeOf(operands.front()).getRank();
}

/// Whether a movable op has fewer dimensions than its operands.
static bool collapses(Operation *op) {
  return typeOf(op->getResult(0)).getRank() <
         typeOf(fullOperands(op).front()).getRank();
}

static DenseI64ArrayAttr permuteDims(DenseI64ArrayAttr values,
                                     ArrayRef<int64_t> dims) {
  // Absent or empty, they are the default in each dimension.
  if (!values || values.empty())
    return values;
  return DenseI64ArrayAttr::get(values.getContext(),
                                permute(values.asArrayRef(), dims));
}

/// The axes of a reduction of permuted operands, ascending.
static Dims mapAxes(Operation *op, ArrayRef<int64_t> dims) {
  auto axes = cast<DenseI64ArrayAttr>(*op->getInherentAttr("axes"));
  int64_t rank = dims.size();
  Dims inverse = invertPermutation(dims);
  Dims mapped =
      llvm::map_to_vector(resolveAxes(rank, axes.asArrayRef()),
                          [&](int64_t axis) { return inverse[axis]; });
  llvm::sort(mapped);
  return mapped;
}

/// Whether the result of `op`, which has fewer dimensions than its operands, is
/// the same where these are permuted by `dims`.
static bool keepsResult(Operation *op, ArrayRef<int64_t> dims) {
  Dims reduced = isReduction(op) ? mapAxes(op, dims) : Dims();
  Dims kept;
  for (auto [i, dim] : llvm::enumerate(dims))
    if (isReduction(op) && !llvm::is_contained(reduced, int64_t(i)))
      kept.push_back(dim);
  return llvm::is_sorted(kept);
}

/// Has the attributes of `op` mean the dimensions that they meant before its
/// operands were permuted by `dims`.
static void permuteAttributes(Operation *op, ArrayRef<int64_t> dims) {
  Builder b(op->getContext());
  int64_t rank = dims.size();
  auto permuteNamed = [&](ArrayRef<StringRef> names) {
    for (StringRef name : names)
      if (auto values = dyn_cast_or_null<DenseI64ArrayAttr>(
              op->getInherentAttr(name).value_or(Attribute())))
        op->setAttr(name, permuteDims(values, dims));
  };
  if (isa<SliceOp>(op))
    permuteNamed({"starts", "sizes", "strides"});
  else if (isPadding(op))
    permuteNamed({"low", "high", "interior"});
  else if (isa<BroadcastOp>(op))
    permuteNamed({"shape"});
  else if (isReduction(op))
    op->setAttr("axes", b.getDenseI64ArrayAttr(mapAxes(op, dims)));
  else if (isa<ConcatOp, SoftmaxOp, LogSoftmaxOp>(op)) {
    auto axis = cast<IntegerAttr>(*op->getInherentAttr("axis"));
    int64_t mapped = invertPermutation(dims)[resolveAxis(rank, axis.getInt())];
    op->setAttr("axis", b.getI64IntegerAttr(mapped));
  }
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

namespace {
/// Tensors of one rank that movable ops compute of each other: they have one
/// order of dimensions or another together.
struct Region {
  SmallVector<Value> values; // in the program's order
};

/// The regions of a block, and which one a tensor is in.
class Regions {
public:
  explicit Regions(Block &block);

  ArrayRef<Region> all() const { return regions; }
  bool shareRegion(Value a, Value b) const {
    auto first = regionOf.find(a), second = regionOf.find(b);
    return first != regionOf.end() && second != regionOf.end() &&
           first->second == second->second;
  }

private:
  void add(Value value) {
    if (typeOf(value).getRank() >= kLeastRank)
      numbers.try_emplace(value, numbers.size());
  }

  llvm::MapVector<Value, unsigned> numbers;
  DenseMap<Value, unsigned> regionOf;
  SmallVector<Region> regions;
};
} // namespace

Regions::Regions(Block &block) {
  for (Operation &op : block) {
    if (!isMovable(&op) && !isa<TransposeOp>(op))
      continue;
    llvm::for_each(op.getOperands(), [&](Value operand) { add(operand); });
    add(op.getResult(0));
  }
  llvm::IntEqClasses classes(numbers.size());
  for (Operation &op : block) {
    if (!isMovable(&op))
      continue;
    SmallVector<Value> joined = fullOperands(&op);
    if (!collapses(&op))
      joined.push_back(op.getResult(0));
    for (Value value : joined)
      classes.join(numbers.lookup(joined.front()), numbers.lookup(value));
  }
  classes.compress();
  regions.resize(classes.getNumClasses());
  for (auto [value, number] : numbers) {
    regionOf[value] = classes[number];
    regions[classes[number]].values.push_back(value);
  }
}

/// Where the tensors of a region come from and go to.
static bool isDefinedInside(Value value) {
  Operation *op = value.getDefiningOp();
  return op && isMovable(op) && !collapses(op);
}

namespace {
/// The users of one tensor that do not become tensors of its region.
struct Outside {
  SmallVector<TransposeOp> transposes;
  SmallVector<Operation *> collapsing; // computed on permuted operands too
  bool hasOthers = false;
};
} // namespace

static Outside usersOutside(Value value, ArrayRef<int64_t> dims) {
  Outside outside;
  llvm::SmallSetVector<Operation *, 4> users(value.user_begin(),
                                             value.user_end());
  for (Operation *user : users) {
    bool isJoined =
        isMovable(user) && llvm::is_contained(fullOperands(user), value);
    if (auto transpose = dyn_cast<TransposeOp>(user))
      outside.transposes.push_back(transpose);
    else if (isJoined && collapses(user) && keepsResult(user, dims))
      outside.collapsing.push_back(user);
    else if (!isJoined || collapses(user))
      outside.hasOthers = true;
  }
  return outside;
}

//===----------------------------------------------------------------------===//
// What an order costs
//===----------------------------------------------------------------------===//

static bool isSplat(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  return constant && constant.getValue().isSplat();
}

/// `type` with ones before its dimensions, up to `rank`.
static RankedTensorType stretch(RankedTensorType type, int64_t rank) {
  Dims shape(rank - type.getRank(), 1);
  llvm::append_range(shape, type.getShape());
  return type.clone(shape);
}

/// The cost of bringing what a region reads into the order `dims`.
static int64_t costOfEntering(Value value, ArrayRef<int64_t> dims) {
  Operation *op = value.getDefiningOp();
  if (isSplat(value))
    return 0;
  if (auto transpose = value.getDefiningOp<TransposeOp>())
    return costOf(typeOf(transpose.getX()),
                  compose(transpose.getResolvedPermutation(), dims));
  if (!isDefinedInside(value))
    return costOf(typeOf(value), dims);
  int64_t cost = 0;
  for (Value operand : op->getOperands())
    if (RankedTensorType type = typeOf(operand);
        type.getRank() < int64_t(dims.size()) && !isSplat(operand))
      cost += costOf(stretch(type, dims.size()), dims);
  return cost;
}

/// The cost of what uses `value`, which is in the order `dims`, outside.
static int64_t costOfLeaving(Value value, ArrayRef<int64_t> dims) {
  Dims inverse = invertPermutation(dims);
  RankedTensorType type = typeOf(value);
  Outside outside = usersOutside(value, dims);
  int64_t cost = 0;
  SmallVector<Dims> seen; // equal ones are shared
  for (TransposeOp transpose : outside.transposes) {
    Dims order = transpose.getResolvedPermutation();
    if (llvm::is_contained(seen, order))
      continue;
    cost += costOf(type.clone(permute(type.getShape(), dims)),
                   compose(inverse, order));
    seen.push_back(order);
  }
  bool isThereAnyway =
      !isDefinedInside(value) && !value.getDefiningOp<TransposeOp>();
  if (outside.hasOthers && !isThereAnyway)
    cost += costOf(type, dims);
  return cost;
}

namespace {
/// What a region's order costs.
struct Cost {
  int64_t bits = 0;
  /// Of the same, what is transposed between the op that computes it and the
  /// region: in the way of computing them together.
  int64_t bitsBetween = 0;

  bool operator<(const Cost &other) const {
    return std::pair(bits, bitsBetween) <
           std::pair(other.bits, other.bitsBetween);
  }
};
} // namespace

static Cost costOf(const Region &region, ArrayRef<int64_t> dims) {
  Cost cost;
  for (Value value : region.values) {
    int64_t entering = costOfEntering(value, dims);
    cost.bits += entering + costOfLeaving(value, dims);
    auto transpose = value.getDefiningOp<TransposeOp>();
    if (!transpose || !transpose.getX().getDefiningOp())
      continue;
    cost.bitsBetween += entering;
    if (usersOutside(value, dims).hasOthers) // for which the transpose stays
      cost.bitsBetween += costOf(typeOf(value), dims);
  }
  return cost;
}

/// The order in which the region costs least, if that is less than as it is.
/// Samples stay outermost: random numbers are numbered by them.
static std::optional<Dims> chooseOrder(const Region &region,
                                       const Regions &regions) {
  SmallVector<Dims> candidates;
  auto consider = [&](Dims dims) {
    if (dims.front() == 0 && !llvm::is_contained(candidates, dims))
      candidates.push_back(std::move(dims));
  };
  for (Value value : region.values) {
    if (auto transpose = value.getDefiningOp<TransposeOp>()) {
      if (regions.shareRegion(transpose.getX(), value))
        return std::nullopt;
      consider(invertPermutation(transpose.getResolvedPermutation()));
    }
    for (Operation *user : value.getUsers())
      if (auto transpose = dyn_cast<TransposeOp>(user))
        consider(transpose.getResolvedPermutation());
  }
  std::optional<Dims> best;
  int64_t rank = typeOf(region.values.front()).getRank();
  Cost least = costOf(region, llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  for (Dims &dims : candidates) {
    Cost cost = costOf(region, dims);
    if (!(cost < least))
      continue;
    least = cost;
    best = dims;
  }
  return best;
}

//===----------------------------------------------------------------------===//
// Reordering
//===----------------------------------------------------------------------===//

namespace {
/// Computes a region in the order `dims`.
class Reordering {
public:
  Reordering(const Region &region, ArrayRef<int64_t> dims)
      : region(region), dims(dims) {}

  void run();

private:
  Value enter(Value value);
  void leave(Value value, const Outside &users);
  SmallVector<Value> permuteOperands(Operation *op);
  Value stretchAndPermute(OpBuilder &b, Value operand);

  const Region &region;
  Dims dims;
  DenseMap<Value, Value> permuted;
};
} // namespace

/// `value` transposed; its operand, where it is a transpose itself.
static Value transpose(OpBuilder &b, Value value, ArrayRef<int64_t> order) {
  Dims whole(order);
  if (auto inner = value.getDefiningOp<TransposeOp>()) {
    whole = compose(inner.getResolvedPermutation(), order);
    value = inner.getX();
  }
  if (llvm::is_sorted(whole))
    return value;
  return TransposeOp::create(b, value.getLoc(), value, whole);
}

void Reordering::run() {
  // Before there are new users.
  SmallVector<Outside> users = llvm::map_to_vector(
      region.values, [&](Value value) { return usersOutside(value, dims); });
  for (Value value : region.values)
    permuted[value] = enter(value);
  for (auto [value, outside] : llvm::zip_equal(region.values, users))
    leave(value, outside);
  for (Value value : llvm::reverse(region.values))
    if (isDefinedInside(value))
      value.getDefiningOp()->erase();
}

Value Reordering::stretchAndPermute(OpBuilder &b, Value operand) {
  RankedTensorType type = stretch(typeOf(operand), dims.size());
  Value wide =
      ReshapeOp::create(b, operand.getLoc(), operand, toDims(type.getShape()));
  return transpose(b, wide, dims);
}

SmallVector<Value> Reordering::permuteOperands(Operation *op) {
  OpBuilder b(op);
  return llvm::map_to_vector(op->getOperands(), [&](Value operand) -> Value {
    int64_t rank = typeOf(operand).getRank();
    if (rank == int64_t(dims.size()))
      return permuted.lookup(operand);
    return rank == 0 ? operand : stretchAndPermute(b, operand);
  });
}

Value Reordering::enter(Value value) {
  OpBuilder b(value.getContext());
  b.setInsertionPointAfterValue(value);
  if (!isDefinedInside(value))
    return transpose(b, value, dims);
  Operation *op = value.getDefiningOp();
  SmallVector<Value> operands = permuteOperands(op);
  Operation *copy = b.clone(*op);
  copy->setOperands(operands);
  permuteAttributes(copy, dims);
  RankedTensorType type = typeOf(value);
  copy->getResult(0).setType(type.clone(permute(type.getShape(), dims)));
  return copy->getResult(0);
}

// Users are changed in place: their results may be of regions still to be seen.
void Reordering::leave(Value value, const Outside &users) {
  Dims inverse = invertPermutation(dims);
  for (TransposeOp user : users.transposes) {
    user.setPermutation(compose(inverse, user.getResolvedPermutation()));
    user.getXMutable().assign(permuted.lookup(value));
  }
  for (Operation *user : users.collapsing) {
    // Once, at its first operand of the region.
    if (user->getOperand(0) != value)
      continue;
    user->setOperands(permuteOperands(user));
    permuteAttributes(user, dims);
  }
  if (!users.hasOthers || !isDefinedInside(value))
    return;
  OpBuilder b(value.getContext());
  b.setInsertionPointAfterValue(permuted.lookup(value));
  value.replaceAllUsesWith(transpose(b, permuted.lookup(value), inverse));
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Whether any region changed.
static bool reorderRegions(Block &block) {
  Regions regions(block);
  bool changed = false;
  for (const Region &region : regions.all()) {
    std::optional<Dims> dims = chooseOrder(region, regions);
    if (!dims)
      continue;
    Reordering(region, *dims).run();
    changed = true;
  }
  return changed;
}

/// One transpose in place of several in a row or of equal ones, none where they
/// undo each other, a reshape where no element moves.
static void simplifyTransposes(Block &block) {
  DenseMap<std::pair<Value, Attribute>, Value> known;
  for (auto op : llvm::make_early_inc_range(block.getOps<TransposeOp>())) {
    OpBuilder b(op);
    Value x = transpose(b, op.getX(), op.getResolvedPermutation());
    if (auto whole = x.getDefiningOp<TransposeOp>()) {
      Dims dims = whole.getResolvedPermutation();
      Value &first =
          known[{whole.getX(), DenseI64ArrayAttr::get(b.getContext(), dims)}];
      if (!first)
        first = movesNothing(typeOf(whole.getX()), dims)
                    ? ReshapeOp::create(b, op.getLoc(), whole.getX(),
                                        toDims(op.getType().getShape()))
                    : x;
      x = first;
    }
    op.replaceAllUsesWith(x);
  }
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isa<TransposeOp>(op) && op.use_empty())
      op.erase();
}

namespace {
struct CancelTransposesPass
    : impl::CancelTransposesPassBase<CancelTransposesPass> {
  void runOnOperation() override {
    // A round is about the transposes that it finds; what it leaves may be
    // worth another. Nearly all is done in the first.
    constexpr unsigned kMostRounds = 8;
    Block &block = getOperation().getBody().front();
    if (block.getOps<TransposeOp>().empty())
      return;
    simplifyTransposes(block);
    for (unsigned round = 0; round < kMostRounds; ++round) {
      if (!reorderRegions(block))
        return;
      simplifyTransposes(block);
    }
  }
};
} // namespace

} // namespace nnc
