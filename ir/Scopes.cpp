// A scope is the metadata of a fused location: what prints and reads locations
// keeps it, and what looks for a file and a line passes through it.
#include "ir/Scopes.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

namespace nnc {

/// The scope of `location` itself, null where it has none.
static StringAttr ownScope(Location location) {
  auto fused = dyn_cast<FusedLoc>(location);
  bool isScope = fused && fused.getLocations().size() == 1;
  return isScope ? dyn_cast_or_null<StringAttr>(fused.getMetadata())
                 : StringAttr();
}

Location withoutScope(Location location) {
  return ownScope(location) ? cast<FusedLoc>(location).getLocations().front()
                            : location;
}

Location withScope(Location location, StringRef scope) {
  Location inner = withoutScope(location);
  MLIRContext *context = location.getContext();
  if (scope.empty())
    return inner;
  return FusedLoc::get({inner}, StringAttr::get(context, scope), context);
}

StringRef scopeOf(Location location) {
  StringRef scope;
  location->walk([&](Location part) {
    StringAttr own = ownScope(part);
    if (!own)
      return WalkResult::advance();
    scope = own.getValue();
    return WalkResult::interrupt();
  });
  return scope;
}

} // namespace nnc
