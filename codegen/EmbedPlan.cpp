// Writes a plan as an ELF object and a C header.
#include "codegen/EmbedPlan.h"

#include "codegen/GeneratedText.h"
#include "codegen/cpu/EmitObject.h"
#include "runtime/plan_generated.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FormatVariadic.h"

using namespace nnc;
using llvm::StringRef;

static StringRef text(const flatbuffers::String *string) {
  return string ? StringRef(string->data(), string->size()) : StringRef();
}

/// What the names of the header begin with. Those of nnc.h are its own.
static std::string prefixFor(StringRef model) {
  std::string name = toIdentifier(model);
  bool isTaken = StringRef(name).starts_with("nnc");
  return isTaken || !isIdentifier(name) ? "model_" + name : name;
}

//===----------------------------------------------------------------------===//
// What the header's comment says
//===----------------------------------------------------------------------===//

/// "image: u8[batch, 28, 28]"
static std::string describe(const plan::Tensor &tensor) {
  std::string type =
      StringRef(plan::EnumNameElementType(tensor.element_type())).lower();
  std::string shape;
  for (int64_t size : *tensor.shape())
    shape += (shape.empty() ? "" : ", ") +
             (size < 0 ? "batch" : std::to_string(size));
  return llvm::formatv("{0}: {1}[{2}]", toComment(text(tensor.name())), type,
                       shape);
}

static std::string describe(const plan::EntryPoint &entry) {
  std::string result =
      llvm::formatv(" *\n *   {0}\n", toComment(text(entry.name())));
  for (const plan::Tensor *input : *entry.inputs())
    result += llvm::formatv(" *     takes {0}\n", describe(*input));
  for (const plan::Tensor *output : *entry.outputs())
    result += llvm::formatv(" *     gives {0}\n", describe(*output));
  return result;
}

static std::string describe(const plan::Plan &plan) {
  std::string features;
  for (const flatbuffers::String *feature : *plan.code()->features())
    features += " " + toComment(text(feature));
  std::string result = llvm::formatv(
      "/* The model {0}, compiled by {1} for {2},{3}; batch 1 to {4}.\n"
      " *\n"
      " * Link the object beside this header, and nnc's runtime.\n",
      toComment(text(plan.model())), toComment(text(plan.producer())),
      toComment(text(plan.code()->target())), features, plan.max_batch());
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
  std::string identifier = prefixFor(text(plan.model()));
  return {emitDataObject(bytes, identifier + "_plan"),
          describe(plan) + declare(identifier)};
}
