// What --check-numerics has found, in words.
#ifndef NNC_TOOLS_NUMERICSTEXT_H
#define NNC_TOOLS_NUMERICSTEXT_H

#include "runtime/Numerics.h"
#include "runtime/Plan.h"

#include <string>

namespace nnc::tools {

/// "inf first comes from exp at net.nn:3:7 (kernel exp_Bx4.rows), in 2 of 32
/// elements,
/// ...".
/// Empty where all numbers were finite.
std::string describe(const runtime::Numerics &found, const runtime::Plan &plan,
                     const runtime::EntryPoint &entry);

} // namespace nnc::tools

#endif // NNC_TOOLS_NUMERICSTEXT_H
