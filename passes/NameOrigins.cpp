// A name is the metadata of a fused location, in a dictionary: what looks for a
// file and a line, or for a scope, passes through it.
#include "passes/NameOrigins.h"

#include "passes/Passes.h"

#include "ir/Ops.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_NAMEORIGINSPASS
#include "passes/Passes.h.inc"

static constexpr StringLiteral kOriginName = "origin";

StringRef originOf(Location location) {
  StringRef origin;
  location->walk([&](Location part) {
    auto fused = dyn_cast<FusedLoc>(part);
    auto metadata =
        fused ? dyn_cast_or_null<DictionaryAttr>(fused.getMetadata()) : nullptr;
    auto name =
        metadata ? metadata.getAs<StringAttr>(kOriginName) : StringAttr();
    if (!name)
      return WalkResult::advance();
    origin = name.getValue();
    return WalkResult::interrupt();
  });
  return origin;
}

static Location withOrigin(Location location, const Twine &origin) {
  Builder b(location.getContext());
  return FusedLoc::get(
      {location},
      b.getDictionaryAttr(b.getNamedAttr(kOriginName, b.getStringAttr(origin))),
      b.getContext());
}

Location gradientLocation(Operation *op) {
  StringRef origin = originOf(op->getLoc());
  return origin.empty() ? op->getLoc()
                        : withOrigin(op->getLoc(), "gradient of " + origin);
}

/// "log"; of an optimizer, which updates several parameters at one place,
/// "adam of 'w'".
static std::string nameOf(Operation *op) {
  std::string name = op->getName().stripDialect().str();
  auto read =
      isa<Optimizer>(op) ? op->getOperand(0).getDefiningOp<ReadOp>() : ReadOp();
  return read ? (name + " of '" + read.getParameter() + "'").str() : name;
}

namespace {
struct NameOriginsPass : impl::NameOriginsPassBase<NameOriginsPass> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      if (isa<Described>(op) && originOf(op->getLoc()).empty())
        op->setLoc(withOrigin(op->getLoc(), nameOf(op)));
    });
  }
};
} // namespace

} // namespace nnc
