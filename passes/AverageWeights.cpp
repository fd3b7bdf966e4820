// Averages of weights: their state, and how a training step moves them.
#include "passes/AverageWeights.h"

#include "passes/EntryPoints.h"
#include "passes/Passes.h"
#include "passes/StepState.h"

#include "ir/Expr.h"
#include "ir/Length.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"

#include <cmath>

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_AVERAGEWEIGHTSPASS
#include "passes/Passes.h.inc"

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

/// What has an average, with the scalars that count its updates.
using Averaged = llvm::MapVector<ParameterOp, SmallVector<Attribute>>;

/// Adds what the training step `train` changes.
static void findAveraged(func::FuncOp train, const SymbolTable &symbols,
                         Averaged &averaged) {
  auto add = [&](ParameterOp parameter, StringRef counter) {
    averaged[parameter].push_back(
        FlatSymbolRefAttr::get(train.getContext(), counter));
  };
  // All updates of a step have the same count.
  StringRef counter = kStepName;
  if (train.getName() != kTrainStepName)
    counter =
        (*train.getOps<OptimizeOp>().begin()).getCounter().value_or(kStepName);
  for (OptimizeOp op : train.getOps<OptimizeOp>())
    for (auto symbol : op.getParameters().getAsRange<FlatSymbolRefAttr>())
      add(symbols.lookup<ParameterOp>(symbol.getAttr()), counter);
  llvm::SmallPtrSet<Operation *, 8> seen;
  for (ReadOp read : train.getOps<ReadOp>()) {
    auto buffer = symbols.lookup<ParameterOp>(read.getParameter());
    if (buffer.getRole() == Role::buffer && !buffer.isFrozen() &&
        isa<FloatType>(getElementTypeOrSelf(buffer.getType())) &&
        seen.insert(buffer).second)
      add(buffer, counter);
  }
}

/// Has the average of `parameter` begin with its initial value.
static void initialize(ParameterOp parameter, ParameterOp average,
                       const SymbolTable &symbols) {
  auto init = symbols.lookup<func::FuncOp>(kInitName);
  for (AssignOp assign : init.getOps<AssignOp>())
    if (assign.getParameter() == average.getSymName())
      for (AssignOp first : init.getOps<AssignOp>())
        if (first.getParameter() == parameter.getSymName())
          assign.getValueMutable().set(first.getValue());
}

LogicalResult declareAverages(ModelOp model) {
  auto module = model->getParentOfType<ModuleOp>();
  SymbolTable symbols(module);
  if (!model.getRecipe().getAverage())
    return success();
  Averaged averaged;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.getOps<OptimizeOp>().empty())
      findAveraged(function, symbols, averaged);
  llvm::StringMap<std::string> names;
  for (auto &[parameter, counters] : averaged) {
    std::string name = (parameter.getSymName() + ".average").str();
    FailureOr<ParameterOp> average = declareZeros(
        parameter, name, cast<RankedTensorType>(parameter.getType()),
        Role::optimizer_state, symbols);
    if (failed(average))
      return failure();
    (*average)->setAttr(kAverageOfAttr, FlatSymbolRefAttr::get(parameter));
    (*average)->setAttr(kCountersAttr,
                        ArrayAttr::get(model.getContext(), counters));
    initialize(parameter, *average, symbols);
    names[parameter.getSymName()] = name;
  }
  for (auto function : module.getOps<func::FuncOp>())
    if (!function->hasAttr(kTrainingAttr) && function.getName() != kInitName)
      function.walk([&](ReadOp read) {
        if (auto found = names.find(read.getParameter()); found != names.end())
          read.setParameter(found->second);
      });
  return success();
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

namespace {
/// Moves the averages of one training step, at its end.
class Averages {
public:
  Averages(func::FuncOp function, const RecipeAverage &rule,
           const SymbolTable &symbols)
      : rule(rule), symbols(symbols), builder(function.front().getTerminator()),
        b(function.getLoc(), builder) {}

