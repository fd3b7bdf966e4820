// Finds the first byte or character that a text or a name may not have.
#include "ir/Text.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ConvertUTF.h"

using llvm::StringRef;

namespace nnc {

/// U+0000 to U+001F but for tab and line's ends, U+007F, U+0080 to U+009F.
static bool beginsControl(StringRef text) {
  unsigned char first = text.front();
  if (first == 0xC2)
    return text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xA0;
  return (first < 0x20 && first != '\t' && first != '\n' && first != '\r') ||
         first == 0x7F;
}

size_t findNoText(StringRef text) {
  const llvm::UTF8 *place = text.bytes_begin();
  size_t valid = text.size();
  if (!llvm::isLegalUTF8String(&place, text.bytes_end()))
    valid = place - text.bytes_begin();
  for (size_t i = 0; i < valid; ++i)
    if (beginsControl(text.drop_front(i)))
      return i;
  return valid == text.size() ? StringRef::npos : valid;
}

std::string findNoName(StringRef name) {
  constexpr size_t kLongest = 1024;
  if (name.empty())
    return "is empty";
  if (name.size() > kLongest)
    return "is " + std::to_string(name.size()) + " bytes long: at most " +
           std::to_string(kLongest) + " are supported";
  if (name.find_first_of("\t\n\r") != StringRef::npos ||
      findNoText(name) != StringRef::npos)
    return "is not UTF-8, or has a control character";
  return "";
}

std::string findNoFileName(StringRef name) {
  std::string problem = findNoName(name);
  if (problem.empty() && name.contains('/'))
    return "has a '/': it becomes the name of a file";
  if (problem.empty() && name.starts_with("."))
    return "begins with '.': it becomes the name of a file";
  if (problem.empty() && name.starts_with("nnc."))
    return "begins with 'nnc.', which is nnc's own";
  return problem;
}

// Entry points and scalars of state (docs/architecture.md, section 2): symbols
// that the compiler makes beside the parameters.
static bool isCompilersSymbol(StringRef name) {
  return llvm::is_contained({"init", "train_step", "eval_step", "predict",
                             "gradients", "scheduled_rate", "seed", "step",
                             "learning_rate", "first_sample"},
                            name);
}

std::string findNoParameterName(StringRef name) {
  std::string problem = findNoName(name);
  if (problem.empty() && isCompilersSymbol(name))
    return "is what the compiled program calls a part of its own";
  if (problem.empty() && name == "__metadata__")
    return "is what a file of weights calls its metadata";
  if (problem.empty() && name.starts_with("nnc."))
    return "begins with 'nnc.', which is nnc's own";
  return problem;
}

} // namespace nnc
