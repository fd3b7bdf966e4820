// Constants as literals of C++ that read back as the same bits.
#include "codegen/cuda/CudaScalars.h"

#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nnc;

/// The shortest decimal that reads back as the same number.
static std::string shortestDecimal(double value, bool isSingle) {
  for (int digits = 1;; ++digits) {
    char text[40];
    snprintf(text, sizeof text, "%.*g", digits, value);
    double read =
        isSingle ? double(strtof(text, nullptr)) : strtod(text, nullptr);
    if (read == value || digits == 17) {
      std::string result = text;
      if (result.find_first_of(".e") == std::string::npos)
        result += ".0";
      return result;
    }
  }
}

static std::string hexOfBits(const APFloat &value) {
  APInt bits = value.bitcastToAPInt();
  return "0x" + llvm::utohexstr(bits.getZExtValue(), /*LowerCase=*/true) +
         (bits.getBitWidth() > 32 ? "ull" : "u");
}

static Expression printFloat(const APFloat &value, Type type,
                             const std::string &typeName) {
  bool is16Bit = type.getIntOrFloatBitWidth() == 16;
  if (value.isNaN()) {
    std::string bits = hexOfBits(value);
    if (is16Bit)
      return {typeName + "(bits_as<f32>(0x7fc00000u))"};
    return {"bits_as<" + typeName + ">(" + bits + ")"};
  }
  std::string sign = value.isNegative() ? "-" : "";
  int precedence = value.isNegative() ? Unary : Primary;
  if (value.isInfinity()) {
    if (is16Bit)
      return {typeName + "(" + sign + "infinity_f32())"};
    return {sign + "infinity_" + typeName + "()", precedence};
  }
  bool isDouble = type.isF64();
  std::string text = shortestDecimal(value.convertToDouble(), !isDouble) +
                     (isDouble ? "" : "f");
  if (is16Bit)
    return {typeName + "(" + text + ")"};
  return {text, precedence};
}

static Expression printInteger(const APInt &value, Type type,
                               const std::string &typeName) {
  Expression result;
  result.literal = value.getSExtValue();
  if (type.isIndex()) {
    result.text = std::to_string(value.getSExtValue());
    if (!value.isSignedIntN(32))
      result.text += "ll";
    if (value.isNegative())
      result.precedence = Unary;
  } else if (type.isInteger(1)) {
    result.text = value.isZero() ? "false" : "true";
    result.literal.reset();
  } else {
    result.text = std::to_string(value.getZExtValue());
    unsigned width = value.getBitWidth();
    if (width < 32)
      result.text = typeName + "(" + result.text + ")";
    else
      result.text += width == 32 ? "u" : "ull";
  }
  return result;
}

FailureOr<Expression> ScalarPrinter::printConstant(Attribute value,
                                                   Type type) const {
  std::optional<std::string> name = typeName(type);
  if (!name)
    return failure();
  if (auto number = dyn_cast<FloatAttr>(value))
    return printFloat(number.getValue(), type, *name);
  if (auto number = dyn_cast<IntegerAttr>(value))
    return printInteger(number.getValue(), type, *name);
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return failure();
  Type element = dense.getElementType();
  if (dense.isSplat()) {
    FailureOr<Expression> each =
        printConstant(dense.getSplatValue<Attribute>(), element);
    if (failed(each))
      return failure();
    // The literal of an index is an int.
    std::string value = element.isIndex() && !hasNarrowIndices
                            ? "i64(" + each->text + ")"
                            : each->text;
    return Expression{*name + "(" + value + ")"};
  }
  SmallVector<std::string> lanes;
  for (Attribute lane : dense.getValues<Attribute>()) {
    FailureOr<Expression> printed = printConstant(lane, element);
    if (failed(printed))
      return failure();
    lanes.push_back(printed->text);
  }
  return Expression{*name + "{{" + llvm::join(lanes, ", ") + "}}"};
}
