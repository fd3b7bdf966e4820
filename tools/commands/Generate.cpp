// nnc generate: text that goes on from a prompt, token by token.
#include "tools/commands/Commands.h"

#include "runtime/BeamSearch.h"
#include "runtime/Sampling.h"
#include "tools/Data.h"
#include "tools/generate/Prompt.h"
#include "tools/generate/Sources.h"
#include "tools/generate/StopText.h"

#include <nlohmann/json.hpp>

#include <iostream>

namespace nnc::tools {

using namespace nnc::runtime;

namespace {
struct GenerateOptions {
  CompileRequest request;
  int threads = 0;
  std::string weightsFile, names, dataFolder;
  std::optional<WeightsOrder> order;
  PromptOptions prompt;
  InputFiles inputs;
  Sampling sampling;
  int64_t tokens = 256, beams = 1;
  std::vector<std::string> stops;
  bool isJson = false;
};

/// What comes of the prompt, printed as it comes or all at once.
class Continuation {
public:
  Continuation(const GenerateOptions &options, TokenizerPointer tokenizer)
      : options(options), tokenizer(tokenizer), stop(options.stops) {
    if (tokenizer)
      stream.emplace(tokenizer);
  }

  /// False where the text ends with it.
  bool add(int32_t token) {
    if (tokenizer && token == tokenizer->special().end)
      return false;
    tokens.push_back(token);
    if (tokenizer)
      show(stop.next(stream->next(token)));
    else
      show((tokens.size() > 1 ? " " : "") + std::to_string(token));
    return !stop.hasStopped();
  }

  void finish() {
    if (tokenizer && !stop.hasStopped())
      show(stop.next(stream->finish()) + stop.finish());
    if (!options.isJson)
      std::cout << std::endl;
  }

  std::vector<int32_t> tokens;
  std::string text;

private:
  void show(const std::string &more) {
    text += more;
    if (!options.isJson)
      std::cout << more << std::flush;
  }

