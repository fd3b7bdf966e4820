// An implicit matrix product: rows are all axes of the left operand (positions
// of an image), columns those of the right one (channels), terms all that is
// summed over (a window and its channels). No matrix of windows is made; a
// block reads the elements of its tile where they lie.
//
//   sums      a block a tile, and a part of its terms. Two halves of shared
//             memory: while a step is added from one, the next is read into
//             registers and then put into the other. What tensor cores
//             multiply as it lies is copied to several stages of shared memory
//             instead, of which one is added. Results, or partial sums
//   results   adds up the parts, and computes the results
#include "codegen/cuda/Tiles.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cuda/Channels.h"
#include "codegen/cuda/SmallProducts.h"
#include "codegen/cuda/TileSteps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kResultThreads = 256;
/// A thread that holds more than so many numbers or vectors of a step, whose
/// addresses it holds too, has as many registers as it needs.
static constexpr size_t kMostReads = 8;
/// Neighbours that are stored as one.
static constexpr int64_t kMaxLanes = 4;

// A product below both is as fast with an element a thread, which has nothing
// to share and to wait for.
static constexpr int64_t kSmallProduct = 1 << 16;
static constexpr int64_t kSmallSum = 256;

namespace {

/// Blocks in several dimensions, of which at most one grows with the batch.
class BlockGrid {
public:
  /// Adds ceil(size / tile) blocks along a dimension; returns its number.
  unsigned add(BatchSize size, int64_t tile) {
    dimensions.push_back({size, tile});
    return dimensions.size() - 1;
  }
  Extent numBlocks() const;
  /// Whether every one of those blocks is one of the dimensions'.
  bool isExact() const;
  /// Where this block is, by dimension.
  SmallVector<Value> locate(GpuPhase &phase) const;

private:
  struct Dimension {
    BatchSize size;
    int64_t tile;
    int64_t count() const { return (size.factor + tile - 1) / tile; }
  };
  SmallVector<Dimension> dimensions;
};

class TileScheduler {
public:
  /// Phases follow `previous`, and their names end in `suffix`.
  TileScheduler(const Contraction &contraction, const ContractionAxes &axes,
                const Tiling &tiling, Operation *previous, StringRef suffix)
      : contraction(contraction), axes(axes), tiling(tiling), suffix(suffix),
        b(contraction.lhs->tensor.getLoc(), contraction.type.getContext()),
        last(previous) {}

  ScheduledKernel run();

private:
  void emitSums();
  void emitResults();

  TileStep findTerms(GpuPhase &phase, Value part);
  bool isOneStep() const;
  void storeTile(GpuContractionPhase &phase, ArrayRef<TileRow> rows,
                 const GpuPoint &outer, Value before, Value firstRow,
                 Value firstColumn);
  void forLanes(GpuContractionPhase &phase, Value sums, Value column,
                int64_t lanes,
                llvm::function_ref<void(Value sums, Value column)> store);
  void storePartial(GpuContractionPhase &phase, Value sums, Value before,
                    Value row, Value column);
  void storeResults(GpuContractionPhase &phase, Value sums, GpuPoint point,
                    Value column);
  BatchSize numSums();

  const Contraction &contraction;
  const ContractionAxes &axes;
  const Tiling &tiling;
  StringRef suffix;
  ImplicitLocOpBuilder b;
  Operation *last;
  ScheduledKernel scheduled;
};

} // namespace

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// ceil(x / tile) * others is at most (x + tile - 1) / tile * others.
Extent BlockGrid::numBlocks() const {
  int64_t others = 1;
  const Dimension *growing = nullptr;
  for (const Dimension &dimension : dimensions)
    if (dimension.size.isStatic())
      others *= dimension.count();
    else
      growing = &dimension;
  if (!growing)
    return Extent{others};
  int64_t factor = growing->size.factor, tile = growing->tile;
  if (factor % tile == 0)
    return Extent{0, factor / tile * others, 1};
  return Extent{(tile - 1) * (others - 1), factor * others, tile};
}

