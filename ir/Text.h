// Which bytes are text that may be shown to anyone, and which texts are names.
#ifndef NNC_IR_TEXT_H
#define NNC_IR_TEXT_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace nnc {

/// The place of the first byte that is not UTF-8, or that begins a control
/// character other than a tab and a line's end; npos where all is text. A
/// control character in a message would steer the terminal.
size_t findNoText(llvm::StringRef text);

/// What keeps `name` from naming anything, as in "is empty": a name is one line
/// of text, of 1 to 1024 bytes. Empty if nothing does.
std::string findNoName(llvm::StringRef name);

/// The same for an input, an output or a metric, whose name becomes that of a
/// file: it has no '/', does not begin with '.', and not with 'nnc.' either.
std::string findNoFileName(llvm::StringRef name);

/// The same for a parameter, whose name stands in safetensors files beside what
/// the format and nnc keep there, "__metadata__" and what begins with "nnc.",
/// and in the compiled program beside its entry points and scalars.
std::string findNoParameterName(llvm::StringRef name);

} // namespace nnc

#endif // NNC_IR_TEXT_H
