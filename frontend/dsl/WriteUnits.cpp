// Ops that a program says in one: what `layout nchw` transposes for a layer,
// and what a call of scan does to what it goes over.
#include "frontend/dsl/ProgramWriter.h"

#include "ir/Layout.h"
#include "ir/ScanBuilder.h"
#include "ir/Shapes.h"
#include "ir/Traits.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::dsl {

SmallVector<Value> Item::results() const {
  return replaced.empty() ? SmallVector<Value>(core->getResults()) : replaced;
}

namespace {
/// Ops beside others, before any is written.
class Folding {
public:
  Folding(ArrayRef<Operation *> ops, bool hasChannelsFirst)
      : ops(ops), hasChannelsFirst(hasChannelsFirst), isTaken(ops.size()) {}

  FailureOr<std::vector<Item>> run();

private:
  bool isTransposeAt(size_t index, Value of, ArrayRef<int64_t> permutation);
  bool foldPicture(size_t index, Item &item);
  bool foldLoop(size_t index, Item &item);
  void takeStates(ScanOp scan, size_t &index, Item &item,
                  SmallVectorImpl<size_t> &taken);
  bool takeSlices(ScanOp scan, size_t index, Item &item,
                  SmallVectorImpl<size_t> &taken);
  bool takeResults(ScanOp scan, size_t index, Item &item,
                   SmallVectorImpl<size_t> &taken);

  ArrayRef<Operation *> ops;
  bool hasChannelsFirst;
  std::vector<bool> isTaken; // by an item that is no item of its own
};
} // namespace

static bool hasPictures(Operation *op) {
  auto type = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
  return type && type.getRank() >= 3;
}

/// Whether the op there is a transpose, and the only one that reads `of`.
bool Folding::isTransposeAt(size_t index, Value of,
                            ArrayRef<int64_t> permutation) {
  if (index >= ops.size() || isTaken[index])
    return false;
  auto transpose = dyn_cast<TransposeOp>(ops[index]);
  return transpose && transpose.getX() == of && of.hasOneUse() &&
         transpose.getPermutation() == permutation;
}

/// A layer of `layout nchw` with both of its transposes.
bool Folding::foldPicture(size_t index, Item &item) {
  Value picture = item.core->getOperand(0);
  int64_t rank = cast<RankedTensorType>(picture.getType()).getRank();
  auto before = picture.getDefiningOp<TransposeOp>();
  bool isBefore = index > 0 && before && ops[index - 1] == before &&
                  !isTaken[index - 1] && picture.hasOneUse() &&
                  before.getPermutation() == ArrayRef(channelsToLast(rank));
  if (!isBefore)
    return false;
  item.ops.insert(item.ops.begin(), before);
  item.given[picture] = before.getX();
  isTaken[index - 1] = true;
  if (item.core->getNumResults() != 1)
    return true;
  Value result = item.core->getResult(0);
  int64_t resultRank = cast<RankedTensorType>(result.getType()).getRank();
  if (resultRank < 3)
    return true;
  if (!isTransposeAt(index + 1, result,
                     invertPermutation(channelsToLast(resultRank))))
    return false;
  item.ops.push_back(ops[index + 1]);
  item.replaced = {ops[index + 1]->getResult(0)};
  isTaken[index + 1] = true;
  return true;
}

//===-- Loops ------------------------------------------------------------===//

static bool goesOverSamples(ScanOp scan) {
  return llvm::any_of(scan.getOver(), [](Value slices) {
    auto type = cast<RankedTensorType>(slices.getType());
    return type.getRank() > 1 && type.isDynamicDim(1);
  });
}

static bool hasStaticShape(Value value) {
  return cast<RankedTensorType>(value.getType()).hasStaticShape();
}

/// States of all samples that the loop has made states of each: those right
/// before it, from the last to the first. `index` becomes that of what is
/// before them, and before what makes numbers of nothing for them.
void Folding::takeStates(ScanOp scan, size_t &index, Item &item,
                         SmallVectorImpl<size_t> &taken) {
  for (Value state : llvm::reverse(scan.getCarried())) {
    auto broadcast = state.getDefiningOp<BroadcastOp>();
    if (!goesOverSamples(scan) || index == 0 || !broadcast ||
        ops[index - 1] != broadcast || isTaken[index - 1] ||
        !state.hasOneUse() || !hasStaticShape(broadcast.getX()))
      break;
    SmallVector<int64_t> shape = {-1};
    llvm::append_range(
        shape, cast<RankedTensorType>(broadcast.getX().getType()).getShape());
    if (broadcast.getShape() != ArrayRef(shape))
      break;
    item.given[state] = broadcast.getX();
    taken.push_back(--index);
  }
  auto isOfNothing = [&](Operation *op) {
    if (!op->hasOneUse() || op->getNumResults() != 1)
      return false;
    Operation *user = *op->user_begin();
    bool isOfState = user == scan || llvm::any_of(taken, [&](size_t one) {
                       return ops[one] == user;
                     });
    return isOfState && llvm::all_of(op->getOperands(), [](Value operand) {
             return operand.getDefiningOp<ConstantOp>() != nullptr;
           });
  };
  while (index > 0 && isOfNothing(ops[index - 1]))
    --index;
}

