// How long a part of a schedule is: so many steps, so many epochs, or a share
// of the run.
#ifndef NNC_IR_LENGTH_H
#define NNC_IR_LENGTH_H

#include "mlir/IR/BuiltinAttributes.h"

#include <optional>

namespace nnc {

struct Length {
  enum class Unit { Steps, Epochs, Run };
  double amount = 0;
  Unit unit = Unit::Steps;
};

/// Reads an integer of steps, or the text of another length: "2 epochs",
/// "0.1 run", of which the one is at least 0 and below 2^31, the other from 0
/// to 1. Nothing where `value` is no length.
std::optional<Length> parseLength(mlir::Attribute value);

bool isLength(mlir::Attribute value);
/// Whether it is an array of lengths, with at least one.
bool isListOfLengths(mlir::Attribute value);

/// Whether it is no number of steps: only a run knows how many it means.
bool isOfRun(mlir::Attribute length);

// What defaults of attributes are written with.
mlir::Attribute makeLength(mlir::MLIRContext *context, int64_t steps);
mlir::Attribute makeLength(mlir::MLIRContext *context, llvm::StringRef text);

} // namespace nnc

#endif // NNC_IR_LENGTH_H
