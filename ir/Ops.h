// The classes of the nnc dialect's ops, generated from the records in ir/ops.
#ifndef NNC_IR_OPS_H
#define NNC_IR_OPS_H

#include "ir/Dialect.h"
#include "ir/Shapes.h"

#define GET_OP_CLASSES
#include "ir/Ops.h.inc"

#endif // NNC_IR_OPS_H
