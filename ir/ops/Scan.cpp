// Syntax, verification and simplification of loops over time.
#include "ir/Ops.h"
#include "ir/ScanBuilder.h"

#include "mlir/IR/PatternMatch.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace nnc;

/// The type of one step's slice of a tensor [steps, ..]; null for a scalar.
static RankedTensorType sliceType(RankedTensorType type) {
  if (type.getRank() == 0)
    return {};
  return RankedTensorType::get(type.getShape().drop_front(),
                               type.getElementType());
}

/// The type of all slices together.
static RankedTensorType stackedType(int64_t steps, RankedTensorType slice) {
  SmallVector<int64_t> shape = {steps};
  llvm::append_range(shape, slice.getShape());
  return RankedTensorType::get(shape, slice.getElementType());
}

void ScanOp::build(OpBuilder &builder, OperationState &state,
                   ValueRange carried, ValueRange over, ValueRange with,
                   TypeRange kept, int64_t steps, bool reverse) {
  state.addOperands(carried);
  state.addOperands(over);
  state.addOperands(with);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.num_carried = builder.getI64IntegerAttr(carried.size());
  properties.num_over = builder.getI64IntegerAttr(over.size());
  properties.steps = builder.getI64IntegerAttr(steps);
  if (reverse)
    properties.reverse = builder.getUnitAttr();
  state.addTypes(carried.getTypes());
  for (Type type : kept)
    state.addTypes(stackedType(steps, llvm::cast<RankedTensorType>(type)));
  Block &body = state.addRegion()->emplaceBlock();
  for (Value value : carried)
    body.addArgument(value.getType(), value.getLoc());
  for (Value value : over)
    body.addArgument(sliceType(llvm::cast<RankedTensorType>(value.getType())),
                     value.getLoc());
  for (Value value : with)
    body.addArgument(value.getType(), value.getLoc());
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

OperandRange ScanOp::getCarried() {
  return getOperands().take_front(getNumCarried());
}

OperandRange ScanOp::getOver() {
  return getOperands().slice(getNumCarried(), getNumOver());
}

OperandRange ScanOp::getWith() {
  return getOperands().drop_front(getNumCarried() + getNumOver());
}

Block::BlockArgListType ScanOp::getCarriedArguments() {
  return getBody().getArguments().take_front(getNumCarried());
}

Block::BlockArgListType ScanOp::getSlices() {
  return getBody().getArguments().slice(getNumCarried(), getNumOver());
}

Block::BlockArgListType ScanOp::getWithArguments() {
  return getBody().getArguments().drop_front(getNumCarried() + getNumOver());
}

YieldOp ScanOp::getYield() {
  return llvm::cast<YieldOp>(getBody().front().getTerminator());
}

OperandRange ScanOp::getNext() {
  return getYield().getValues().take_front(getNumCarried());
}

OperandRange ScanOp::getKept() {
  return getYield().getValues().drop_front(getNumCarried());
}

ResultRange ScanOp::getLast() {
  return getResults().take_front(getNumCarried());
}

ResultRange ScanOp::getStacked() {
  return getResults().drop_front(getNumCarried());
}

//===----------------------------------------------------------------------===//
// Syntax
//===----------------------------------------------------------------------===//

// nnc.scan carried(%argument = %operand, ..) over(..) with(..) steps = 10
//     reverse attributes {..} : (types) -> types { .. }
// Groups without operands are left out.
ParseResult ScanOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<int64_t> sizes;
  Builder &builder = parser.getBuilder();
  for (StringRef group : {"carried", "over", "with"}) {
    size_t before = operands.size();
    SmallVector<OpAsmParser::Argument> names;
    SmallVector<OpAsmParser::UnresolvedOperand> values;
    if (succeeded(parser.parseOptionalKeyword(group)) &&
        parser.parseAssignmentList(names, values))
      return failure();
    llvm::append_range(arguments, names);
    llvm::append_range(operands, values);
    sizes.push_back(operands.size() - before);
  }
  auto &properties = result.getOrAddProperties<Properties>();
  properties.num_carried = builder.getI64IntegerAttr(sizes[0]);
  properties.num_over = builder.getI64IntegerAttr(sizes[1]);
  IntegerAttr steps;
  FunctionType type;
  llvm::SMLoc start = parser.getCurrentLocation();
  if (parser.parseKeyword("steps") || parser.parseEqual() ||
      parser.parseAttribute(steps, builder.getI64Type()))
    return failure();
  properties.steps = steps;
  if (succeeded(parser.parseOptionalKeyword("reverse")))
    properties.reverse = builder.getUnitAttr();
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.parseColonType(type) ||
      parser.resolveOperands(operands, type.getInputs(), start,
                             result.operands))
    return failure();
  result.addTypes(type.getResults());
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    bool isSlice = int64_t(i) >= sizes[0] && int64_t(i) < sizes[0] + sizes[1];
    argument.type = type.getInput(i);
    auto tensor = llvm::dyn_cast<RankedTensorType>(argument.type);
    if (isSlice && tensor && tensor.getRank() > 0)
      argument.type = sliceType(tensor);
  }
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, arguments))
    return failure();
  ScanOp::ensureTerminator(*body, builder, result.location);
  return success();
}

