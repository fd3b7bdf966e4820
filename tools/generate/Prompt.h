// What a generated text begins with: its tokens, and the tokenizer that they
// are of.
#ifndef NNC_TOOLS_GENERATE_PROMPT_H
#define NNC_TOOLS_GENERATE_PROMPT_H

#include "runtime/Generation.h"
#include "runtime/data/Reader.h"
#include "runtime/text/Tokenizer.h"

#include <string>
#include <vector>

namespace nnc::tools {

struct PromptOptions {
  std::string text, textFile, tokens;
  /// A tokenizer's file and its merges, in place of the weights' vocabulary.
  std::string tokenizerFile, merges;
  /// Where files of the program's data block are.
  runtime::ReadOptions files;
};

struct Prompt {
  /// Null where the prompt is of numbers.
  runtime::TokenizerPointer tokenizer;
  std::vector<int32_t> tokens;
};

/// InvalidArgument where the prompt has no token, or more than the context
/// holds; InvalidFile where there is no vocabulary that belongs to the weights.
runtime::StatusOr<Prompt> readPrompt(const PromptOptions &options,
                                     const runtime::Recipe &recipe,
                                     const runtime::Generator &generator,
                                     const std::string &weightsFile);

} // namespace nnc::tools

#endif // NNC_TOOLS_GENERATE_PROMPT_H
