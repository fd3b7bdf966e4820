// See RowSpace.h. Roles are found by elimination: an op has as many possible
// domains as its loops' sizes allow, and loses those that contradict the roles
// of its tensors.
#include "passes/RowSpace.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace nnc;

/// The axes that `axes`, a selection of an op's loops, cover; none if it is
/// only a part of one.
static std::optional<SpaceRole> coveredAxes(ArrayRef<SpaceRole> selected,
                                            ArrayRef<SpaceRole> all) {
  unsigned covered = Scalar;
  for (SpaceRole axis : {Row, Column}) {
    auto count = llvm::count(selected, axis);
    if (count == 0)
      continue;
    if (count != llvm::count(all, axis))
      return std::nullopt;
    covered |= axis;
  }
  return SpaceRole(covered);
}

bool nnc::isCutUse(const SpaceOp &op, const SpaceOp::Use &use) {
  // Of each loop that runs more than once, whether the use varies along it.
  SmallVector<bool> varies;
  for (auto [loop, range] : llvm::enumerate(op.ranges))
    if (range != 1)
      varies.push_back(llvm::is_contained(use.loops, int64_t(loop)));
  unsigned changes = 0;
  for (size_t loop = 1; loop < varies.size(); ++loop)
    changes += varies[loop] != varies[loop - 1];
  return changes > 1;
}

namespace {

/// Gives every op and tensor its role in a space of a given size.
class RoleInference {
public:
  RoleInference(MutableArrayRef<SpaceOp> ops, RowSpace &space)
      : ops(ops), space(space), isDecided(ops.size(), false) {}
  bool run();

private:
  /// The axes of the loops if the op covers `domain`; none if its sizes differ.
  std::optional<SmallVector<SpaceRole>> loopAxes(const SpaceOp &op,
                                                 SpaceRole domain);
  /// None if the tensor is transposed or cut.
  std::optional<SpaceRole> roleOfUse(const SpaceOp::Use &use,
                                     ArrayRef<SpaceRole> axes);
  /// Whether `op` may cover `domain`, given the roles that are known.
  bool matches(SpaceOp &op, SpaceRole domain, bool commit);
  SmallVector<SpaceRole> openDomains(SpaceOp &op);
  /// Decides the ops with one domain left; false on a contradiction.
  bool decideForced(bool &progress);
  bool decideFirstOpen();

  MutableArrayRef<SpaceOp> ops;
  RowSpace &space;
  SmallVector<bool> isDecided;
};

} // namespace

std::optional<SmallVector<SpaceRole>>
RoleInference::loopAxes(const SpaceOp &op, SpaceRole domain) {
  SmallVector<SpaceRole> axes(op.ranges.size(), Scalar);
  BatchSize expectedRows = domain & Row ? space.rows : BatchSize(1);
  BatchSize expectedColumns(domain & Column ? space.columns : 1);
  BatchSize rows(1), columns(1);
  for (auto [loop, range] : llvm::enumerate(op.ranges)) {
    if (range == 1)
      continue;
    bool isRow = rows != expectedRows;
    axes[loop] = isRow ? Row : Column;
    BatchSize &covered = isRow ? rows : columns;
    std::optional<BatchSize> next = covered.times(BatchSize::ofDim(range));
    if (!next)
      return std::nullopt;
    covered = *next;
  }
  if (rows != expectedRows || columns != expectedColumns)
    return std::nullopt;
  return axes;
}

std::optional<SpaceRole> RoleInference::roleOfUse(const SpaceOp::Use &use,
                                                  ArrayRef<SpaceRole> axes) {
  SmallVector<SpaceRole> selected;
  int64_t last = -1;
  for (int64_t loop : use.loops) {
    if (loop < 0 || axes[loop] == Scalar)
      continue;
    if (loop <= last)
      return std::nullopt;
    last = loop;
    selected.push_back(axes[loop]);
  }
  return coveredAxes(selected, axes);
}

bool RoleInference::matches(SpaceOp &op, SpaceRole domain, bool commit) {
  std::optional<SmallVector<SpaceRole>> axes = loopAxes(op, domain);
  if (!axes)
    return false;
  SmallVector<SpaceRole> reducedLoops;
  for (auto [axis, isReduced] : llvm::zip(*axes, op.isReduced))
    if (isReduced)
      reducedLoops.push_back(axis);
  std::optional<SpaceRole> reduced = coveredAxes(reducedLoops, *axes);
  if (!reduced || (domain == Column && *reduced != Scalar))
    return false;
  SmallVector<std::pair<Value, SpaceRole>> found;
  for (const SpaceOp::Use &use : op.uses) {
    std::optional<SpaceRole> role = roleOfUse(use, *axes);
    if (!role)
      return false;
    auto known = space.roles.find(use.tensor);
    if (known != space.roles.end() && known->second != *role)
      return false;
    found.push_back({use.tensor, *role});
  }
  // A tensor may be used twice by the op.
  for (auto [tensor, role] : found)
    for (auto [other, otherRole] : found)
      if (tensor == other && role != otherRole)
        return false;
  if (!commit)
    return true;
  op.domain = domain;
  op.reduced = *reduced;
  op.loopAxes = std::move(*axes);
  for (auto [tensor, role] : found)
    space.roles[tensor] = role;
  return true;
}

SmallVector<SpaceRole> RoleInference::openDomains(SpaceOp &op) {
  SmallVector<SpaceRole> open;
  for (SpaceRole domain : {Full, Column, Row, Scalar})
    if ((space.columns != 1 || !(domain & Column)) &&
        matches(op, domain, /*commit=*/false))
      open.push_back(domain);
  return open;
}

