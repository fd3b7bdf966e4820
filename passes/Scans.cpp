// Loops over time with more operands and results than they had.
#include "passes/Scans.h"

using namespace mlir;

namespace nnc {

ScanOp extendScan(ScanOp scan, const ScanParts &more) {
  OpBuilder builder(scan);
  auto join = [](ValueRange own, ArrayRef<Value> added) {
    SmallVector<Value> all(own);
    llvm::append_range(all, added);
    return all;
  };
  SmallVector<Value> yielded = join(scan.getYield().getValues(), more.kept);
  SmallVector<Type> kept;
  for (Value value : ArrayRef(yielded).drop_front(scan.getNumCarried()))
    kept.push_back(value.getType());
  auto extended = ScanOp::create(builder, scan.getLoc(), scan.getCarried(),
                                 join(scan.getOver(), more.over),
                                 join(scan.getWith(), more.with), kept,
                                 scan.getSteps(), scan.getReverse());
  extended->setDiscardableAttrs(llvm::to_vector(scan->getDiscardableAttrs()));

  auto replaceArguments = [](auto from, auto to) {
    for (auto [argument, replacement] : llvm::zip(from, to))
      argument.replaceAllUsesWith(replacement);
  };
  scan.getYield()->setOperands(yielded);
  replaceArguments(scan.getCarriedArguments(), extended.getCarriedArguments());
  replaceArguments(scan.getSlices(), extended.getSlices());
  replaceArguments(scan.getWithArguments(), extended.getWithArguments());
  Block &body = extended.getBody().front();
  body.getOperations().splice(body.end(),
                              scan.getBody().front().getOperations());
  for (auto [result, replacement] :
       llvm::zip(scan->getResults(), extended->getResults()))
    result.replaceAllUsesWith(replacement);
  scan.erase();
  return extended;
}

bool isCheap(Operation *op) {
  auto constant = dyn_cast<ConstantOp>(op);
  return isa<AddOp, SubOp, MulOp, NegOp, AbsOp, MaximumOp, MinimumOp, CompareOp,
             SelectOp, LogicalAndOp, LogicalOrOp, LogicalNotOp, CastOp,
             BroadcastOp, ReshapeOp>(op) ||
         (constant && isa<SplatElementsAttr>(constant.getValue()));
}

} // namespace nnc
