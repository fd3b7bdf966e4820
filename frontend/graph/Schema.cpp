// Element types and names of the schema, as those of the dialect and back.
#include "frontend/graph/Schema.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::graph {

Type toElementType(ElementType type, MLIRContext *context) {
  Builder builder(context);
  switch (type) {
  case ElementType::F32:
    return builder.getF32Type();
  case ElementType::F64:
    return builder.getF64Type();
  case ElementType::F16:
    return builder.getF16Type();
  case ElementType::BF16:
    return builder.getBF16Type();
  case ElementType::I32:
    return builder.getI32Type();
  case ElementType::I64:
    return builder.getI64Type();
  case ElementType::U8:
    return builder.getIntegerType(8, /*isSigned=*/false);
  case ElementType::Bool:
    return builder.getI1Type();
  case ElementType::U32:
    return builder.getIntegerType(32, /*isSigned=*/false);
  }
  return {};
}

std::optional<ElementType> fromElementType(Type type) {
  for (ElementType candidate : EnumValuesElementType())
    if (toElementType(candidate, type.getContext()) == type)
      return candidate;
  return std::nullopt;
}

StringRef shortName(StringRef fullName) {
  fullName.consume_front("nnc.");
  return fullName;
}

std::string keywordOf(mlir::Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  return StringRef(text).split('<').second.drop_back().str();
}

bool isStatement(StringRef fullName) {
  static constexpr StringRef names[] = {"nnc.read",   "nnc.loss",  "nnc.metric",
                                        "nnc.output", "nnc.fused", "nnc.scan",
                                        "nnc.yield"};
  return llvm::is_contained(names, fullName);
}

} // namespace nnc::graph
