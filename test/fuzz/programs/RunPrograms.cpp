// nnc-run-programs: compiles models and runs them, many in one process.
//
// Reads requests from standard input and answers each on standard output: a
// JSON object a line. `test/fuzz/programs/server.py` is the other end.
//
//   {"do": "ops"}                      every op that a program may call
//   {"do": "check", "text": ...}       types of the outputs and metrics
//   {"do": "expand", "text": ...}      its entry points, with composites and in
//                                      primitives
//   {"do": "run", "text": ..., "target": "cpu", "reference": false,
//    "maxBatch": 8, "threads": [1, 3], "runs": [
//      {"entry": "predict", "batch": 3, "inputs": {NAME: BYTES},
//       "state": {NAME: BYTES}, "trains": false}]}
//                                      outputs and state after each run: all of
//                                      it where it trains, else what changed
//
// BYTES are those of the tensor, in base64. An answer has "error" where the
// request failed, with what was said.
#include "codegen/Compile.h"
#include "frontend/Frontend.h"
#include "ir/Ops.h"
#include "passes/Passes.h"
#include "runtime/Session.h"
#include "test/fuzz/programs/Describe.h"
#include "tools/Compiler.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <iostream>
#include <map>

using namespace mlir;
namespace json = llvm::json;

namespace nnc::fuzz {

namespace {

/// Keeps the first error of the context's, with its place, while it lives.
class FirstError : public ScopedDiagnosticHandler {
public:
  explicit FirstError(MLIRContext *context)
      : ScopedDiagnosticHandler(context, [this](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == DiagnosticSeverity::Error &&
              text.empty()) {
            llvm::raw_string_ostream(text)
                << diagnostic.getLocation() << ": " << diagnostic;
          }
          return success();
        }) {}

  std::string text;
};

} // namespace

static json::Object failed(const std::string &text) {
  return json::Object{
      {"error", text.empty() ? std::string("failed without a message") : text}};
}

static OwningOpRef<ModuleOp> parse(StringRef text, MLIRContext &context,
                                   llvm::SourceMgr &sources) {
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, "fuzz.nn"), llvm::SMLoc());
  return parseModel(sources, &context);
}

//===----------------------------------------------------------------------===//
// Types, and the program in primitives
//===----------------------------------------------------------------------===//

static json::Object check(const json::Object &request, MLIRContext &context) {
  FirstError error(&context);
  llvm::SourceMgr sources;
  OwningOpRef<ModuleOp> module =
      parse(request.getString("text").value_or(""), context, sources);
  if (!module)
    return failed(error.text);
  json::Object outputs;
  module->walk([&](OutputOp output) {
    outputs[output.getName()] = describeType(output.getValue().getType());
  });
  return json::Object{{"outputs", std::move(outputs)}};
}

