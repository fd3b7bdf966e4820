// Which bytes are text that may be shown to anyone.
#ifndef NNC_FRONTEND_TEXT_H
#define NNC_FRONTEND_TEXT_H

#include "llvm/ADT/StringRef.h"

namespace nnc {

/// The place of the first byte that is not UTF-8, or that begins a control
/// character other than a tab and a line's end; npos where all is text. A
/// control character in a message would steer the terminal.
size_t findNoText(llvm::StringRef text);

} // namespace nnc

#endif // NNC_FRONTEND_TEXT_H
