// Every op of the dialect: one include a family.
#ifndef NNC_OPS_TD
#define NNC_OPS_TD

include "ir/Dialect.td"
include "ir/Attributes.td"
include "ir/Types.td"
include "ir/ops/Elementwise.td"

#endif // NNC_OPS_TD