static json::Object expand(const json::Object &request, MLIRContext &context) {
  FirstError error(&context);
  llvm::SourceMgr sources;
  OwningOpRef<ModuleOp> module =
      parse(request.getString("text").value_or(""), context, sources);
  if (!module)
    return failed(error.text);
  PassManager toStep(&context), toPrimitives(&context);
  PipelineOptions options;
  options.gradientsEntry = request.getBoolean("gradients").value_or(false);
  buildPipeline(toStep, Stage::AsWritten, Stage::Step, options);
  if (mlir::failed(toStep.run(*module)))
    return failed(error.text);
  json::Object answer{{"step", describeModule(*module)}};
  // Not further: what simplifies and fuses is under test.
  toPrimitives.addNestedPass<func::FuncOp>(createExpandCompositesPass());
  toPrimitives.addPass(createAverageWeightsPass());
  if (mlir::failed(toPrimitives.run(*module)))
    return failed(error.text);
  answer["expanded"] = describeModule(*module);
  return answer;
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

static std::string encode(const void *data, int64_t size) {
  return llvm::encodeBase64(
      StringRef(static_cast<const char *>(data), size_t(size)));
}

/// The bytes under `name`; empty where there are none.
static std::vector<char> decode(const json::Object *object, StringRef name) {
  std::vector<char> bytes;
  std::optional<StringRef> text;
  if (object)
    text = object->getString(name);
  if (text && llvm::decodeBase64(*text, bytes))
    bytes.clear();
  return bytes;
}

/// Writes the state that the run begins with.
static runtime::Status writeState(runtime::Session &session,
                                  const json::Object *state) {
  for (const runtime::StateTensor &tensor : session.plan().state) {
    std::vector<char> bytes = decode(state, tensor.name);
    if (bytes.empty())
      continue;
    runtime::Status status =
        session.writeState(tensor.name, bytes.data(), bytes.size());
    if (!status.isOk())
      return status;
  }
  return {};
}

static runtime::Status runEntry(runtime::Session &session,
                                const runtime::EntryPoint &entry,
                                const json::Object &run, int64_t batch) {
  std::vector<runtime::AlignedBytes> inputs;
  std::vector<const void *> pointers;
  for (const runtime::TensorInfo &input : entry.inputs) {
    std::vector<char> bytes = decode(run.getObject("inputs"), input.name);
    // A multiple of the batch: the guard against a short one is the caller's.
    inputs.emplace_back(std::max<size_t>(bytes.size(), input.sizeBytes(batch)));
    std::memcpy(inputs.back().data(), bytes.data(), bytes.size());
    pointers.push_back(inputs.back().data());
  }
  return session.run(entry, pointers.data(), batch);
}

/// The bytes of all of the state, by name.
static runtime::StatusOr<std::map<std::string, std::vector<char>>>
readState(const runtime::Session &session) {
  std::map<std::string, std::vector<char>> state;
  for (const runtime::StateTensor &tensor : session.plan().state) {
    // The rounded copy of another is in no program.
    if (tensor.roundedFrom >= 0)
      continue;
    std::vector<char> &bytes = state[tensor.name];
    bytes.resize(tensor.sizeBytes());
    runtime::Status status =
        session.readState(tensor.name, bytes.data(), bytes.size());
    if (!status.isOk())
      return status;
  }
  return state;
}

static runtime::StatusOr<json::Object>
readOutputs(const runtime::Session &session, const runtime::EntryPoint &entry,
            int64_t batch) {
  json::Object outputs;
  for (const runtime::TensorInfo &output : entry.outputs) {
    runtime::StatusOr<const void *> data = session.outputData(output);
    if (!data.isOk())
      return data.status();
    outputs[output.kind + ":" + output.name] =
        encode(*data, output.sizeBytes(batch));
  }
  return outputs;
}

/// Runs on one session, and says what the run has changed. "init" alone reads
/// what a session begins with.
static runtime::StatusOr<json::Object> runOne(runtime::Session &session,
                                              const json::Object &run) {
  std::string name = run.getString("entry").value_or("").str();
  int64_t batch = run.getInteger("batch").value_or(1);
  const runtime::EntryPoint *entry = session.plan().findEntryPoint(name);
  if (!entry)
    return runtime::Status(runtime::Code::NotFound,
                           "the plan has no entry point '" + name + "'");
  json::Object answer{{"outputs", json::Object()}};
  runtime::Status status = writeState(session, run.getObject("state"));
  auto before = readState(session);
  if (name != "init" && status.isOk()) {
    status = runEntry(session, *entry, run, batch);
    if (!status.isOk())
      return status;
    auto outputs = readOutputs(session, *entry, batch);
    if (!outputs.isOk())
      return outputs.status();
    answer["outputs"] = std::move(*outputs);
  }
  auto after = readState(session);
  if (!status.isOk() || !before.isOk() || !after.isOk())
    return !status.isOk() ? status : (before.isOk() ? after : before).status();
  json::Array changed;
  json::Object state;
  for (auto &[tensor, bytes] : *after) {
    bool isChanged = (*before)[tensor] != bytes;
    if (isChanged)
      changed.push_back(tensor);
    if (isChanged || name == "init" || run.getBoolean("trains").value_or(false))
      state[tensor] = encode(bytes.data(), bytes.size());
  }
  answer["changed"] = std::move(changed);
  answer["state"] = std::move(state);
  return answer;
}

static json::Array runAll(const std::shared_ptr<const runtime::Plan> &plan,
                          int threads, const json::Array &runs) {
  json::Array answers;
  runtime::SessionOptions options;
  options.threads = threads;
  options.seed = plan->recipe.seed;
  auto session = runtime::Session::create(plan, std::move(options));
  for (const json::Value &run : runs) {
    if (!session.isOk()) {
      answers.push_back(failed("session: " + session.status().message()));
      continue;
    }
    auto answer = runOne(**session, *run.getAsObject());
    answers.push_back(answer.isOk() ? std::move(*answer)
                                    : failed(answer.status().message()));
  }
  return answers;
}

static json::Object run(const json::Object &request, MLIRContext &context) {
  FirstError error(&context);
  auto target = createTarget(request.getString("target").value_or("cpu"),
                             {request.getBoolean("reference").value_or(false)});
  if (!target)
    return failed(llvm::toString(target.takeError()));
  llvm::SourceMgr sources;
  OwningOpRef<ModuleOp> module =
      parse(request.getString("text").value_or(""), context, sources);
  if (!module)
    return failed(error.text);
  CompileOptions options;
  options.target = target->get();
  options.maxBatch = request.getInteger("maxBatch").value_or(0);
  options.passes.gradientsEntry =
      request.getBoolean("gradients").value_or(false);
  FailureOr<CompiledPlan> compiled = compileToPlan(*module, options);
  if (mlir::failed(compiled))
    return failed(error.text);
  auto plan =
      runtime::Plan::fromMemory(compiled->bytes.data(), compiled->bytes.size());
  if (!plan.isOk())
    return failed("the reader refuses the plan: " + plan.status().message());
  const json::Array *threads = request.getArray("threads");
  const json::Array *runs = request.getArray("runs");
  if (!threads || threads->empty() || !runs)
    return failed("a run needs threads and runs");
  json::Array first, differing;
  for (auto [i, count] : llvm::enumerate(*threads)) {
    json::Array answers =
        runAll(*plan, count.getAsInteger().value_or(1), *runs);
    if (i == 0)
      first = std::move(answers);
    else if (answers != first)
      differing.push_back(count);
  }
  return json::Object{{"runs", std::move(first)},
                      {"differingThreads", std::move(differing)}};
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

static json::Object answer(StringRef line, MLIRContext &context) {
  llvm::Expected<json::Value> request = json::parse(line);
  if (!request)
    return failed(llvm::toString(request.takeError()));
  const json::Object *object = request->getAsObject();
  StringRef what = object ? object->getString("do").value_or("") : "";
  if (what == "ops")
    return json::Object{{"ops", describeOps(&context)}};
  if (what == "check")
    return check(*object, context);
  if (what == "expand")
    return expand(*object, context);
  if (what == "run")
    return run(*object, context);
  return failed("expected ops, check, expand or run, found '" + what.str() +
                "'");
}

static int serve() {
  // A context keeps every attribute that it has seen.
  constexpr int kRequestsEach = 500;
  std::unique_ptr<MLIRContext> context;
  int count = 0;
  for (std::string line; std::getline(std::cin, line); ++count) {
    if (count % kRequestsEach == 0) {
      context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
      tools::prepareContext(*context);
    }
    llvm::outs() << json::Value(answer(line, *context)) << '\n';
    llvm::outs().flush();
  }
  return 0;
}

} // namespace nnc::fuzz

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  return nnc::fuzz::serve();
}
