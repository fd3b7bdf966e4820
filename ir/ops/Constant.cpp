// A constant folds to its value.
#include "ir/Ops.h"

using namespace mlir;
using namespace nnc;

OpFoldResult ConstantOp::fold(FoldAdaptor adaptor) { return getValue(); }
