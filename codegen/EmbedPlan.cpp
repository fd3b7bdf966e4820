#include "codegen/EmbedPlan.h"

#include "codegen/cpu/EmitObject.h"
#include "runtime/plan_generated.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FormatVariadic.h"

using namespace nnc;
using llvm::StringRef;

static StringRef text(const flatbuffers::String *string) {
  return string ? StringRef(string->data(), string->size()) : StringRef();
}

/// `name` where C allows only a letter, digits and underscores.
static std::string toIdentifier(StringRef name) {
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  return result.empty() || llvm::isDigit(result[0]) ? "model_" + result
                                                    : result;
}

//===----------------------------------------------------------------------===//
// What the header's comment says
//===----------------------------------------------------------------------===//

/// Text that ends no comment.
static std::string commented(StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isPrint(c) && c != '*' && c != '\\' ? c : '.';
  return result;
}

/// "image: u8[batch, 28, 28]"
static std::string describe(const plan::Tensor &tensor) {
  std::string type =
      StringRef(plan::EnumNameElementType(tensor.element_type())).lower();
  std::string shape;
  for (int64_t size : *tensor.shape())
    shape += (shape.empty() ? "" : ", ") +
             (size < 0 ? "batch" : std::to_string(size));
  return llvm::formatv("{0}: {1}[{2}]", commented(text(tensor.name())), type,
                       shape);
}

static std::string describe(const plan::EntryPoint &entry) {
  std::string result =
      llvm::formatv(" *\n *   {0}\n", commented(text(entry.name())));
  for (const plan::Tensor *input : *entry.inputs())
    result += llvm::formatv(" *     takes {0}\n", describe(*input));
  for (const plan::Tensor *output : *entry.outputs())
    result += llvm::formatv(" *     gives {0}\n", describe(*output));
  return result;
}

static std::string describe(const plan::Plan &plan) {
  std::string features;
  for (const flatbuffers::String *feature : *plan.code()->features())
    features += " " + text(feature).str();
  std::string result = llvm::formatv(
      "/* The model {0}, compiled by {1} for {2},{3}; batch 1 to {4}.\n"
      " *\n"
      " * Link the object beside this header, and nnc's runtime.\n",
      commented(text(plan.model())), commented(text(plan.producer())),
      commented(text(plan.code()->target())), features, plan.max_batch());
  for (const plan::EntryPoint *entry : *plan.entry_points())
    result += describe(*entry);
  return result + " */\n";
}

/// `$` stands for the identifier, `@` for it in capitals.
static constexpr StringRef kDeclarations = R"(#ifndef @_PLAN_H
#define @_PLAN_H

#include <nnc/nnc.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const unsigned char $_plan[];
extern const size_t $_plan_size;

/* As nnc_plan_open, from this program's own data, which are not copied. */
static inline nnc_status_t $_open(nnc_plan_t **plan) {
  return nnc_plan_open_static($_plan, $_plan_size, plan);
}

#ifdef __cplusplus
}
#endif

#endif /* @_PLAN_H */
)";

static std::string declare(StringRef identifier) {
  std::string result;
  for (char c : kDeclarations)
    result += c == '$'   ? identifier.str()
              : c == '@' ? identifier.upper()
                         : std::string(1, c);
  return result;
}

EmbeddedPlan nnc::embedPlan(llvm::ArrayRef<uint8_t> bytes) {
  const plan::Plan &plan = *plan::GetPlan(bytes.data());
  std::string identifier = toIdentifier(text(plan.model()));
  return {emitDataObject(bytes, identifier + "_plan"),
          describe(plan) + declare(identifier)};
}
