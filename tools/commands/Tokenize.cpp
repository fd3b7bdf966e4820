// nnc tokenize: a text as a file of numbers, which the reader tokens takes
// windows from.
#include "tools/Output.h"
#include "tools/commands/Commands.h"

#include "runtime/AtomicFile.h"
#include "runtime/data/Text.h"
#include "runtime/data/Windows.h"
#include "runtime/text/Learned.h"

#include <iostream>

namespace nnc::tools {

using namespace runtime;

struct TokenizeOptions {
  std::vector<std::string> files;
  std::string output, tokenizer = "word", merges, records;
  int64_t vocabulary = 0;
  bool isCased = false, hasBegin = false, hasEnd = false;
};

/// The binding of a model that would read these files in windows.
static DataBinding bindingOf(const TokenizeOptions &options) {
  DataBinding binding;
  binding.split = "train";
  binding.reader = "text";
  binding.inputs = {"tokens"};
  auto add = [&](const char *name, const std::string &value) {
    binding.arguments.emplace_back(name, value);
  };
  add("window", "1");
  add("tokenizer", options.tokenizer);
  if (!options.merges.empty())
    add("merges", options.merges);
  if (!options.records.empty())
    add("records", options.records);
  if (options.vocabulary > 0)
    add("vocabulary", std::to_string(options.vocabulary));
  if (options.isCased)
    add("lower", "false");
  if (options.hasBegin)
    add("begin", "true");
  if (options.hasEnd)
    add("end", "true");
  return binding;
}

static Status checkOutputs(const TokenizeOptions &options) {
  std::vector<InputFile> inputs = {{options.merges, "the merges"},
                                   {options.tokenizer, "the tokenizer"}};
  for (const std::string &file : options.files)
    inputs.push_back({file, "a text"});
  for (const std::string &output :
       {options.output, vocabularyBeside(options.output)})
    if (Status status = checkNoInput(output, "the output", inputs);
        !status.isOk())
      return status;
  return {};
}

static Status writeAll(const TokenizeOptions &options) {
  std::optional<TokenFileWriter> writer;
  auto texts = tokenizeTexts(
      bindingOf(options), options.files,
      [&](const Tokenizer &tokenizer) -> Status {
        auto created =
            TokenFileWriter::create(options.output, tokenizer.size());
        if (created.isOk())
          writer.emplace(std::move(*created));
        return created.status();
      },
      [&](const std::vector<int32_t> &ids) { return writer->append(ids); });
  if (!texts.isOk())
    return texts.status();
  if (Status status = writer->commit(); !status.isOk())
    return status;
  std::cout << options.output << "  " << writer->numTokens() << " tokens, "
            << writer->typeName() << '\n';
  // What is in a file already is named by the model.
  if (!findUnit(options.tokenizer))
    return {};
  const std::string vocabulary = vocabularyBeside(options.output);
  Status status = replaceFile(vocabulary, texts->tokenizer->save());
  if (status.isOk())
    std::cout << vocabulary << "  " << texts->tokenizer->size() << " ids\n";
  return status;
}

static int tokenize(const TokenizeOptions &options) {
  Status status = checkOutputs(options);
  if (status.isOk())
    status = guardMemory([&] { return writeAll(options); });
  return status.isOk() ? int(Done) : fail(status);
}

void addTokenizeCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<TokenizeOptions>();
  CLI::App *command =
      app.add_subcommand("tokenize", "turn text into a file of numbers");
  command
      ->add_option("FILE", options->files,
                   "texts, one after the other; folders' files, too")
      ->required();
  command
      ->add_option("-o,--output", options->output,
                   "where the numbers go: an array of NumPy's, .npy")
      ->required();
  command
      ->add_option("--tokenizer", options->tokenizer,
                   "byte, character, word, or the file of a tokenizer")
      ->capture_default_str();
  command->add_option("--merges", options->merges,
                      "of a vocab.json, the file of its merges");
  command
      ->add_option("--vocabulary", options->vocabulary,
                   "ids at most, of characters or words (default: all)")
      ->check(CLI::Range(int64_t(1), int64_t(INT32_MAX)));
  command->add_flag("--cased", options->isCased,
                    "keep capitals, of words and of a vocab.txt");
  command->add_option("--records", options->records,
                      "the line that ends a text, as in fortunes: %");
  command->add_flag("--begin", options->hasBegin,
                    "put a token before each text");
  command->add_flag("--end", options->hasEnd, "put a token after each text");
  addHelp(*command,
          "nnc tokenize book.txt -o book.npy --tokenizer character\n"
          "nnc tokenize texts --tokenizer tokenizer.json -o texts.npy\n");
  command->callback([options, &exit] { exit = tokenize(*options); });
}

} // namespace nnc::tools
