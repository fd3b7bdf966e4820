// Shape rules of random ops, layers and optimizers.
// Dimensions are int64_t; ShapedType::kDynamic is the batch.
#include "ir/ShapeRules.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

//===----------------------------------------------------------------------===//
// Random and neural
//===----------------------------------------------------------------------===//

static TypeOrFailure makeFloat(const OpSite &site, ArrayRef<int64_t> shape,
                               std::optional<Type> elementType) {
  Type element =
      elementType.value_or(Float32Type::get(site.location.getContext()));
  if (!isa<FloatType>(element) || failed(checkElementType(site, element)))
    return site.error() << "type is " << printType(element)
                        << ": expected one of f32, f64, f16, bf16";
  return makeType(site, shape, element);
}

TypeOrFailure inferRandom(const OpSite &site, ArrayRef<int64_t> shape,
                          std::optional<Type> elementType) {
  return makeFloat(site, shape, elementType);
}

TypeOrFailure inferAlongAxis(const OpSite &site, RankedTensorType x,
                             int64_t axis) {
  if (failed(checkAxis(site, x, axis)))
    return failure();
  return x;
}

LogicalResult checkRow(const OpSite &site, NamedType row, RankedTensorType x,
                       int64_t size) {
  auto expected = RankedTensorType::get({size}, x.getElementType());
  if (row.type == expected)
    return success();
  return site.error() << row.name << " is " << printType(row.type)
                      << ": expected " << printType(expected);
}

TypeOrFailure inferNormalized(const OpSite &site, RankedTensorType x,
                              int64_t leastRank, ArrayRef<NamedType> rows) {
  if (x.getRank() < leastRank)
    return site.error() << "x is " << printType(x) << ": expected at least "
                        << leastRank << " dimensions";
  if (x.getRank() == 0 || x.isDynamicDim(x.getRank() - 1))
    return site.error() << "x is " << printType(x)
                        << ": expected a last dimension that is not the batch";
  for (const NamedType &row : rows)
    if (failed(checkRow(site, row, x, x.getShape().back())))
      return failure();
  return x;
}

TypeOrFailure inferGroupNorm(const OpSite &site, RankedTensorType x,
                             int64_t groups, ArrayRef<NamedType> rows) {
  if (failed(inferNormalized(site, x, 2, rows)))
    return failure();
  int64_t channels = x.getShape().back();
  if (groups >= 1 && channels % groups == 0)
    return x;
  return site.error() << "groups is " << groups
                      << ": expected a divisor of the last dimension of x, "
                      << printType(x) << " (" << channels << ')';
}

TypeOrFailure inferNormalize(const OpSite &site, RankedTensorType x,
                             ArrayRef<NamedType> others) {
  SmallVector<NamedType> operands{{"x", x}};
  llvm::append_range(operands, others);
  TypeOrFailure common = inferElementwise(site, operands);
  if (failed(common))
    return failure();
  if (*common != x)
    return site.error() << "the other operands make x, " << printType(x)
                        << ", larger: " << printType(*common);
  return x;
}

TypeOrFailure getLayerInput(const OpSite &site, ValueRange given) {
  if (given.empty())
    return site.error() << "needs its operand 'x'";
  auto x = dyn_cast<RankedTensorType>(given.front().getType());
  if (!x || !isa<FloatType>(x.getElementType()))
    return site.error()
           << "x is " << printType(given.front().getType())
           << ": expected a float tensor; did you mean cast(x, f32)?";
  if (x.getRank() == 0 || x.isDynamicDim(x.getRank() - 1))
    return site.error() << "x is " << printType(x)
                        << ": expected a last dimension that is not the batch";
  return x;
}

FailureOr<int64_t> getLayerSize(const OpSite &site, DictionaryAttr arguments,
                                StringRef name) {
  auto size = arguments.getAs<IntegerAttr>(name);
  if (!size)
    return site.error() << "needs its argument '" << name << "'";
  if (size.getInt() < 1)
    return site.error() << name << " is " << size.getInt()
                        << ": expected at least 1";
  return size.getInt();
}

TypeOrFailure inferDense(const OpSite &site, RankedTensorType x,
                         RankedTensorType weight, RankedTensorType bias) {
  NamedType input{"x", x}, matrix{"weight", weight};
  if (failed(checkElementTypes(site, input, matrix)) ||
      failed(checkMatrix(site, input)))
    return failure();
  if (weight.getRank() != 2)
    return site.error() << "weight is " << printType(weight)
                        << ": expected 2 dimensions";
  if (x.getShape().back() != weight.getDimSize(0))
    return site.error() << "inner dimensions differ: x is " << printType(x)
                        << " (" << printDim(x.getShape().back())
                        << "), weight is " << printType(weight) << " ("
                        << printDim(weight.getDimSize(0)) << ')';
  if (bias && failed(checkRow(site, {"bias", bias}, x, weight.getDimSize(1))))
    return failure();
  SmallVector<int64_t> shape = llvm::to_vector(x.getShape());
  shape.back() = weight.getDimSize(1);
  return makeTensor(site, shape, x.getElementType());
}

