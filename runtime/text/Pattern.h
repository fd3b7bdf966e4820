// Regular expressions that cut a text into pieces, by PCRE2 and within bounds
// of time and memory.
#ifndef NNC_RUNTIME_TEXT_PATTERN_H
#define NNC_RUNTIME_TEXT_PATTERN_H

#include "runtime/Status.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// Any thread may call it at any time.
class Pattern {
public:
  /// InvalidFile for what is no pattern, with the reason.
  static StatusOr<std::shared_ptr<const Pattern>>
  compile(const std::string &pattern);
  ~Pattern();

  /// Appends the parts of `text`, which is UTF-8, that match, and unless
  /// `isMatchesOnly` what stands between them. InvalidFile where a match would
  /// take too long.
  Status split(std::string_view text, bool isMatchesOnly,
               std::vector<std::string_view> &pieces) const;

private:
  struct Compiled;
  explicit Pattern(std::unique_ptr<Compiled> code);

  std::unique_ptr<Compiled> code;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_PATTERN_H
