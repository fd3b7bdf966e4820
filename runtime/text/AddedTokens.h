// Tokens that stand in a text as they are, whatever is around them.
#ifndef NNC_RUNTIME_TEXT_ADDEDTOKENS_H
#define NNC_RUNTIME_TEXT_ADDEDTOKENS_H

#include "runtime/Status.h"

#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nnc::runtime {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  /// Whether it takes the blanks before and after it.
  bool stripsLeft = false, stripsRight = false;
  /// Whether it stands for no text.
  bool isSpecial = true;
};

class AddedTokens {
public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);
  AddedTokens(const AddedTokens &) = delete;
  AddedTokens &operator=(AddedTokens &&) = default;

  const std::vector<AddedToken> &list() const { return tokens; }

  /// Appends the ids of `text`: those of the tokens in it, the longest at a
  /// place, and what `encode` appends for each part between them.
  Status
  encode(std::string_view text, std::vector<int32_t> &ids,
         const std::function<Status(std::string_view part)> &encode) const;

private:
  const AddedToken *at(std::string_view text, size_t place) const;

  std::vector<AddedToken> tokens;
  /// Views into `tokens`, and how long these are, the longest first.
  std::unordered_map<std::string_view, const AddedToken *> byContent;
  std::set<size_t, std::greater<>> lengths;
  /// By its first byte, whether any begins so.
  std::array<bool, 256> begins = {};
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_ADDEDTOKENS_H
