// A context for many inputs, and what was reported about the last.
#ifndef NNC_TEST_FUZZ_FUZZCONTEXT_H
#define NNC_TEST_FUZZ_FUZZCONTEXT_H

#include "ir/Dialect.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <memory>
#include <string>

namespace nnc::fuzz {

/// A context without threads. It is made anew from time to time, since it keeps
/// every attribute that it has seen.
inline mlir::MLIRContext &freshContext() {
  constexpr unsigned kInputsEach = 256;
  static std::unique_ptr<mlir::MLIRContext> context;
  static unsigned count = 0;
  if (count++ % kInputsEach == 0) {
    mlir::DialectRegistry registry;
    registerDialect(registry);
    context = std::make_unique<mlir::MLIRContext>(
        registry, mlir::MLIRContext::Threading::DISABLED);
    context->loadAllAvailableDialects();
  }
  return *context;
}

/// Counts errors while it lives, keeps the last, and prints nothing.
class Errors : public mlir::ScopedDiagnosticHandler {
public:
  explicit Errors(mlir::MLIRContext *context)
      : ScopedDiagnosticHandler(context, [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
            return mlir::success();
          ++count;
          last = diagnostic.str();
          return mlir::success();
        }) {}

  unsigned count = 0;
  std::string last;
};

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_FUZZCONTEXT_H