TypeOrFailure inferEmbedding(const OpSite &site, RankedTensorType table,
                             RankedTensorType indices,
                             std::optional<int64_t> paddingIndex) {
  TypeOrFailure type = inferGather(site, table, indices, 0);
  if (failed(type) || !paddingIndex)
    return type;
  int64_t rows = table.getDimSize(0);
  if (*paddingIndex >= 0 &&
      (ShapedType::isDynamic(rows) || *paddingIndex < rows))
    return type;
  return site.error() << "padding_index is " << *paddingIndex
                      << ": expected a row of table, " << printType(table);
}

TypeOrFailure inferFlatten(const OpSite &site, RankedTensorType x) {
  if (x.getRank() == 0)
    return site.error() << "x is " << printType(x)
                        << ": expected at least 1 dimension";
  ArrayRef<int64_t> rest = x.getShape().drop_front();
  if (llvm::is_contained(rest, ShapedType::kDynamic) &&
      llvm::any_of(rest, [](int64_t dim) {
        return dim != 1 && !ShapedType::isDynamic(dim);
      }))
    return site.error() << "x is " << printType(x)
                        << ": expected the batch as its first dimension";
  if (llvm::is_contained(rest, ShapedType::kDynamic))
    return makeTensor(site, {x.getDimSize(0), ShapedType::kDynamic},
                      x.getElementType());
  return makeTensor(site, {x.getDimSize(0), countStatic(rest)},
                    x.getElementType());
}

TypeOrFailure inferOneHot(const OpSite &site, RankedTensorType x,
                          int64_t classes, std::optional<Type> elementType) {
  if (classes < 1 || classes > kMaxElements)
    return site.error() << "classes is " << classes << ": expected at least 1";
  SmallVector<int64_t> shape = toDims(x.getShape());
  shape.push_back(classes);
  return makeFloat(site, shape, elementType);
}

//===----------------------------------------------------------------------===//
// Optimizers
//===----------------------------------------------------------------------===//

TypeOrFailure inferUpdate(const OpSite &site, RankedTensorType param,
                          ArrayRef<NamedType> others) {
  for (NamedType other : others)
    if (other.type != param)
      return site.error() << other.name << " is " << printType(other.type)
                          << ", param is " << printType(param)
                          << ": expected the same type";
  return param;
}

TypeOrFailure inferUpdate(const OpSite &site, RankedTensorType param,
                          ArrayRef<NamedType> others, ArrayRef<StringRef> names,
                          ArrayRef<RankedTensorType> slots,
                          ArrayRef<RankedTensorType> expected) {
  if (failed(inferUpdate(site, param, others)))
    return failure();
  SmallVector<RankedTensorType> present;
  for (RankedTensorType slot : slots)
    if (slot)
      present.push_back(slot);
  size_t numTaken = 0;
  for (auto [name, type] : llvm::zip_equal(names, expected)) {
    if (!type)
      continue;
    RankedTensorType slot;
    if (numTaken < present.size())
      slot = present[numTaken++];
    if (slot != type)
      return site.error() << name << " is "
                          << (slot ? printType(slot) : "absent")
                          << ", param is " << printType(param) << ": expected "
                          << (type == param ? "the same type"
                                            : printType(type));
  }
  if (numTaken < present.size())
    return site.error() << "has " << present.size() << " slots, param is "
                        << printType(param) << ": expected " << numTaken;
  return param;
}

TypesOrFailure presentTypes(ArrayRef<RankedTensorType> types) {
  SmallVector<RankedTensorType> present;
  for (RankedTensorType type : types)
    if (type)
      present.push_back(type);
  return present;
}

TypesOrFailure presentTypes(RankedTensorType type) {
  return presentTypes(ArrayRef(type));
}

RankedTensorType slotWhere(DictionaryAttr attributes, StringRef name,
                           RankedTensorType param) {
  Attribute value = attributes ? attributes.get(name) : Attribute();
  auto word = dyn_cast_or_null<BoolAttr>(value);
  auto number = dyn_cast_or_null<FloatAttr>(value);
  bool isThere =
      (word && word.getValue()) || (number && !number.getValue().isZero());
  return isThere ? param : RankedTensorType();
}

RankedTensorType inferScalarSlot(RankedTensorType param) {
  return RankedTensorType::get({}, param.getElementType());
}

RankedTensorType inferRowSlot(RankedTensorType param) {
  if (param.getRank() < 2)
    return param;
  SmallVector<int64_t> shape(param.getShape());
  shape.back() = 1;
  return param.clone(shape);
}

RankedTensorType inferColumnSlot(RankedTensorType param) {
  if (param.getRank() < 2)
    return {};
  SmallVector<int64_t> shape(param.getShape());
  shape[shape.size() - 2] = 1;
  return param.clone(shape);
}

} // namespace nnc
