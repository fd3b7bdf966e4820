// The classes of the dialect `extra`.
#ifndef EXTRA_OPS_H
#define EXTRA_OPS_H

#include <nnc/compiler/ir/Dialect.h>
#include <nnc/compiler/ir/Shapes.h>

#include "Dialect.h.inc"
#define GET_OP_CLASSES
#include "Ops.h.inc"

#endif // EXTRA_OPS_H
