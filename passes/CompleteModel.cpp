// What nnc-build-entry-points makes explicit in a model: frozen parameters,
// penalties, the sum of the losses, the confusion matrix, limits of indices.
#include "passes/CompleteModel.h"

#include "passes/EntryPoints.h"

#include "ir/Expr.h"
#include "ir/Freezing.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

static Block &getBody(ModelOp model) { return model.getBody().front(); }

llvm::DenseSet<Operation *> findProducers(ArrayRef<Value> values) {
  llvm::DenseSet<Operation *> producers;
  SmallVector<Value> worklist(values);
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val().getDefiningOp();
    if (op && producers.insert(op).second)
      llvm::append_range(worklist, op->getOperands());
  }
  return producers;
}

SmallVector<ReadOp>
findTrainable(ModelOp model, const llvm::DenseSet<Operation *> &producers) {
  SymbolTableCollection symbols;
  SmallVector<ReadOp> trainable;
  for (ReadOp read : getBody(model).getOps<ReadOp>()) {
    auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(
        read, read.getParameterAttr());
    if (parameter && parameter.isTrained() && producers.contains(read))
      trainable.push_back(read);
  }
  return trainable;
}

void shareReads(ModelOp model) {
  llvm::MapVector<StringRef, ReadOp> first;
  SmallVector<ReadOp> reads(getBody(model).getOps<ReadOp>());
  for (ReadOp read : reads) {
    auto [entry, isNew] = first.insert({read.getParameter(), read});
    if (isNew)
      continue;
    read.replaceAllUsesWith(entry->second.getResult());
    read.erase();
  }
  Block &body = getBody(model);
  for (auto &entry : llvm::reverse(first))
    entry.second->moveBefore(&body, body.begin());
}

LogicalResult freeze(ModelOp model, ArrayRef<std::string> patterns) {
  SmallVector<StringRef> all(patterns.begin(), patterns.end());
  if (auto written =
          dyn_cast_or_null<ArrayAttr>(model.getRecipe().get(kFreezeAttr)))
    for (StringAttr pattern : written.getAsRange<StringAttr>())
      all.push_back(pattern);
  SmallVector<ParameterOp> frozen;
  bool isValid = true;
  for (StringRef pattern : all) {
    std::string problem =
        matchParameters(model->getParentOfType<ModuleOp>(), pattern, frozen);
    if (problem.empty())
      continue;
    emitError(model.getLoc()) << "freeze: " << problem;
    isValid = false;
  }
  for (ParameterOp parameter : frozen)
    parameter.setFrozen();
  return success(isValid);
}

/// Takes the attribute `name` off `op`; zero where it has none.
static double takeNumber(Operation *op, StringRef name) {
  auto attr = op->getAttrOfType<FloatAttr>(name);
  if (!attr)
    return 0;
  op->setAttr(name, FloatAttr::get(attr.getType(), 0.0));
  return attr.getValueAsDouble();
}

/// `loss + l1 * sum |w| + l2 * sum w^2` over the weights that the loss depends
/// on. Weights are parameters of rank 2 and more: biases and scales are not
/// penalised.
static Expr buildPenalised(Expr loss, double l1, double l2, ModelOp model) {
  Expr penalised = loss;
  for (ReadOp read : findTrainable(model, findProducers(Value(loss)))) {
    Expr weight(loss.builder(), read.getResult());
    if (weight.rank() < 2)
      continue;
    // Summed in the wider of the two types.
    Type element = loss.elementType();
    if (weight.elementType().getIntOrFloatBitWidth() <
        element.getIntOrFloatBitWidth())
      weight = cast(weight, element);
    auto add = [&](Expr penalty, double factor) {
      if (factor != 0)
        penalised = penalised + cast(penalty * factor, element);
    };
    add(sum(abs(weight)), l1);
    add(sum(weight * weight), l2);
  }
  return penalised;
}

void addPenalties(ModelOp model) {
  for (Operation &op : llvm::make_early_inc_range(getBody(model))) {
    // Of the same name another op may have anything.
    auto described = dyn_cast<Described>(op);
    if (!described || described.getSignature().category != Category::Loss)
      continue;
    double l1 = takeNumber(&op, "l1"), l2 = takeNumber(&op, "l2");
    if (l1 == 0 && l2 == 0)
      continue;
    Value loss = op.getResult(0);
    SmallVector<OpOperand *> uses = llvm::map_to_vector(
        loss.getUses(), [](OpOperand &use) { return &use; });
    OpBuilder builder(op.getContext());
    builder.setInsertionPointAfter(&op);
    ImplicitLocOpBuilder b(op.getLoc(), builder);
    Value penalised = buildPenalised(Expr(b, loss), l1, l2, model);
    for (OpOperand *use : uses)
      use->set(penalised);
  }
}

Value buildTotalLoss(ModelOp model, ArrayRef<LossOp> losses) {
  if (losses.empty())
    return {};
  OpBuilder builder = OpBuilder::atBlockEnd(&getBody(model));
  LossOp first = losses.front();
  ImplicitLocOpBuilder b(first.getLoc(), builder);
  Expr total(b, first.getValue());
  for (LossOp loss : losses.drop_front())
    total = total + cast(Expr(b, loss.getValue()), total.elementType());
  return total;
}

/// The argument of the model whose elements `value` holds, each of them,
/// converted or in another shape at most; null if it is computed otherwise. A
/// slice holds a part, and what limits a part says nothing of the rest.
static BlockArgument traceToArgument(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<CastOp, ReshapeOp, TransposeOp, BroadcastOp, FlattenOp>(op))
      return {};
    value = op->getOperand(0);
  }
  return llvm::cast<BlockArgument>(value);
}

Confusion findConfusion(ArrayRef<MetricOp> metrics, int64_t maxClasses) {
  for (MetricOp metric : metrics)
    if (Operation *op = metric.getValue().getDefiningOp()) {
      OpBuilder b(op);
      Expr counts = buildConfusion(b, op, maxClasses);
      if (!counts)
        continue;
      // Metrics of decisions take (prediction, target).
      BlockArgument labels = traceToArgument(op->getOperand(1));
      auto name =
          labels
              ? metric->getParentOfType<ModelOp>().getArgAttrOfType<StringAttr>(
                    labels.getArgNumber(), kNameAttr)
              : StringAttr();
      return {counts, name ? name.getValue() : ""};
    }
  return {};
}

void setIndexLimits(ModelOp model) {
  llvm::DenseMap<unsigned, int64_t> limits;
  for (Operation &op : getBody(model)) {
    auto limited = dyn_cast<IndexLimited>(op);
    if (!limited)
      continue;
    for (IndexLimit limit : limited.getIndexLimits()) {
      // A limit that is the batch is another for each run.
      if (ShapedType::isDynamic(limit.limit))
        continue;
      BlockArgument argument = traceToArgument(op.getOperand(limit.operand));
      if (!argument || !isa<IntegerType>(getElementTypeOrSelf(argument)))
        continue;
      auto [entry, isNew] =
          limits.insert({argument.getArgNumber(), limit.limit});
      entry->second = std::min(entry->second, limit.limit);
    }
  }
  Builder b(model.getContext());
  for (auto [index, limit] : limits)
    model.setArgAttr(index, kIndexLimitAttr, b.getI64IntegerAttr(limit));
}

} // namespace nnc
