// Finds the tokenizer, and what the prompt is in its numbers.
#include "tools/generate/Prompt.h"

#include "runtime/data/TextTokenizer.h"
#include "runtime/text/TokenizerFile.h"
#include "tools/Data.h"

#include <charconv>

namespace nnc::tools {

using namespace nnc::runtime;

/// Text beyond this is no prompt of any model's.
static constexpr size_t mostPromptBytes = 16 << 20;

static StatusOr<TokenizerPointer> findTokenizer(const PromptOptions &options,
                                                const Recipe &recipe,
                                                const std::string &input,
                                                const std::string &weights) {
  if (!options.tokenizerFile.empty())
    return openTokenizer(options.tokenizerFile, options.merges,
                         /*isLower=*/true);
  StatusOr<DataFacts> facts = loadFacts(weights);
  if (!facts.isOk())
    return facts.status();
  return tokenizerOf(recipe, input, *facts, options.files);
}

static StatusOr<std::string> readText(const PromptOptions &options) {
  if (options.textFile.empty())
    return std::string(options.text);
  int64_t sizeBytes = 0;
  StatusOr<OpenFile> file = openToRead(options.textFile, sizeBytes);
  if (!file.isOk())
    return file.status();
  if (sizeBytes > int64_t(mostPromptBytes))
    return Status(Code::InvalidFile,
                  concat(options.textFile, ": a prompt has at most ",
                         mostPromptBytes, " bytes, the file has ", sizeBytes));
  std::string text(sizeBytes, '\0');
  Status status = readAt(*file, options.textFile, text.data(), sizeBytes, 0);
  if (!status.isOk())
    return status;
  return text;
}

/// "1,2,3".
static StatusOr<std::vector<int32_t>> readNumbers(std::string_view text) {
  std::vector<int32_t> numbers;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    int32_t &number = numbers.emplace_back();
    auto [stop, error] =
        std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || stop != word.data() + word.size())
      return Status(Code::InvalidArgument,
                    concat("--prompt-tokens: ", quote(std::string(word)),
                           " is no number"));
    if (comma == std::string_view::npos)
      return numbers;
    text.remove_prefix(comma + 1);
  }
}

static StatusOr<Prompt> readTokens(const PromptOptions &options,
                                   const Recipe &recipe,
                                   const std::string &input,
                                   const std::string &weights) {
  Prompt prompt;
  if (!options.tokens.empty()) {
    StatusOr<std::vector<int32_t>> numbers = readNumbers(options.tokens);
    if (!numbers.isOk())
      return numbers.status();
    prompt.tokens = std::move(*numbers);
    return prompt;
  }
  StatusOr<TokenizerPointer> tokenizer =
      findTokenizer(options, recipe, input, weights);
  if (!tokenizer.isOk())
    return tokenizer.status();
  prompt.tokenizer = *tokenizer;
  StatusOr<std::string> text = readText(options);
  if (!text.isOk())
    return text.status();
  const SpecialIds special = prompt.tokenizer->special();
  if (text->empty() && special.begin >= 0)
    prompt.tokens.push_back(special.begin);
  Status status = prompt.tokenizer->encode(*text, prompt.tokens);
  if (!status.isOk())
    return Status(
        status.code(),
        concat(options.textFile.empty() ? "--prompt" : options.textFile, ": ",
               status.message()));
  return prompt;
}

StatusOr<Prompt> readPrompt(const PromptOptions &options, const Recipe &recipe,
                            const Generator &generator,
                            const std::string &weightsFile) {
  StatusOr<Prompt> prompt =
      readTokens(options, recipe, generator.tokenInput().name, weightsFile);
  if (!prompt.isOk())
    return prompt;
  if (prompt->tokenizer)
    if (Status status = checkIds(*prompt->tokenizer, generator.tokenInput());
        !status.isOk())
      return status;
  if (prompt->tokens.empty())
    return Status(
        Code::InvalidArgument,
        generator.otherInputs().empty()
            ? "the prompt has no token: say --prompt TEXT"
            : concat("no token begins a text of input ",
                     quote(generator.tokenInput().name),
                     ": bind it with begin = true, or say --prompt-tokens"));
  const int64_t length = prompt->tokens.size();
  if (generator.context() && length > generator.context())
    return Status(Code::InvalidArgument,
                  concat("the prompt has ", length,
                         " tokens, the model's context holds ",
                         generator.context()));
  return prompt;
}

} // namespace nnc::tools