  const GenerateOptions &options;
  TokenizerPointer tokenizer;
  std::optional<TextStream> stream;
  StopText stop;
};
} // namespace

static Status sampleTokens(const GenerateOptions &options, Generator &generator,
                           const std::vector<int32_t> &prompt, int64_t source,
                           Continuation &continuation) {
  for (int32_t token : prompt)
    if (Status status = generator.feed(&token); !status.isOk())
      return status;
  for (int64_t i = 0; i < options.tokens; ++i) {
    // Each source has draws of its own.
    const uint64_t index = uint64_t(source) << 32 | uint64_t(i);
    StatusOr<int32_t> token = drawToken(
        generator.logits().data(), generator.tokens(), options.sampling, index);
    if (!token.isOk())
      return token.status();
    if (!continuation.add(*token) || i + 1 == options.tokens)
      return {};
    if (generator.context() && generator.length() == generator.context())
      return {};
    if (Status status = generator.feed(&*token); !status.isOk())
      return status;
  }
  return {};
}

static Status searchTokens(const GenerateOptions &options, Generator &generator,
                           const Prompt &prompt, Continuation &continuation,
                           double &logProbability) {
  auto hasEnded = [&](const std::vector<int32_t> &tokens) {
    if (!prompt.tokenizer)
      return false;
    if (tokens.back() == prompt.tokenizer->special().end)
      return true;
    StopText stop(options.stops);
    stop.next(decode(*prompt.tokenizer, tokens));
    return stop.hasStopped();
  };
  int64_t count = options.tokens;
  if (generator.context())
    count = std::min<int64_t>(count, generator.context() -
                                         int64_t(prompt.tokens.size()) + 1);
  auto beams = searchBeams(generator, prompt.tokens, count, hasEnded);
  if (!beams.isOk())
    return beams.status();
  logProbability = beams->front().logProbability;
  for (int32_t token : beams->front().tokens)
    if (!continuation.add(token))
      break;
  return {};
}

/// What the model reads beside the tokens; none of most models. What the prompt
/// is of is taken out of `prompt`: the tokens begin anew then.
static StatusOr<Sources> readSources(const GenerateOptions &options,
                                     const Generator &generator,
                                     PromptOptions &prompt) {
  if (generator.otherInputs().empty() && options.inputs.files.empty())
    return Sources();
  if (generator.otherInputs().empty())
    return Status(Code::InvalidArgument,
                  "--input: the model reads nothing beside the tokens");
  StatusOr<DataFacts> facts = loadFacts(options.weightsFile);
  if (!facts.isOk())
    return facts.status();
  SourceOptions source{options.inputs, "", ""};
  std::swap(source.text, prompt.text);
  std::swap(source.textFile, prompt.textFile);
  return Sources::read(source, generator,
                       {generator.plan().recipe, *facts, options.weightsFile,
                        options.prompt.files.directories});
}

/// Goes on from one source.
static Status generateOne(const GenerateOptions &options, Generator &generator,
                          const Prompt &prompt, int64_t source) {
  Continuation continuation(options, prompt.tokenizer);
  nlohmann::ordered_json report;
  Status status;
  if (options.beams > 1) {
    double logProbability = 0;
    status =
        searchTokens(options, generator, prompt, continuation, logProbability);
    report["log_probability"] = logProbability;
  } else {
    status =
        sampleTokens(options, generator, prompt.tokens, source, continuation);
  }
  if (!status.isOk())
    return status;
  continuation.finish();
  if (!options.isJson)
    return {};
  report["prompt_tokens"] = prompt.tokens;
  report["tokens"] = continuation.tokens;
  if (prompt.tokenizer)
    report["text"] = continuation.text;
  std::cout << report.dump(-1, ' ', false,
                           nlohmann::json::error_handler_t::replace)
            << '\n';
  return {};
}

static Status generate(const GenerateOptions &options, Session &session) {
  Status status = checkSampling(options.sampling);
  if (!status.isOk())
    return status;
  status = session.load(options.weightsFile, SaveKind::Weights,
                        {Matching::Exact, options.order, options.names});
  if (!status.isOk())
    return status;
  StatusOr<Generator> generator = Generator::create(session);
  if (!generator.isOk())
    return generator.status();
  if (generator->sequences() != options.beams)
    return {Code::InvalidArgument,
            concat("the plan generates ", generator->sequences(),
                   " sequences side by side, --beams asks for ",
                   options.beams)};
  PromptOptions begin = options.prompt;
  StatusOr<Sources> sources = readSources(options, *generator, begin);
  if (!sources.isOk())
    return sources.status();
  StatusOr<Prompt> prompt =
      readPrompt(begin, session.plan().recipe, *generator, options.weightsFile);
  if (!prompt.isOk())
    return prompt.status();
  for (int64_t i = 0; i < sources->count() && status.isOk(); ++i) {
    if (i > 0)
      status = generator->restart();
    if (status.isOk())
      status = sources->give(*generator, i);
    if (status.isOk())
      status = generateOne(options, *generator, *prompt, i);
  }
  return status;
}

static int run(GenerateOptions &options) {
  options.request.sequences = options.beams;
  // No other entry point runs.
  options.request.maxBatch = 1;
  options.prompt.files = readOptions(options.request.model, options.dataFolder);
  PlanOrExit opened = openModel(options.request);
  if (!opened.plan)
    return opened.exit;
  auto session = Session::create(opened.plan, {options.threads, 0, nullptr});
  if (!session.isOk())
    return fail(session.status());
  Status status = generate(options, **session);
  return status.isOk() ? int(Done) : fail(status);
}

static void addPromptOptions(CLI::App &command, GenerateOptions &options) {
  auto *text = command.add_option("--prompt", options.prompt.text,
                                  "the text to go on from, or that a model of "
                                  "encoder and decoder reads");
  auto *file = command
                   .add_option("--prompt-file", options.prompt.textFile,
                               "a file with the text to go on from, or with "
                               "texts to read, one a line")
                   ->excludes(text);
  command
      .add_option("--prompt-tokens", options.prompt.tokens,
                  "its tokens, as numbers between commas; prints numbers")
      ->type_name("N,N,..")
      ->excludes(text)
      ->excludes(file);
  command.add_option("--tokenizer", options.prompt.tokenizerFile,
                     "a tokenizer's file (default: the weights' vocabulary)");
  command
      .add_option("--merges", options.prompt.merges,
                  "the merges of a tokenizer of byte pairs")
      ->needs("--tokenizer");
  addDataOption(command, options.dataFolder,
                "; a tokenizer that the model names is there");
  command
      .add_option("--stop", options.stops,
                  "end before this text; may be repeated")
      ->type_name("TEXT")
      ->take_all()
      ->allow_extra_args(false)
      ->check([](const std::string &text) {
        return text.empty() ? std::string("a text to stop at is empty") : "";
      });
}

static void addSamplingOptions(CLI::App &command, GenerateOptions &options) {
  command.add_option("--tokens", options.tokens, "how many tokens to generate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      .add_option("--temperature", options.sampling.temperature,
                  "logits are divided by it; 0: the likeliest token always")
      ->capture_default_str();
  command.add_option(
      "--top-k", options.sampling.topK,
      "draw from so many of the likeliest tokens (default: all)");
  command
      .add_option("--top-p", options.sampling.topP,
                  "draw from the likeliest tokens that have this share of the "
                  "probability together")
      ->capture_default_str();
  command.add_option("--seed", options.sampling.seed, "of what is drawn")
      ->capture_default_str();
  command
      .add_option("--beams", options.beams,
                  "search the likeliest text with so many side by side, in "
                  "place of drawing")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command
      .add_option("--generate-input", options.request.generateInput,
                  "the input that has the tokens, where several may")
      ->type_name("NAME");
  command
      .add_option("--generate-output", options.request.generateOutput,
                  "the output that has the logits, where it is not called so")
      ->type_name("NAME");
}

void addGenerateCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App *command =
      app.add_subcommand("generate", "go on from a prompt, token by token");
  addModelOptions(*command, options->request);
  addThreadsOption(*command, options->threads);
  addRequiredWeightsOptions(*command, options->weightsFile, options->order,
                            options->names);
  addPromptOptions(*command, *options);
  addInputOptions(*command, options->inputs);
  addSamplingOptions(*command, *options);
  command->add_flag(
      "--json", options->isJson,
      "one JSON object on one line, or on one a text that is read");
  addHelp(
      *command,
      "nnc generate net.nn --weights net.safetensors --prompt 'Once'\n"
      "nnc generate net.nn --weights net.safetensors --prompt 'Once' --beams 4 "
      "--tokens 40\n"
      "nnc generate translate.nn --weights translate.safetensors --prompt-file "
      "sentences.txt --temperature 0\n",
      "one object, or one a text that is read: prompt_tokens, tokens, text "
      "(where\nthere is a tokenizer), log_probability (with --beams)\n");
  command->callback([options, &exit] { exit = run(*options); });
}

} // namespace nnc::tools
