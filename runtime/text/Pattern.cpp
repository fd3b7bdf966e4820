// Calls PCRE2.
#define PCRE2_CODE_UNIT_WIDTH 8

#include "runtime/text/Pattern.h"

#include <algorithm>
#include <new>
#include <pcre2.h>

namespace nnc::runtime {

// A pattern that a tokenizer has takes a few hundred of these for a match.
static constexpr uint32_t mostSteps = 1'000'000;
static constexpr uint32_t mostHeapKib = 1 << 16;
static constexpr size_t mostPatternBytes = 1 << 14;

struct Pattern::Compiled {
  struct Free {
    void operator()(pcre2_code *code) const { pcre2_code_free(code); }
    void operator()(pcre2_match_context *context) const {
      pcre2_match_context_free(context);
    }
    void operator()(pcre2_match_data *data) const {
      pcre2_match_data_free(data);
    }
  };
  std::unique_ptr<pcre2_code, Free> code;
  std::unique_ptr<pcre2_match_context, Free> limits;
};

static std::string reason(int error) {
  PCRE2_UCHAR8 text[128] = {};
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char *>(text);
}

static PCRE2_SPTR8 bytesOf(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR8>(text.data());
}

Pattern::Pattern(std::unique_ptr<Compiled> code) : code(std::move(code)) {}
Pattern::~Pattern() = default;

StatusOr<std::shared_ptr<const Pattern>>
Pattern::compile(const std::string &pattern) {
  if (pattern.size() > mostPatternBytes)
    return Status(Code::InvalidFile, "the pattern is longer than 16 KiB");
  int error = 0;
  PCRE2_SIZE place = 0;
  auto code = std::make_unique<Compiled>();
  code->code.reset(
      pcre2_compile(bytesOf(pattern), pattern.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error,
                    &place, nullptr));
  if (!code->code)
    return Status(Code::InvalidFile,
                  concat("the pattern ", quote(pattern), " is wrong at byte ",
                         place, ": ", reason(error)));
  code->limits.reset(pcre2_match_context_create(nullptr));
  if (!code->limits)
    throw std::bad_alloc();
  pcre2_set_match_limit(code->limits.get(), mostSteps);
  pcre2_set_heap_limit(code->limits.get(), mostHeapKib);
  // Where there is no compiler for the machine, patterns are interpreted.
  pcre2_jit_compile(code->code.get(), PCRE2_JIT_COMPLETE);
  return std::shared_ptr<const Pattern>(new Pattern(std::move(code)));
}

Status Pattern::split(std::string_view text, bool isMatchesOnly,
                      std::vector<std::string_view> &pieces) const {
  std::unique_ptr<pcre2_match_data, Compiled::Free> match(
      pcre2_match_data_create_from_pattern(code->code.get(), nullptr));
  if (!match)
    throw std::bad_alloc();
  const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(match.get());
  size_t begin = 0, from = 0;
  while (from < text.size()) {
    auto find = [&](uint32_t options) {
      return pcre2_match(code->code.get(), bytesOf(text), text.size(), from,
                         options | PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                         match.get(), code->limits.get());
    };
    int found = find(0);
    // The compiled form has a small stack; the other does without.
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
      found = find(PCRE2_NO_JIT);
    if (found == PCRE2_ERROR_NOMATCH)
      break;
    if (found < 0)
      return {Code::InvalidFile,
              "the tokenizer's pattern cannot be matched: " + reason(found)};
    // \K may put the begin behind the end.
    const size_t matchBegin = std::max(ends[0], begin);
    const size_t matchEnd = ends[1];
    if (matchEnd <= from || matchBegin >= matchEnd)
      return {Code::InvalidFile,
              "the tokenizer's pattern moves the begin of its matches"};
    if (matchBegin > begin && !isMatchesOnly)
      pieces.push_back(text.substr(begin, matchBegin - begin));
    pieces.push_back(text.substr(matchBegin, matchEnd - matchBegin));
    begin = from = matchEnd;
  }
  if (begin < text.size() && !isMatchesOnly)
    pieces.push_back(text.substr(begin));
  return {};
}

} // namespace nnc::runtime
