// Control characters shown, sizes with units, names of files.
#include "tools/Text.h"

#include "runtime/PlanNames.h"

#include <cstdio>
#include <iterator>

namespace nnc::tools {

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    size_t count = runtime::firstCharacterBytes(text);
    if (count > 0 && !runtime::beginsWithControl(text)) {
      result += text.substr(0, count);
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x",
                    static_cast<unsigned char>(text[0]));
      result += escaped;
      count = 1;
    }
    text.remove_prefix(count);
  }
  return result;
}

std::string sizeText(int64_t bytes) {
  static const char *const units[] = {"B",   "KiB", "MiB", "GiB",
                                      "TiB", "PiB", "EiB"};
  double size = double(bytes);
  size_t unit = 0;
  // What would round to 1024.0 is 1.0 of the next.
  for (; size >= 1023.95 && unit + 1 < std::size(units); ++unit)
    size /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit ? "%.1f %s" : "%.0f %s", size,
                units[unit]);
  return text;
}

std::string durationText(double seconds) {
  char text[32];
  if (seconds < 120)
    std::snprintf(text, sizeof text, "%.3g s", seconds);
  else if (seconds < 7200)
    std::snprintf(text, sizeof text, "%.0f min", seconds / 60);
  else
    std::snprintf(text, sizeof text, "%.1f h", seconds / 3600);
  return text;
}

bool isFileName(std::string_view name) {
  // Beyond what file systems take (NAME_MAX), with an ending.
  constexpr size_t longest = 240;
  return !name.empty() && name.size() <= longest && name[0] != '.' &&
         name.find('/') == std::string_view::npos && printable(name) == name;
}

bool isLearningRate(std::string_view name) {
  constexpr std::string_view rate = "learning_rate";
  if (name.size() < rate.size() ||
      name.substr(name.size() - rate.size()) != rate)
    return false;
  return name.size() == rate.size() ||
         name[name.size() - rate.size() - 1] == '.';
}

} // namespace nnc::tools
