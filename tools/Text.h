// Text for people, and what of a file's text may become a name.
#ifndef NNC_TOOLS_TEXT_H
#define NNC_TOOLS_TEXT_H

#include <cstdint>
#include <string>
#include <string_view>

namespace nnc::tools {

/// A name of a file as a terminal can bear it: control characters, those of two
/// bytes too, and what is no UTF-8 as \xNN.
std::string printable(std::string_view text);

/// A size for a person: "17 B", "1.5 KiB", "596.2 GiB".
std::string sizeText(int64_t bytes);

/// A time for a person: "0.25 s", "45 s", "12 min", "3.4 h".
std::string durationText(double seconds);

/// Whether a name that a file gives may be that of a file in a folder: not
/// empty, no path, nothing that is hidden or cannot be printed.
bool isFileName(std::string_view name);

/// Whether a scalar of this name is a learning rate: that of the model's own
/// optimizer, or "NAME.learning_rate" of a further one.
bool isLearningRate(std::string_view name);

} // namespace nnc::tools

#endif // NNC_TOOLS_TEXT_H
