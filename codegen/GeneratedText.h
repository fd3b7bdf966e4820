// Text of others in text for compilers: names, files and whatever else a model
// says may hold any byte, and must stay what they are there.
#ifndef NNC_CODEGEN_GENERATEDTEXT_H
#define NNC_CODEGEN_GENERATEDTEXT_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace nnc {

/// For a comment of C, C++ or assembly, `//` or `/* */`: one line, cut where it
/// is long, of printable ASCII with nothing that ends or continues a comment.
/// What is left out stands as a full stop.
std::string toComment(llvm::StringRef text);

/// Letters and digits, with an underscore for everything else; cut where it is
/// long. It may begin with a digit, or be a word of the language.
std::string toIdentifier(llvm::StringRef text);
bool isIdentifier(llvm::StringRef text);

/// A string literal of C, of printable ASCII; other bytes stand as full stops.
std::string toLiteral(llvm::StringRef text);

} // namespace nnc

#endif // NNC_CODEGEN_GENERATEDTEXT_H