bool Folding::takeSlices(ScanOp scan, size_t index, Item &item,
                         SmallVectorImpl<size_t> &taken) {
  for (Value slices : llvm::reverse(scan.getOver())) {
    auto transpose = slices.getDefiningOp<TransposeOp>();
    if (index == 0 || !transpose || ops[index - 1] != transpose ||
        isTaken[index - 1] || !slices.hasOneUse())
      return false;
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    int64_t axis = permutation.front();
    if (axis < 1 || (item.axis && item.axis != axis) ||
        permutation != ArrayRef(frontPermutation(permutation.size(), axis)))
      return false;
    item.axis = axis;
    item.given[slices] = transpose.getX();
    taken.push_back(--index);
  }
  return true;
}

bool Folding::takeResults(ScanOp scan, size_t index, Item &item,
                          SmallVectorImpl<size_t> &taken) {
  SmallVector<Value> results(scan.getLast());
  for (Value all : scan.getStacked()) {
    int64_t rank = cast<RankedTensorType>(all.getType()).getRank();
    int64_t axis = std::min(item.axis, rank - 1);
    if (axis > 0 &&
        !isTransposeAt(index + 1, all,
                       invertPermutation(frontPermutation(rank, axis))))
      return false;
    if (axis > 0)
      taken.push_back(++index);
    results.push_back(axis > 0 ? ops[index]->getResult(0) : all);
  }
  item.replaced = results;
  return true;
}

/// The loop with all that a call of it, over another axis than the first, would
/// make; false where the loop has to be called over the first.
bool Folding::foldLoop(size_t index, Item &item) {
  auto scan = cast<ScanOp>(item.core);
  Item folded(scan);
  folded.axis = scan.getOver().empty() ? 1 : 0;
  SmallVector<size_t> taken;
  size_t before = index;
  takeStates(scan, before, folded, taken);
  if (!takeSlices(scan, before, folded, taken) ||
      !takeResults(scan, index, folded, taken))
    return false;
  llvm::sort(taken);
  folded.ops.clear();
  for (size_t i : taken) {
    isTaken[i] = true;
    if (i > index && !llvm::is_contained(folded.ops, scan))
      folded.ops.push_back(scan);
    folded.ops.push_back(ops[i]);
  }
  if (!llvm::is_contained(folded.ops, scan))
    folded.ops.push_back(scan);
  item = std::move(folded);
  return true;
}

FailureOr<std::vector<Item>> Folding::run() {
  std::vector<std::optional<Item>> items(ops.size());
  for (auto [i, op] : llvm::enumerate(ops)) {
    Item &item = items[i].emplace(op);
    bool isPicture =
        hasChannelsFirst && op->hasTrait<ChannelsLast>() && hasPictures(op);
    if (isPicture && !foldPicture(i, item))
      return emitError(op->getLoc())
             << "'" << op->getName().getStringRef()
             << "' of pictures with their channels last has no spelling in a "
                "model of layout nchw";
    if (auto scan = dyn_cast<ScanOp>(op)) {
      foldLoop(i, item);
      bool isOfSamples = goesOverSamples(scan);
      for (Value state : scan.getCarried())
        if (isOfSamples && hasStaticShape(state))
          return emitError(op->getLoc())
                 << "a loop over samples with a state of them all has no "
                    "spelling in the language";
    }
  }
  std::vector<Item> all;
  for (auto [i, item] : llvm::enumerate(items))
    if (!isTaken[i])
      all.push_back(std::move(*item));
  return all;
}

FailureOr<std::vector<Item>> foldUnits(ArrayRef<Operation *> ops,
                                       bool hasChannelsFirst) {
  return Folding(ops, hasChannelsFirst).run();
}

} // namespace nnc::dsl
