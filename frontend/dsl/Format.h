// A program in the one style that programs are written in.
#ifndef NNC_FRONTEND_DSL_FORMAT_H
#define NNC_FRONTEND_DSL_FORMAT_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace nnc::dsl {

class Diagnostics;

/// `source` with the blanks, indentation and empty lines of the one style.
/// Where lines end is the author's choice, and comments stay as they are: the
/// tokens are the same. What has been formatted stays as it is.
///
/// Nothing, after errors, if the source is not grammatical.
std::optional<std::string> format(llvm::StringRef source,
                                  Diagnostics &diagnostics);

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_FORMAT_H