  void move(ParameterOp average, Value value);

private:
  /// The value before the step, which has assigned it by now: its read at the
  /// top.
  Expr read(StringRef name, Type type) {
    OpBuilder atBegin = OpBuilder::atBlockBegin(b.getInsertionBlock());
    return Expr(b, ReadOp::create(atBegin, b.getLoc(), type, name));
  }
  Expr readSum(ArrayRef<std::string> names);
  Expr weightOf(ArrayAttr counters);

  RecipeAverage rule;
  const SymbolTable &symbols;
  OpBuilder builder;
  ImplicitLocOpBuilder b;
  DenseMap<Attribute, Expr> weights;
};
} // namespace

/// The sum of scalars that count.
Expr Averages::readSum(ArrayRef<std::string> names) {
  Expr total;
  for (const std::string &name : names) {
    Expr count = cast(read(name, RankedTensorType::get({}, b.getI64Type())),
                      b.getF32Type());
    total = total ? total + count : count;
  }
  return total;
}

/// How much of the new value goes into an average whose updates `counters`
/// count. The t-th value has (1 - decay) / (1 - decay^t), or 1 / t of a mean
/// in which all count alike: the first all of it, so that no zeros are averaged
/// in. So has every value before the average begins.
Expr Averages::weightOf(ArrayAttr counters) {
  Expr &weight = weights[counters];
  if (weight)
    return weight;
  SmallVector<std::string> names, units;
  Length from = *parseLength(rule.from);
  for (auto counter : counters.getAsRange<FlatSymbolRefAttr>()) {
    names.push_back(counter.getValue().str());
    units.push_back(runScalarNameOf(
        names.back(),
        from.unit == Length::Unit::Run ? kRunStepsName : kStepsPerEpochName,
        symbols));
  }
  Expr t = readSum(names) + 1.0;
  if (from.unit == Length::Unit::Steps) {
    if (from.amount > 0)
      t = t - from.amount;
  } else {
    Expr unit = readSum(units);
    t = select(unit > 0.0, t - round(unit * from.amount), 1.0);
  }
  t = maximum(t, 1.0);
  weight = 1.0 / t;
  if (rule.decay)
    weight = (1.0 - *rule.decay) / -expm1(t * std::log(*rule.decay));
  // 1 exactly, so that what is copied keeps its bits.
  return weight = select(t > 1.0, weight, 1.0);
}

void Averages::move(ParameterOp average, Value value) {
  auto counters = average->getAttrOfType<ArrayAttr>(kCountersAttr);
  Type element = getElementTypeOrSelf(average.getType());
  Expr weight = weightOf(counters);
  Expr old = read(average.getSymName(), average.getType());
  Expr kept = old * cast(1.0 - weight, element);
  AssignOp::create(b, FlatSymbolRefAttr::get(average),
                   kept + Expr(b, value) * cast(weight, element));
}

namespace {
struct AverageWeightsPass : impl::AverageWeightsPassBase<AverageWeightsPass> {
  void runOnOperation() override {
    std::optional<RecipeAverage> rule = getRecipe(getOperation()).getAverage();
    llvm::StringMap<ParameterOp> averages;
    for (auto parameter : getOperation().getOps<ParameterOp>())
      if (auto of = parameter->getAttrOfType<FlatSymbolRefAttr>(kAverageOfAttr))
        averages[of.getValue()] = parameter;
    if (!rule || averages.empty())
      return;
    SymbolTable symbols(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      // What only accumulates has changed no weight.
      if (!trains(function) || function->hasAttr(kAccumulatesAttr))
        continue;
      Averages steps(function, *rule, symbols);
      for (AssignOp assign : llvm::to_vector(function.getOps<AssignOp>()))
        if (auto found = averages.find(assign.getParameter());
            found != averages.end())
          steps.move(found->second, assign.getValue());
    }
  }
};
} // namespace

} // namespace nnc
