// Tokens to a tree. An error ends its statement, not the file.
#ifndef NNC_FRONTEND_DSL_PARSE_H
#define NNC_FRONTEND_DSL_PARSE_H

#include "frontend/dsl/Ast.h"

namespace nnc::dsl {

class Diagnostics;

/// Parses a whole file. What could not be parsed is reported and left out; the
/// caller asks `diagnostics` whether the rest may be believed.
Program parse(StringRef source, Diagnostics &diagnostics);

/// Parses one expression, as given to `--set NAME=VALUE`. Null after an error.
ExpressionPtr parseExpression(StringRef source, Diagnostics &diagnostics);

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_PARSE_H
