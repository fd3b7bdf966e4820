// What the checks of a recipe's parts share. Private to Recipe.cpp and
// RecipeGroups.cpp.
#ifndef NNC_IR_RECIPECHECKS_H
#define NNC_IR_RECIPECHECKS_H

#include "ir/Recipe.h"
#include "ir/Signature.h"

#include <string>

namespace nnc::recipe {

/// Each pattern is matched with each parameter, and each update asked for each:
/// without limits a small file could keep the compiler busy for minutes.
inline constexpr size_t kMostPatterns = 256;
inline constexpr size_t kMostUpdates = 256;

/// A value in a message.
std::string describe(mlir::Attribute value);

std::string mustBe(const SettingInfo &info, mlir::Attribute value);

/// How many there are of what there may not be so many of.
std::string foundOf(mlir::ArrayAttr list);

bool isListOfStrings(mlir::Attribute value);

/// Null where no op of `category` is called so. Loads no dialect: a recipe is
/// verified while passes run.
const Signature *findSignature(mlir::MLIRContext *context, llvm::StringRef name,
                               Category category);

/// What is wrong with a dictionary that names an op of `category`, which is
/// called `what`; `own` are its entries that are no attributes of the op.
std::string explainCall(mlir::Attribute value, Category category,
                        llvm::StringRef what,
                        llvm::ArrayRef<llvm::StringRef> own);

std::string explainGroups(const SettingInfo &info, mlir::Attribute value);
std::string explainAverage(const SettingInfo &info, mlir::Attribute value);

} // namespace nnc::recipe

#endif // NNC_IR_RECIPECHECKS_H
