// Looks for tokens at each place of a text.
#include "runtime/text/AddedTokens.h"

#include <algorithm>

namespace nnc::runtime {

static constexpr const char *blanks = " \t\r\n";

AddedTokens::AddedTokens(std::vector<AddedToken> list)
    : tokens(std::move(list)) {
  for (const AddedToken &token : tokens) {
    byContent.emplace(token.content, &token);
    lengths.insert(token.content.size());
    begins[static_cast<unsigned char>(token.content[0])] = true;
  }
}

const AddedToken *AddedTokens::at(std::string_view text, size_t place) const {
  if (!begins[static_cast<unsigned char>(text[place])])
    return nullptr;
  for (size_t length : lengths)
    if (auto found = byContent.find(text.substr(place, length));
        found != byContent.end() && found->first.size() == length)
      return found->second;
  return nullptr;
}

static std::string_view withoutLastBlanks(std::string_view text) {
  const size_t last = text.find_last_not_of(blanks);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

Status AddedTokens::encode(
    std::string_view text, std::vector<int32_t> &ids,
    const std::function<Status(std::string_view part)> &encodePart) const {
  size_t begin = 0;
  for (size_t place = 0; place < text.size();) {
    const AddedToken *token = at(text, place);
    if (!token) {
      ++place;
      continue;
    }
    std::string_view before = text.substr(begin, place - begin);
    if (token->stripsLeft)
      before = withoutLastBlanks(before);
    if (Status status = encodePart(before); !status.isOk())
      return status;
    ids.push_back(token->id);
    place += token->content.size();
    if (token->stripsRight)
      place = std::min(text.find_first_not_of(blanks, place), text.size());
    begin = place;
  }
  return encodePart(text.substr(begin));
}

} // namespace nnc::runtime