bool RoleInference::decideForced(bool &progress) {
  for (auto [number, op] : llvm::enumerate(ops)) {
    if (isDecided[number])
      continue;
    SmallVector<SpaceRole> open = openDomains(op);
    if (open.empty())
      return false;
    if (open.size() > 1)
      continue;
    isDecided[number] = matches(op, open.front(), /*commit=*/true);
    progress = true;
  }
  return true;
}

/// In a square space: an op on a vector that nothing ties to rows or columns.
bool RoleInference::decideFirstOpen() {
  for (auto [number, op] : llvm::enumerate(ops))
    if (!isDecided[number])
      return isDecided[number] =
                 matches(op, openDomains(op).front(), /*commit=*/true);
  return false;
}

bool RoleInference::run() {
  space.roles.clear();
  while (llvm::is_contained(isDecided, false)) {
    bool progress = false;
    if (!decideForced(progress) || (!progress && !decideFirstOpen()))
      return false;
  }
  return true;
}

/// Results that no op touches: by their size.
static bool assignRemaining(RowSpace &space, ArrayRef<Value> results) {
  for (Value result : results) {
    if (space.roles.contains(result))
      continue;
    std::optional<BatchSize> size =
        sizeOfShape(cast<ShapedType>(result.getType()).getShape());
    if (!size)
      return false;
    if (size == space.rows.times(space.columns))
      space.roles[result] = space.columns == 1 ? Row : Full;
    else if (size->isOne())
      space.roles[result] = Scalar;
    else if (*size == space.rows)
      space.roles[result] = Row;
    else if (size->is(space.columns))
      space.roles[result] = Column;
    else
      return false;
  }
  return true;
}

/// Ways to split the loops of the largest op, the flat space first, but for the
/// one that ops want. None where a size is too large to be counted.
static SmallVector<RowSpace> candidates(ArrayRef<SpaceOp> ops,
                                        ArrayRef<Value> results) {
  SmallVector<int64_t> largest;
  auto consider = [&](ArrayRef<int64_t> dims) {
    SmallVector<int64_t> proper(dims);
    llvm::erase(proper, 1);
    std::optional<BatchSize> size = sizeOfShape(proper),
                             best = sizeOfShape(largest);
    if (!size || !best ||
        std::tuple(proper.size(), size->perBatch, size->factor) >
            std::tuple(largest.size(), best->perBatch, best->factor))
      largest = proper;
  };
  for (const SpaceOp &op : ops)
    consider(op.ranges);
  for (Value result : results)
    consider(cast<ShapedType>(result.getType()).getShape());
  std::optional<BatchSize> all = sizeOfShape(largest);
  if (!all)
    return {};
  SmallVector<RowSpace> spaces(1);
  spaces.front().rows = *all;
  for (size_t split = largest.size(); split-- > 1;) {
    ArrayRef<int64_t> dims = largest;
    BatchSize columns = *sizeOfShape(dims.drop_front(split));
    if (columns.perBatch)
      break;
    spaces.emplace_back();
    spaces.back().rows = *sizeOfShape(dims.take_front(split));
    spaces.back().columns = columns.factor;
  }
  int64_t wanted = 1;
  for (const SpaceOp &op : ops)
    wanted = std::max(wanted, op.wantedColumns);
  auto chosen = llvm::find_if(spaces, [&](const RowSpace &space) {
    return wanted > 1 && space.columns == wanted;
  });
  if (chosen != spaces.end())
    std::rotate(spaces.begin(), chosen, chosen + 1);
  return spaces;
}

std::optional<RowSpace> nnc::inferRowSpace(MutableArrayRef<SpaceOp> ops,
                                           ArrayRef<Value> results) {
  for (RowSpace &space : candidates(ops, results))
    if (RoleInference(ops, space).run() && assignRemaining(space, results))
      return std::move(space);
  return std::nullopt;
}

bool nnc::isOfSamples(Value tensor) {
  return !cast<ShapedType>(tensor.getType()).hasStaticShape();
}

/// Whether a use has samples one after another: no dimension before that of the
/// batch is larger than one.
static bool hasSamplesInOrder(const SpaceOp &op, const SpaceOp::Use &use,
                              int64_t batch) {
  for (int64_t loop : use.loops) {
    if (loop == batch)
      return true;
    if (loop >= 0 && op.ranges[loop] != 1)
      return false;
  }
  return true;
}

/// Has the loop over the batch run once, as it does within one sample; false
/// where it is not the outermost, or a tensor is read at another sample or does
/// not have samples one after another.
static bool enterSample(SpaceOp &op) {
  std::optional<int64_t> batch;
  for (auto [loop, range] : llvm::enumerate(op.ranges)) {
    if (!ShapedType::isDynamic(range))
      continue;
    ArrayRef<int64_t> outer = ArrayRef(op.ranges).take_front(loop);
    if (op.isReduced[loop] ||
        llvm::any_of(outer, [](int64_t size) { return size != 1; }))
      return false;
    batch = loop;
  }
  for (const SpaceOp::Use &use : op.uses)
    if (isOfSamples(use.tensor) !=
            (batch && llvm::is_contained(use.loops, *batch)) ||
        (batch && isOfSamples(use.tensor) &&
         !hasSamplesInOrder(op, use, *batch)))
      return false;
  if (batch)
    op.ranges[*batch] = 1;
  return true;
}

std::optional<RowSpace> nnc::inferSampleSpace(MutableArrayRef<SpaceOp> ops,
                                              ArrayRef<Value> results) {
  if (!llvm::all_of(ops, enterSample) || !llvm::all_of(results, isOfSamples))
    return std::nullopt;
  for (RowSpace &space : candidates(ops, {}))
    if (space.columns != 1 && RoleInference(ops, space).run() &&
        llvm::all_of(results, [&](Value result) {
          return space.roles.contains(result);
        }))
      return std::move(space);
  return std::nullopt;
}