void ScanOp::print(OpAsmPrinter &printer) {
  auto printGroup = [&](StringRef name, auto arguments, ValueRange operands) {
    if (operands.empty())
      return;
    printer << ' ' << name << '(';
    llvm::interleaveComma(
        llvm::zip_equal(arguments, operands), printer, [&](auto pair) {
          printer.printRegionArgument(std::get<0>(pair), {}, true);
          printer << " = " << std::get<1>(pair);
        });
    printer << ')';
  };
  printGroup("carried", getCarriedArguments(), getCarried());
  printGroup("over", getSlices(), getOver());
  printGroup("with", getWithArguments(), getWith());
  printer << " steps = " << getSteps();
  if (getReverse())
    printer << " reverse";
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getNumCarriedAttrName(), getNumOverAttrName(),
                            getStepsAttrName(), getReverseAttrName()});
  printer << " : ";
  printer.printFunctionalType(*this);
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

/// Checks the types of one argument of the region and of its operand.
static LogicalResult checkArgument(OpSite site, ScanOp scan, unsigned index) {
  Value operand = scan->getOperand(index);
  auto type = llvm::cast<RankedTensorType>(operand.getType());
  unsigned numCarried = scan.getNumCarried();
  bool isSlice = index >= numCarried && index < numCarried + scan.getNumOver();
  if (isSlice) {
    if (type.getRank() == 0 || type.getDimSize(0) != int64_t(scan.getSteps()))
      return site.error() << "goes over " << printType(type)
                          << ", whose first dimension is not its "
                          << scan.getSteps() << " steps";
    type = sliceType(type);
  }
  Type found = scan.getBody().getArgument(index).getType();
  if (found == type)
    return success();
  return site.error() << "argument " << index << " of the region is " << found
                      << ": expected " << type;
}

