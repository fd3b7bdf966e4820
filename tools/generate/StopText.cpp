// Finds where text stops, though it comes in pieces.
#include "tools/generate/StopText.h"

#include <algorithm>
#include <utility>

namespace nnc::tools {

/// How many bytes at the end of `text` begin `stop`.
static size_t beginAtEnd(const std::string &text, const std::string &stop) {
  for (size_t size = std::min(text.size(), stop.size() - 1); size > 0; --size)
    if (text.compare(text.size() - size, size, stop, 0, size) == 0)
      return size;
  return 0;
}

std::string StopText::next(const std::string &more) {
  if (isStopped)
    return "";
  held += more;
  size_t end = std::string::npos, kept = 0;
  for (const std::string &stop : stops) {
    end = std::min(end, held.find(stop));
    kept = std::max(kept, beginAtEnd(held, stop));
  }
  isStopped = end != std::string::npos;
  std::string shown = held.substr(0, isStopped ? end : held.size() - kept);
  held.erase(0, isStopped ? held.size() : shown.size());
  return shown;
}

std::string StopText::finish() { return std::exchange(held, ""); }

} // namespace nnc::tools
