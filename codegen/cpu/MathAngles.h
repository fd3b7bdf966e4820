// Sine and cosine in f64, as arithmetic.
#ifndef NNC_CODEGEN_CPU_MATHANGLES_H
#define NNC_CODEGEN_CPU_MATHANGLES_H

#include "codegen/cpu/MathReals.h"

namespace nnc {

/// 2 ulp, for |x| <= 2^20 relative to max(|sin x|, 2^-53 |x|).
reals::Real sinF64(reals::Real x);
reals::Real cosF64(reals::Real x);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_MATHANGLES_H
