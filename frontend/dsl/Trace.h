// What an evaluation finds on its way, for who shows a program to its author.
#ifndef NNC_FRONTEND_DSL_TRACE_H
#define NNC_FRONTEND_DSL_TRACE_H

#include "frontend/dsl/Ast.h"
#include "frontend/dsl/Datum.h"

#include "mlir/IR/BuiltinTypes.h"

namespace nnc::dsl {

/// Told everything as often as it is evaluated: a function's body at every
/// call.
class Trace {
public:
  virtual ~Trace() = default;

  /// `name`, as it stands in the source, is worth `value` there.
  virtual void named(StringRef name, const Datum &value) = 0;
  /// `call` has given `value`.
  virtual void called(const CallExpr &call, const Datum &value) = 0;
  /// What stands at `loc`, a call of a layer or a `param`, uses the parameter
  /// `path`.
  virtual void usesParameter(SMLoc loc, StringRef path,
                             mlir::RankedTensorType type) = 0;
};

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_TRACE_H