bool BlockGrid::isExact() const {
  int64_t others = 1;
  bool isWhole = true;
  for (const Dimension &dimension : dimensions)
    if (dimension.size.isStatic())
      others *= dimension.count();
    else
      isWhole = dimension.size.factor % dimension.tile == 0;
  return isWhole || others == 1;
}

/// The dimension that grows is outermost: blocks that are too many lie beyond
/// its end.
SmallVector<Value> BlockGrid::locate(GpuPhase &phase) const {
  SmallVector<Value> indices(dimensions.size());
  Value rest = phase.block();
  for (auto [number, dimension] : llvm::enumerate(dimensions)) {
    if (!dimension.size.isStatic())
      continue;
    indices[number] = phase.remainder(rest, dimension.count());
    rest = phase.divide(rest, dimension.count());
  }
  for (Value &index : indices)
    if (!index)
      index = rest;
  return indices;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// The terms of a part: whole steps but for the last.
TileStep TileScheduler::findTerms(GpuPhase &phase, Value part) {
  Value numTerms = phase.value(axes.summed.size);
  TileStep terms{phase.index(0), numTerms};
  if (tiling.numParts == 1)
    return terms;
  int64_t depth = tiling.shape.depth;
  Value length = phase.multiply(
      phase.value(Extent::of(axes.summed.size, depth * tiling.numParts)),
      depth);
  terms.first = phase.minimum(phase.multiply(part, length), numTerms);
  terms.end = phase.minimum(phase.add(terms.first, length), numTerms);
  return terms;
}

/// Whether all terms are in one step, of which there is no next.
bool TileScheduler::isOneStep() const {
  return tiling.numParts == 1 && axes.summed.size.isStatic() &&
         axes.summed.size.factor <= tiling.shape.depth;
}

void TileScheduler::emitSums() {
  GpuContractionPhase phase(b, contraction, last, "tiles" + suffix);
  BlockGrid grid;
  unsigned column = grid.add(axes.columns.size, tiling.shape.columns);
  unsigned row = grid.add(axes.rows.size, tiling.shape.rows);
  unsigned outer = grid.add(axes.outer.size, 1);
  unsigned part = grid.add(BatchSize(tiling.numParts), 1);
  SmallVector<Value> block = grid.locate(phase);
  Value firstRow = phase.multiply(block[row], tiling.shape.rows),
        firstColumn = phase.multiply(block[column], tiling.shape.columns);
  GpuPoint point = phase.origin();
  phase.locate(axes.outer, block[outer], point);

  TileLoad lhs(phase, contraction, axes, contraction.lhs, axes.rows, tiling,
               tiling.shape.rows);
  TileLoad rhs(phase, contraction, axes, contraction.rhs, axes.columns, tiling,
               tiling.shape.columns);
  // What is too many of a grid that grows has nothing to do.
  Value exists = arith::ConstantOp::create(b, b.getBoolAttr(true));
  if (!grid.isExact())
    exists = phase.both(
        phase.isLess(firstRow, phase.value(axes.rows.size)),
        phase.both(phase.isLess(firstColumn, phase.value(axes.columns.size)),
                   phase.isLess(block[outer], phase.value(axes.outer.size))));
  phase.when(exists, [&] {
    lhs.locate(firstRow, point);
    rhs.locate(firstColumn, point);
    auto sums = createTileSums(phase, tiling, lhs, rhs);
    SmallVector<Value> added =
        addSteps(phase, tiling, lhs, rhs, *sums, findTerms(phase, block[part]),
                 isOneStep());
    Value before;
    if (tiling.hasWorkspace)
      before =
          phase.add(phase.multiply(block[part], phase.value(axes.outer.size)),
                    block[outer]);
    SmallVector<TileRow> rows = sums->rowsOf(added);
    if (tiling.shape.slices > 1)
      rows = addSlices(phase, tiling, rows, lhs, rhs);
    storeTile(phase, rows, point, before, firstRow, firstColumn);
  });
  scheduled.phases.push_back(
      phase.finish("contraction", grid.numBlocks(), tiling.threads()));
  last = scheduled.phases.back().function;
  bool isTight = tiling.stages || lhs.numReads() + rhs.numReads() <= kMostReads;
  int64_t resident = isTight ? tiling.residentBlocks() : 1;
  // The places of copies may need registers of a third block; where they do
  // not, there is room for it.
  if (tiling.stages && tiling.unit != TileUnit::Scalar)
    resident = std::min<int64_t>(resident, 2);
  last->setAttr("nnc.resident", b.getI64IntegerAttr(resident));
}

//===----------------------------------------------------------------------===//
// Storing a tile
//===----------------------------------------------------------------------===//

/// `before`: the matrices of partial sums before the tile's, where it goes to
/// the workspace.
void TileScheduler::storeTile(GpuContractionPhase &phase,
                              ArrayRef<TileRow> rows, const GpuPoint &outer,
                              Value before, Value firstRow, Value firstColumn) {
  for (const TileRow &tileRow : rows) {
    Value row = phase.add(firstRow, tileRow.row);
    phase.when(phase.isWithin(row, axes.rows.size, tiling.shape.rows), [&] {
      GpuPoint point = outer;
      phase.locate(axes.rows, row, point);
      for (const TilePiece &piece : tileRow.pieces) {
        Value column = phase.add(firstColumn, piece.column);
        if (before)
          storePartial(phase, piece.sums, before, row, column);
        else
          storeResults(phase, piece.sums, point, column);
      }
    });
  }
}

/// `store` for what of `sums` exists from `column` on: vectors of `lanes`.
void TileScheduler::forLanes(
    GpuContractionPhase &phase, Value sums, Value column, int64_t lanes,
    llvm::function_ref<void(Value sums, Value column)> store) {
  int64_t length = cast<VectorType>(sums.getType()).getNumElements();
  for (int64_t lane = 0; lane < length; lane += lanes) {
    Value at = phase.add(column, lane);
    phase.when(phase.isWithin(at, axes.columns.size, tiling.shape.columns),
               [&] {
                 store(lanes == length
                           ? sums
                           : Value(vector::ExtractOp::create(b, sums, lane)),
                       at);
               });
  }
}

/// Vectors are whole pieces, or there are none.
static int64_t wholeOrOne(int64_t lanes, Value sums) {
  int64_t length = cast<VectorType>(sums.getType()).getNumElements();
  return lanes % length == 0 ? length : 1;
}

/// Partial sums are [part, outer, row, column].
void TileScheduler::storePartial(GpuContractionPhase &phase, Value sums,
                                 Value before, Value row, Value column) {
  Value line =
      phase.add(phase.multiply(before, phase.value(axes.rows.size)), row);
  Value begin = phase.multiply(line, phase.value(axes.columns.size));
  int64_t lanes = axes.columns.size.factor % kMaxLanes == 0 ? kMaxLanes : 1;
  forLanes(phase, sums, column, wholeOrOne(lanes, sums),
           [&](Value value, Value at) {
             phase.storeAt(value, phase.partialSums(), phase.add(begin, at));
           });
}

void TileScheduler::storeResults(GpuContractionPhase &phase, Value sums,
                                 GpuPoint point, Value column) {
  int64_t lanes = wholeOrOne(
      resultLanes(contraction, contraction.axisN(), kMaxLanes), sums);
  if (lanes > 1) {
    point.vectorAxis = contraction.axisN();
    point.lanes = lanes;
  }
  forLanes(phase, sums, column, lanes, [&](Value value, Value at) {
    phase.locate(axes.columns, at, point);
    phase.storeResults(value, point);
  });
}

//===----------------------------------------------------------------------===//
// Results of partial sums
//===----------------------------------------------------------------------===//

/// A thread has neighbouring columns of one row.
void TileScheduler::emitResults() {
  GpuContractionPhase phase(b, contraction, last, "results" + suffix);
  int64_t lanes = resultLanes(contraction, contraction.axisN(), kMaxLanes);
  Value number = phase.globalThread(kResultThreads);
  Extent numThreads = Extent::of(numSums(), lanes);
  phase.when(phase.isLess(number, phase.value(numThreads)), [&] {
    Value element = phase.multiply(number, lanes);
    Value numColumns = phase.value(axes.columns.size),
          numRows = phase.value(axes.rows.size);
    Value line = phase.divide(element, numColumns);
    GpuPoint point = phase.origin();
    phase.locate(axes.columns, phase.remainder(element, numColumns), point);
    phase.locate(axes.rows, phase.remainder(line, numRows), point);
    phase.locate(axes.outer, phase.divide(line, numRows), point);
    if (lanes > 1) {
      point.vectorAxis = contraction.axisN();
      point.lanes = lanes;
    }
    phase.storeResults(
        phase.addParts(tiling.numParts, numSums(), element, lanes), point);
  });
  scheduled.phases.push_back(phase.finish(
      "contraction", divideUp(numThreads, kResultThreads), kResultThreads));
}

//===----------------------------------------------------------------------===//
// The whole kernel
//===----------------------------------------------------------------------===//

BatchSize TileScheduler::numSums() {
  // The product's own size, which the analysis has counted.
  return *axes.outer.size.times(axes.rows.size)->times(axes.columns.size);
}

ScheduledKernel TileScheduler::run() {
  emitSums();
  if (tiling.hasWorkspace) {
    int64_t bytes = contraction.type.getIntOrFloatBitWidth() / 8;
    scheduled.workspaceBytes.push_back(
        Extent::of(*numSums().times(bytes * tiling.numParts)));
    emitResults();
  }
  scheduled.mayAlias = contraction.mayAlias();
  return std::move(scheduled);
}

namespace {

/// One of the products of a kernel.
struct TiledProduct {
  Contraction contraction;
  ContractionAxes axes;

  /// Whether an element a thread has as much to do, and no more to wait for.
  bool isSmall() const;
};

} // namespace

bool TiledProduct::isSmall() const {
  int64_t batch = typicalBatch(contraction.kernel);
  uint64_t summed = axes.summed.size.estimate(batch), terms = summed;
  for (const AxisGroup *group : {&axes.outer, &axes.rows, &axes.columns})
    terms =
        llvm::SaturatingMultiply<uint64_t>(terms, group->size.estimate(batch));
  return terms <= kSmallProduct && summed <= kSmallSum;
}

static FailureOr<TiledProduct> analyze(func::FuncOp kernel,
                                       const Products &products,
                                       const Product &product,
                                       Refusal &refusal) {
  FailureOr<Contraction> contraction =
      analyzeProduct(kernel, products, product, refusal);
  if (failed(contraction))
    return failure();
  FailureOr<ContractionAxes> axes = groupAxes(*contraction, refusal);
  if (failed(axes))
    return failure();
  std::optional<BatchSize> numLines = axes->outer.size.times(axes->rows.size);
  std::optional<BatchSize> numSums =
      numLines ? numLines->times(axes->columns.size) : std::nullopt;
  if (!numSums || !numSums->times(kMostParts * 8))
    return refusal.because("the product's size depends on the batch squared");
  return TiledProduct{std::move(*contraction), std::move(*axes)};
}

/// The kernel with zeros for what is a product: what is none's stays.
static func::FuncOp deriveRest(func::FuncOp kernel, const Products &products) {
  OpBuilder b(kernel.getContext());
  b.setInsertionPointAfter(kernel);
  IRMapping mapping;
  auto rest = cast<func::FuncOp>(b.clone(*kernel, mapping));
  rest.setName((kernel.getName() + ".rest").str());
  rest->setAttr("nnc.kind", b.getStringAttr("rows"));
  mapping.lookup(products.whole)
      .replaceAllUsesWith(mapping.lookup(products.rest));
  for (Operation &op : llvm::make_early_inc_range(
           llvm::reverse(rest.getBody().front().getOperations())))
    if (isOpTriviallyDead(&op))
      op.erase();
  return rest;
}

/// Adds the phases of a part to the whole. What may be written over an operand
/// is what every part says of it.
static void append(ScheduledKernel &whole, ScheduledKernel part) {
  for (Phase &phase : part.phases) {
    for (BufferRef &buffer : phase.buffers)
      if (buffer.kind == BufferRef::Workspace)
        buffer.index += whole.workspaceBytes.size();
    whole.phases.push_back(std::move(phase));
  }
  llvm::append_range(whole.workspaceBytes, part.workspaceBytes);
  llvm::erase_if(whole.mayAlias, [&](auto pair) {
    return !llvm::is_contained(part.mayAlias, pair);
  });
}

static FailureOr<SmallVector<TiledProduct, 0>>
analyzeAll(func::FuncOp kernel, const Products &products, Refusal &refusal) {
  SmallVector<TiledProduct, 0> parts;
  for (const Product &product : products.products) {
    FailureOr<TiledProduct> part = analyze(kernel, products, product, refusal);
    if (failed(part))
      return failure();
    parts.push_back(std::move(*part));
  }
  return parts;
}

FailureOr<ScheduledKernel> nnc::scheduleSmallProduct(func::FuncOp kernel,
                                                     const GpuModel &model,
                                                     Refusal &refusal) {
  FailureOr<Products> products = findProducts(kernel, refusal);
  if (failed(products))
    return failure();
  auto parts = analyzeAll(kernel, *products, refusal);
  if (failed(parts))
    return failure();
  TiledProduct &product = parts->front();
  if (parts->size() != 1 || products->rest || product.contraction.hasWindows ||
      !product.contraction.hasOneAxisK())
    return refusal.because("it is no one product of matrices");
  if (product.isSmall())
    return refusal.because("it is too small to fill tiles");
  std::optional<Tiling> tiling =
      chooseSmallTiling(product.contraction, product.axes, model);
  if (!tiling)
    return refusal.because("a call of the library takes less time");
  ScheduledKernel scheduled =
      TileScheduler(product.contraction, product.axes, *tiling, kernel, "")
          .run();
  for (Phase &phase : scheduled.phases)
    phase.kind = "product";
  return scheduled;
}

FailureOr<ScheduledKernel> nnc::scheduleTiles(func::FuncOp kernel,
                                              const GpuModel &model,
                                              PartScheduler schedulePart,
                                              Refusal &refusal) {
  FailureOr<Products> products = findProducts(kernel, refusal);
  if (failed(products))
    return failure();
  auto analyzed = analyzeAll(kernel, *products, refusal);
  if (failed(analyzed))
    return failure();
  SmallVector<TiledProduct, 0> &parts = *analyzed;
  auto isSmall = [](const TiledProduct &part) { return part.isSmall(); };
  if (llvm::all_of(parts, isSmall))
    return refusal.because("it is too small to fill tiles");
  ScheduledKernel scheduled;
  scheduled.mayAlias = parts.front().contraction.mayAlias();
  if (products->rest) {
    func::FuncOp function = deriveRest(kernel, *products);
    FailureOr<ScheduledKernel> rest = schedulePart(function);
    function.erase();
    if (failed(rest))
      return refusal.because("what is no product's has no schedule");
    // Its results are written again, of operands that must still be there.
    rest->mayAlias.clear();
    append(scheduled, std::move(*rest));
  }
  for (auto [number, part] : llvm::enumerate(parts)) {
    Operation *previous = scheduled.phases.empty()
                              ? kernel.getOperation()
                              : scheduled.phases.back().function.getOperation();
    std::string suffix = parts.size() == 1 ? "" : std::to_string(number);
    if (isByChannel(part.contraction, part.axes)) {
      append(scheduled,
             scheduleChannels(part.contraction, part.axes, previous, suffix));
      continue;
    }
    Tiling tiling = chooseTiling(part.contraction, part.axes, model);
    append(scheduled,
           TileScheduler(part.contraction, part.axes, tiling, previous, suffix)
               .run());
  }
  return std::move(scheduled);
}
