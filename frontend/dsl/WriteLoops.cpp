// Calls of scan, and the functions that are their cells.
#include "frontend/dsl/ProgramWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc::dsl {

/// The operands that are no parameters of the cell's own scope: those are made
/// in it.
static bool isOfCell(Value value, StringRef path, ModuleOp module) {
  ParameterOp parameter = parameterOf(value, module);
  return parameter && isBelow(parameter.getSymName(), path);
}

/// A scope that nothing is in where the cell has none.
static std::string pathOfCell(StringRef scope, StringRef part) {
  std::string name = part.empty() ? "<cell>" : part.str();
  return scope.empty() ? name : (scope + "." + name).str();
}

SmallVector<Value> listLoopOperands(const Item &item, StringRef scope,
                                    ModuleOp module) {
  auto scan = cast<ScanOp>(item.core);
  std::string path = pathOfCell(scope, item.cell);
  SmallVector<Value> values(scan.getOver());
  llvm::append_range(values, scan.getCarried());
  for (Value shared : scan.getWith())
    if (!isOfCell(shared, path, module))
      values.push_back(shared);
  return values;
}

FailureOr<std::string> ProgramWriter::writeCell(ScanOp scan, StringRef scope,
                                                StringRef part) {
  std::string path = pathOfCell(scope, part);
  BodyWriter body(*this, path);
  SmallVector<Value> arguments(scan.getSlices());
  llvm::append_range(arguments, scan.getCarriedArguments());
  for (auto [argument, shared] :
       llvm::zip_equal(scan.getWithArguments(), scan.getWith()))
    if (!isOfCell(shared, path, module))
      arguments.push_back(argument);
  WrittenFunction function;
  llvm::StringSet<> taken;
  for (Value argument : arguments) {
    function.parameters.push_back(body.newName(taken));
    taken.insert(function.parameters.back());
    body.name(argument, function.parameters.back());
  }
  SmallVector<Operation *> ops;
  for (Operation &op : scan.getBody().front().without_terminator())
    if (!isa<ConstantOp>(op))
      ops.push_back(&op);
  // What is not said to be kept is: the states.
  SmallVector<Value> returned(scan.getNext());
  if (SmallVector<Value>(scan.getKept()) != returned)
    llvm::append_range(returned, scan.getKept());
  if (failed(body.write(ops, returned)))
    return failure();
  function.body = std::move(body.text);
  FailureOr<FunctionCall> call = addFunction(
      part.empty() ? "cell" : part.split('.').first, part.empty() ? "" : path,
      std::move(function), /*isCell=*/true);
  if (failed(call))
    return failure();
  return call->name;
}

FailureOr<BodyWriter::Expression>
BodyWriter::spellLoop(const Item &item, ArrayRef<Operand> operands) {
  auto scan = cast<ScanOp>(item.core);
  if (scan.getCarried().empty() || scan.getKept().empty())
    return program.refuse(scan.getLoc(), "a loop that has no states, or keeps "
                                         "nothing of its steps,");
  SmallVector<Value> values = listLoopOperands(item, scope, program.module);
  for (auto [value, operand] : llvm::zip_equal(values, operands))
    if (operand.isLiteral && !getElementTypeOrSelf(value.getType()).isF32())
      return program.refuse(scan.getLoc(), "a constant of no f32 in a loop");
  FailureOr<std::string> cell = program.writeCell(scan, scope, item.cell);
  if (failed(cell))
    return failure();
  // A list of numbers would be a list of states.
  auto spellAll = [&](ArrayRef<Operand> some) {
    auto texts =
        llvm::map_range(some, [](const Operand &one) { return one.text; });
    std::string list = llvm::join(texts, ", ");
    bool isAlone = some.size() == 1 && StringRef(list).front() != '[';
    return isAlone ? list : "[" + list + "]";
  };
  std::string text = "scan(" + *cell;
  size_t numOver = scan.getOver().size(), numStates = scan.getCarried().size();
  if (numOver)
    text += ", over = " + spellAll(operands.take_front(numOver));
  text += ", from = " + spellAll(operands.slice(numOver, numStates));
  if (!numOver)
    text += ", steps = " + std::to_string(scan.getSteps());
  if (ArrayRef<Operand> shared = operands.drop_front(numOver + numStates);
      !shared.empty())
    text += ", shared = " + spellAll(shared);
  if (item.axis != 1)
    text += ", axis = " + std::to_string(item.axis);
  if (scan.getReverse())
    text += ", reverse = true";
  text += ")";
  if (!item.cell.empty())
    text += " as " + spellScope(item.cell);
  constexpr unsigned kAtom = 10;
  return Expression{scan.getResult(0), text, kAtom, {}};
}

} // namespace nnc::dsl
