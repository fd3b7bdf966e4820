// The tensors that ops accept. docs/architecture.md, section 1, has the reasons.
#ifndef NNC_TYPES_TD
#define NNC_TYPES_TD

include "mlir/IR/OpBase.td"

// At most one `?` (the batch), no empty dimension, a size that fits a plan.
defvar Nnc_SupportedSize = [CPred<"::nnc::hasSupportedSize($_self)">];

class Nnc_TensorOf<list<Type> elements, string summary>
    : RankedTensorOf<elements, Nnc_SupportedSize, summary>;
class Nnc_ScalarOf<list<Type> elements, string summary>
    : RankedTensorOf<elements, [HasAnyRankOfPred<[0]>], summary>;

defvar Nnc_FloatElements = [F16, BF16, F32, F64];
defvar Nnc_IntegerElements = [I32, I64, UI8];
// ui32 exists inside random number generation only.
defvar Nnc_NumericElements = Nnc_FloatElements # Nnc_IntegerElements # [UI32];

def Nnc_FloatTensor : Nnc_TensorOf<Nnc_FloatElements, "tensor">;
def Nnc_IntegerTensor : Nnc_TensorOf<Nnc_IntegerElements, "tensor">;
def Nnc_NumericTensor : Nnc_TensorOf<Nnc_NumericElements, "tensor">;
def Nnc_BoolTensor : Nnc_TensorOf<[I1], "tensor">;
def Nnc_BitsTensor : Nnc_TensorOf<[UI32], "tensor">;
def Nnc_Tensor : Nnc_TensorOf<Nnc_NumericElements # [I1], "tensor">;

def Nnc_FloatScalar : Nnc_ScalarOf<Nnc_FloatElements, "scalar tensor">;
def Nnc_CountScalar : Nnc_ScalarOf<[I64], "scalar tensor">;

#endif // NNC_TYPES_TD
