// Parameters that products read in 16 bits, kept in them beside what the
// optimizer updates: a cast a step and parameter would read all of it again.
#include "passes/EntryPoints.h"
#include "passes/Passes.h"
#include "passes/StepState.h"

#include "ir/Ops.h"
#include "ir/Shapes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_KEEPROUNDEDPASS
#include "passes/Passes.h.inc"

namespace {
/// The copies of a module's parameters.
class RoundedCopies {
public:
  explicit RoundedCopies(ModuleOp module) : module(module), symbols(module) {}

  void run();

private:
  void find(func::FuncOp train);
  void declare(ParameterOp parameter, FloatType type);
  void readFrom(ReadOp read, ParameterOp copy);
  void write(AssignOp assign, ParameterOp copy);

  ModuleOp module;
  SymbolTable symbols;
  llvm::MapVector<StringRef, ParameterOp> copies;
};
} // namespace

/// The type of fewer bits that `op` rounds a float to; null if it does not.
static FloatType roundedTypeOf(Operation *op) {
  auto cast = dyn_cast<CastOp>(op);
  if (!cast)
    return {};
  auto from = dyn_cast<FloatType>(getElementTypeOrSelf(cast.getX())),
       to = dyn_cast<FloatType>(getElementTypeOrSelf(cast.getY()));
  return from && to && to.getWidth() < from.getWidth() ? to : FloatType();
}

/// Declares a copy of each parameter that a training step rounds.
void RoundedCopies::find(func::FuncOp train) {
  for (ReadOp read : train.getOps<ReadOp>()) {
    auto parameter = symbols.lookup<ParameterOp>(read.getParameter());
    if (parameter.getRole() != Role::parameter ||
        copies.contains(parameter.getSymName()))
      continue;
    for (Operation *user : read->getUsers())
      if (FloatType type = roundedTypeOf(user)) {
        declare(parameter, type);
        break;
      }
  }
}

/// A program's own state keeps its name; that parameter then has no copy.
void RoundedCopies::declare(ParameterOp parameter, FloatType type) {
  std::string name =
      (parameter.getSymName() + "." + printElementType(type)).str();
  if (symbols.lookup(name))
    return;
  OpBuilder b(parameter->getContext());
  b.setInsertionPointAfter(parameter);
  auto shape = cast<RankedTensorType>(parameter.getType());
  auto copy = ParameterOp::create(
      b, parameter.getLoc(), b.getStringAttr(name),
      TypeAttr::get(shape.clone(type)),
      InitializerAttr::get(b.getContext(), b.getStringAttr("zeros"),
                           b.getDictionaryAttr({})),
      RoleAttr::get(b.getContext(), Role::optimizer_state));
  copy->setAttr(kRoundedFromAttr, FlatSymbolRefAttr::get(parameter));
  symbols.insert(copy);
  copies[parameter.getSymName()] = copy;
}

/// Has what rounds `read` read the copy.
void RoundedCopies::readFrom(ReadOp read, ParameterOp copy) {
  Value rounded;
  for (Operation *user : llvm::make_early_inc_range(read->getUsers())) {
    if (roundedTypeOf(user) != getElementTypeOrSelf(copy.getType()))
      continue;
    if (!rounded) {
      OpBuilder b(read);
      rounded =
          ReadOp::create(b, read.getLoc(), copy.getType(), copy.getSymName());
    }
    user->replaceAllUsesWith(ValueRange(rounded));
    user->erase();
  }
}

void RoundedCopies::write(AssignOp assign, ParameterOp copy) {
  OpBuilder b(assign->getContext());
  b.setInsertionPointAfter(assign);
  Type type = getElementTypeOrSelf(copy.getType());
  Value rounded = CastOp::create(b, assign.getLoc(), assign.getValue(),
                                 TypeAttr::get(type));
  AssignOp::create(b, assign.getLoc(), FlatSymbolRefAttr::get(copy), rounded);
}

void RoundedCopies::run() {
  for (auto function : module.getOps<func::FuncOp>())
    if (trains(function))
      find(function);
  for (auto function : module.getOps<func::FuncOp>()) {
    for (ReadOp read : llvm::to_vector(function.getOps<ReadOp>()))
      if (ParameterOp copy = copies.lookup(read.getParameter()))
        readFrom(read, copy);
    for (AssignOp assign : llvm::to_vector(function.getOps<AssignOp>()))
      if (ParameterOp copy = copies.lookup(assign.getParameter()))
        write(assign, copy);
  }
}

namespace {
struct KeepRoundedPass : impl::KeepRoundedPassBase<KeepRoundedPass> {
  void runOnOperation() override { RoundedCopies(getOperation()).run(); }
};
} // namespace

} // namespace nnc