LogicalResult ScanOp::verify() {
  OpSite site(getLoc(), "scan");
  int64_t steps = getSteps();
  int64_t numCarried = getNumCarried(), numOver = getNumOver();
  if (numCarried < 0 || numOver < 0 || numCarried > int64_t(getNumOperands()) ||
      numOver > int64_t(getNumOperands()) - numCarried)
    return site.error() << "has " << getNumOperands() << " operands, of which "
                        << numCarried << " are carried and " << numOver
                        << " gone over";
  if (steps < 1 || steps > kMostSteps)
    return site.error() << "has " << steps << " steps: expected 1 to "
                        << kMostSteps;
  if (getBody().getNumArguments() != getNumOperands())
    return site.error() << "has " << getNumOperands()
                        << " operands, and its region "
                        << getBody().getNumArguments() << " arguments";
  for (unsigned i = 0, e = getNumOperands(); i < e; ++i)
    if (failed(checkArgument(site, *this, i)))
      return failure();
  // This runs before the region's own checks: it may end in anything.
  Block &body = getBody().front();
  auto yield = body.empty() ? YieldOp() : llvm::dyn_cast<YieldOp>(body.back());
  if (!yield)
    return site.error() << "the region does not end in nnc.yield";
  if (yield.getValues().size() != getNumResults())
    return site.error() << "has " << getNumResults()
                        << " results, and its region yields "
                        << yield.getValues().size() << " values";
  for (auto [i, value] : llvm::enumerate(yield.getValues())) {
    Type expected = value.getType();
    if (int64_t(i) >= numCarried)
      expected = stackedType(steps, llvm::cast<RankedTensorType>(expected));
    else if (expected != getCarried()[i].getType())
      return site.error() << "carries " << getCarried()[i].getType()
                          << " into the first step, and " << expected
                          << " into the next";
    if (getResult(i).getType() != expected)
      return site.error() << "result " << i << " is " << getResult(i).getType()
                          << ": expected " << expected;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Simplification
//===----------------------------------------------------------------------===//

/// Which operands and results of a loop stay.
namespace {
struct Parts {
  llvm::SmallBitVector operands, results;
};
} // namespace

/// A carried value stays if its last value is used, or if the region computes
/// of it what stays; a slice or a whole operand if the region reads it.
static Parts findUsedParts(ScanOp scan) {
  unsigned numCarried = scan.getNumCarried();
  Parts parts{llvm::SmallBitVector(scan->getNumOperands()),
              llvm::SmallBitVector(scan->getNumResults())};
  llvm::DenseSet<Value> live;
  SmallVector<Value> worklist;
  auto need = [&](Value value) {
    if (live.insert(value).second)
      worklist.push_back(value);
  };
  auto keepResult = [&](unsigned index) {
    parts.results.set(index);
    need(scan.getYield().getValues()[index]);
  };
  for (OpResult result : scan->getResults())
    if (!result.use_empty())
      keepResult(result.getResultNumber());
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (auto argument = llvm::dyn_cast<BlockArgument>(value)) {
      parts.operands.set(argument.getArgNumber());
      if (argument.getArgNumber() < numCarried &&
          !parts.results.test(argument.getArgNumber()))
        keepResult(argument.getArgNumber());
      continue;
    }
    for (Value operand : value.getDefiningOp()->getOperands())
      need(operand);
  }
  // One that only its own last value needs is still a carried value.
  for (unsigned i = 0; i < numCarried; ++i)
    if (parts.results.test(i))
      parts.operands.set(i);
  return parts;
}

/// Rebuilds `scan` with what stays.
static void keepParts(ScanOp scan, const Parts &parts,
                      PatternRewriter &rewriter) {
  auto pick = [&](auto range, unsigned first) {
    SmallVector<Value> kept;
    for (auto [i, value] : llvm::enumerate(range))
      if (parts.operands.test(first + i))
        kept.push_back(value);
    return kept;
  };
  unsigned numCarried = scan.getNumCarried(), numOver = scan.getNumOver();
  SmallVector<Type> keptTypes;
  SmallVector<Value> yielded;
  for (auto [i, value] : llvm::enumerate(scan.getYield().getValues())) {
    if (!parts.results.test(i))
      continue;
    yielded.push_back(value);
    if (i >= numCarried)
      keptTypes.push_back(value.getType());
  }
  auto slim =
      ScanOp::create(rewriter, scan.getLoc(), pick(scan.getCarried(), 0),
                     pick(scan.getOver(), numCarried),
                     pick(scan.getWith(), numCarried + numOver), keptTypes,
                     scan.getSteps(), scan.getReverse());
  slim->setDiscardableAttrs(llvm::to_vector(scan->getDiscardableAttrs()));

  Block &body = scan.getBody().front();
  rewriter.modifyOpInPlace(scan.getYield(),
                           [&] { scan.getYield()->setOperands(yielded); });
  SmallVector<Value> replacements;
  unsigned next = 0;
  for (unsigned i = 0, e = scan->getNumOperands(); i < e; ++i)
    replacements.push_back(parts.operands.test(i)
                               ? Value(slim.getBody().getArgument(next++))
                               : Value());
  // Dead ops may still use what goes.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      rewriter.eraseOp(&op);
  for (auto [argument, replacement] :
       llvm::zip_equal(body.getArguments(), replacements))
    if (replacement)
      rewriter.replaceAllUsesWith(argument, replacement);
  Block &slimBody = slim.getBody().front();
  slimBody.getOperations().splice(slimBody.end(), body.getOperations());
  next = 0;
  for (unsigned i = 0, e = scan->getNumResults(); i < e; ++i)
    if (parts.results.test(i))
      rewriter.replaceAllUsesWith(scan->getResult(i), slim->getResult(next++));
  rewriter.eraseOp(scan);
}

LogicalResult ScanOp::canonicalize(ScanOp scan, PatternRewriter &rewriter) {
  Parts parts = findUsedParts(scan);
  if (parts.operands.all() && parts.results.all())
    return failure();
  keepParts(scan, parts, rewriter);
  return success();
}
