// nnc summary: a model layer by layer, with what each costs once it is
// compiled.
#include "tools/Summary.h"
#include "tools/CommandLine.h"
#include "tools/Compiler.h"
#include "tools/Text.h"

#include "codegen/OpWork.h"
#include "codegen/Target.h"
#include "frontend/Frontend.h"
#include "ir/Ops.h"
#include "ir/Scopes.h"
#include "ir/Shapes.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace mlir;

namespace nnc::tools {

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

namespace {

struct ParameterCount {
  int64_t trained = 0, frozen = 0, buffers = 0;

  int64_t all() const { return trained + frozen; }
};

/// A layer, or ops without parameters that stand in one line of a scope.
struct Row {
  std::string scope;
  SmallVector<std::string> ops; // each name once
  RankedTensorType output;
  ParameterCount parameters;
  /// Some of its parameters are counted where they are read first.
  bool shares = false;
  bool isLayer = false;
  OpWork work;
  FileLineColLoc source;
  /// How many rows were folded into it.
  int64_t numRows = 1;
};

struct Contents {
  std::string model;
  std::vector<Row> rows;
  ParameterCount parameters;
  /// All that the rows have not.
  OpWork others;
  OpWork total;
  llvm::json::Object recipe;
};

} // namespace

static void add(OpWork &sum, const OpWork &term) {
  sum.forwardFlop += term.forwardFlop;
  sum.stepFlop += term.stepFlop;
  sum.keptBytes += term.keptBytes;
}

static void add(ParameterCount &sum, const ParameterCount &term) {
  sum.trained += term.trained;
  sum.frozen += term.frozen;
  sum.buffers += term.buffers;
}

/// A setting of the recipe; null where it is of another kind than JSON has.
static llvm::json::Value describe(Attribute attribute) {
  if (auto integer = dyn_cast<IntegerAttr>(attribute))
    return integer.getType().isInteger(1)
               ? llvm::json::Value(integer.getValue().getBoolValue())
               : llvm::json::Value(integer.getInt());
  if (auto real = dyn_cast<FloatAttr>(attribute))
    return real.getValueAsDouble();
  if (auto text = dyn_cast<StringAttr>(attribute))
    return printable(text.getValue());
  if (auto array = dyn_cast<ArrayAttr>(attribute)) {
    llvm::json::Array values;
    for (Attribute value : array)
      values.push_back(describe(value));
    return values;
  }
  if (auto dictionary = dyn_cast<DictionaryAttr>(attribute)) {
    llvm::json::Object values;
    for (NamedAttribute value : dictionary)
      values[value.getName().getValue()] = describe(value.getValue());
    return values;
  }
  return nullptr;
}

/// What the model says of its training, but for its data.
static llvm::json::Object describeRecipe(ModelOp model) {
  llvm::json::Object recipe;
  for (NamedAttribute setting : model->getDiscardableAttrs()) {
    StringRef name = setting.getName().getValue();
    llvm::json::Value value = describe(setting.getValue());
    if (!name.contains('.') && name != "data" && name != "sample_steps" &&
        value.kind() != llvm::json::Value::Null)
      recipe[name] = std::move(value);
  }
  return recipe;
}

namespace {

/// Goes through the ops of the model in their order.
class Collector {
public:
  Collector(ModuleOp module, ModelOp model, const ModelWork &work)
      : module(module), model(model), work(work) {}

  Contents run();

private:
  Row makeRow(Operation &op, const OpWork &itsWork);
  void countParameters(Operation &op, Row &row);
  void addRow(Row row);

  ModuleOp module;
  ModelOp model;
  const ModelWork &work;
  Contents contents;
  llvm::StringSet<> counted;
};

} // namespace

/// Each parameter is counted once, where it is read first.
void Collector::countParameters(Operation &op, Row &row) {
  for (Value operand : op.getOperands()) {
    auto read = operand.getDefiningOp<ReadOp>();
    if (!read)
      continue;
    row.isLayer = true;
    StringRef name = read.getParameter();
    if (!counted.insert(name).second) {
      row.shares = true;
      continue;
    }
    auto parameter = module.lookupSymbol<ParameterOp>(name);
    int64_t count =
        cast<RankedTensorType>(parameter.getType()).getNumElements();
    if (parameter.getRole() == Role::buffer)
      row.parameters.buffers += count;
    else if (work.frozen.contains(name))
      row.parameters.frozen += count;
    else
      row.parameters.trained += count;
  }
}

Row Collector::makeRow(Operation &op, const OpWork &itsWork) {
  Row row;
  row.scope = scopeOf(op.getLoc()).str();
  StringRef name = op.getName().getStringRef();
  name.consume_front("nnc.");
  row.ops.push_back(name.str());
  row.output = cast<RankedTensorType>(op.getResult(0).getType());
  row.source = op.getLoc()->findInstanceOf<FileLineColLoc>();
  row.work = itsWork;
  countParameters(op, row);
  return row;
}

/// What computes nothing of its own: it has no row.
static bool isNoLayer(Operation &op) {
  return op.getNumResults() == 0 || isa<ReadOp, ConstantOp>(op);
}

void Collector::addRow(Row row) {
  Row *last = contents.rows.empty() ? nullptr : &contents.rows.back();
  bool isSameLine = last && last->source && row.source &&
                    last->source.getFilename() == row.source.getFilename() &&
                    last->source.getLine() == row.source.getLine();
  if (!isSameLine || last->isLayer || row.isLayer || last->scope != row.scope) {
    contents.rows.push_back(std::move(row));
    return;
  }
  if (!llvm::is_contained(last->ops, row.ops.front()))
    last->ops.push_back(row.ops.front());
  last->output = row.output;
  add(last->work, row.work);
}

Contents Collector::run() {
  contents.model = model.getSymName().str();
  contents.others = work.others;
  contents.recipe = describeRecipe(model);
  for (auto [op, itsWork] :
       llvm::zip_equal(model.getBody().front(), work.ops)) {
    if (isNoLayer(op))
      add(contents.others, itsWork);
    else
      addRow(makeRow(op, itsWork));
    add(contents.total, itsWork);
  }
  add(contents.total, work.others);
  for (const Row &row : contents.rows)
    add(contents.parameters, row.parameters);
  return std::move(contents);
}

//===----------------------------------------------------------------------===//
// Folding
//===----------------------------------------------------------------------===//

/// The first `depth` levels of a scope, an index with the name before it
/// ("block.3" is one); empty where it has fewer.
static StringRef firstLevels(StringRef scope, int64_t depth) {
  size_t end = 0;
  for (int64_t level = 0; level < depth; ++level) {
    if (end == scope.size())
      return "";
    end = std::min(scope.find('.', end + (level > 0)), scope.size());
    while (end + 1 < scope.size() && llvm::isDigit(scope[end + 1]))
      end = std::min(scope.find('.', end + 1), scope.size());
  }
  return scope.take_front(end);
}

/// Rows that follow one another in a scope of `depth` levels become one.
static std::vector<Row> fold(std::vector<Row> rows, int64_t depth) {
  std::vector<Row> folded;
  for (Row &row : rows) {
    std::string scope = firstLevels(row.scope, depth).str();
    Row *last = folded.empty() ? nullptr : &folded.back();
    if (scope.empty() || !last || last->scope != scope) {
      if (!scope.empty())
        row.scope = scope;
      folded.push_back(std::move(row));
      continue;
    }
    ++last->numRows;
    last->output = row.output;
    add(last->parameters, row.parameters);
    last->shares |= row.shares;
    add(last->work, row.work);
  }
  return folded;
}

static std::string describeOps(const Row &row) {
  constexpr size_t kMostNames = 3;
  if (row.numRows > 1)
    return std::to_string(row.numRows) + " parts";
  std::string names = llvm::join(
      ArrayRef(row.ops).take_front(std::min(row.ops.size(), kMostNames)), ", ");
  return row.ops.size() > kMostNames ? names + ", ..." : names;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string flopText(double flop) {
  static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
  size_t unit = 0;
  for (; flop >= 999.95 && unit + 1 < std::size(units); ++unit)
    flop /= 1000;
  if (flop == 0)
    return "-";
  return llvm::formatv(unit ? "{0:F1} {1}FLOP" : "{0:F0} {1}FLOP", flop,
                       units[unit]);
}

static std::string countText(const Row &row) {
  if (row.parameters.all() + row.parameters.buffers == 0)
    return row.shares ? "shared" : "-";
  std::string text = std::to_string(row.parameters.all());
  if (row.parameters.buffers)
    text += " + " + std::to_string(row.parameters.buffers);
  if (row.parameters.frozen)
    text += row.parameters.trained ? " (part frozen)" : " (frozen)";
  return text;
}

static std::string bytesText(int64_t bytes) {
  return bytes ? sizeText(bytes) : "-";
}

using Cells = std::vector<std::string>;

/// Columns as wide as they need, numbers to the right.
static void printTable(const std::vector<Cells> &table,
                       ArrayRef<bool> toTheRight) {
  SmallVector<size_t> widths(toTheRight.size());
  for (const Cells &cells : table)
    for (auto [cell, width] : llvm::zip_equal(cells, widths))
      width = std::max(width, cell.size());
  for (const Cells &cells : table) {
    std::string line;
    for (auto [cell, width, isRight] :
         llvm::zip_equal(cells, widths, toTheRight)) {
      std::string blanks(width - cell.size(), ' ');
      line += "  " + (isRight ? blanks + cell : cell + blanks);
    }
    llvm::outs() << StringRef(line).rtrim() << '\n';
  }
}

static void printRows(const Contents &contents) {
  std::vector<Cells> table{{"layer", "op", "output", "parameters", "forward",
                            "step", "kept", "line"}};
  for (const Row &row : contents.rows)
    table.push_back({printable(row.scope), printable(describeOps(row)),
                     printType(row.output), countText(row),
                     flopText(row.work.forwardFlop),
                     flopText(row.work.stepFlop), bytesText(row.work.keptBytes),
                     row.source ? std::to_string(row.source.getLine()) : ""});
  if (contents.others.stepFlop > 0)
    table.push_back({"", "optimizer", "", "",
                     flopText(contents.others.forwardFlop),
                     flopText(contents.others.stepFlop),
                     bytesText(contents.others.keptBytes), ""});
  printTable(table, {false, false, false, true, true, true, true, true});
}

static void printPlanned(StringRef what, const PlannedBytes &bytes,
                         const Twine &ofState) {
  llvm::outs() << llvm::formatv(
      "{0,-11} {1}: {2} of parameters{3}, {4} to work in; {5} more for each "
      "thread\n",
      what, sizeText(bytes.stateBytes + bytes.arenaBytes),
      sizeText(bytes.stateBytes), ofState.str(), sizeText(bytes.arenaBytes),
      sizeText(bytes.scratchBytes));
}

static void printTotals(const Contents &contents, const ModelWork &work) {
  const ParameterCount &count = contents.parameters;
  llvm::outs() << llvm::formatv(
      "\nparameters  {0}: {1} trained, {2} frozen; {3} numbers in buffers\n",
      count.all(), count.trained, count.frozen, count.buffers);
  llvm::outs() << "work        " << flopText(contents.total.forwardFlop)
               << " forward";
  if (work.training)
    llvm::outs() << ", " << flopText(contents.total.stepFlop)
                 << " a training step";
  llvm::outs() << '\n';
  if (work.training)
    printPlanned("training", *work.training,
                 " and optimizer state (" + sizeText(work.optimizerStateBytes) +
                     ")");
  printPlanned("inference", work.inference, "");
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static llvm::json::Object describe(const ParameterCount &count) {
  return llvm::json::Object{{"trained", count.trained},
                            {"frozen", count.frozen},
                            {"buffers", count.buffers}};
}

static llvm::json::Object describe(const OpWork &work) {
  return llvm::json::Object{{"forward_flop", work.forwardFlop},
                            {"step_flop", work.stepFlop},
                            {"kept_bytes", work.keptBytes}};
}

static llvm::json::Object describe(const PlannedBytes &bytes) {
  return llvm::json::Object{{"peak_bytes", bytes.stateBytes + bytes.arenaBytes},
                            {"state_bytes", bytes.stateBytes},
                            {"arena_bytes", bytes.arenaBytes},
                            {"scratch_bytes", bytes.scratchBytes}};
}

static llvm::json::Object describe(const Row &row) {
  llvm::json::Array shape, ops;
  for (const std::string &op : row.ops)
    ops.push_back(op);
  for (int64_t dimension : row.output.getShape())
    shape.push_back(ShapedType::isDynamic(dimension) ? -1 : dimension);
  llvm::json::Object object{
      {"layer", printable(row.scope)},
      {"ops", std::move(ops)},
      {"parts", row.numRows},
      {"element_type", printElementType(row.output.getElementType())},
      {"output", std::move(shape)},
      {"parameters", describe(row.parameters)},
      {"work", describe(row.work)}};
  if (row.source)
    object["source"] = printable(
        llvm::formatv("{0}:{1}:{2}", row.source.getFilename().getValue(),
                      row.source.getLine(), row.source.getColumn())
            .str());
  return object;
}

static void printJson(const Contents &contents, const ModelWork &work) {
  llvm::json::Array layers;
  for (const Row &row : contents.rows)
    layers.push_back(describe(row));
  llvm::json::Object object{{"model", contents.model},
                            {"batch", work.batch},
                            {"layers", std::move(layers)},
                            {"optimizer", describe(contents.others)},
                            {"parameters", describe(contents.parameters)},
                            {"work", describe(contents.total)},
                            {"recipe", llvm::json::Object(contents.recipe)},
                            {"optimizer_state_bytes", work.optimizerStateBytes},
                            {"inference", describe(work.inference)}};
  if (work.training)
    object["training"] = describe(*work.training);
  llvm::outs() << llvm::json::Value(std::move(object)) << '\n';
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

namespace {
struct SummaryArguments {
  std::string model, target = "cpu";
  std::vector<std::string> settings, plugins, freeze;
  std::optional<int64_t> memoryBudgetBytes;
  int64_t batch = 0;
  /// Scopes of more levels become one row; 0: none does.
  int64_t depth = 0;
  bool asJson = false;
};
} // namespace

static int print(ModuleOp module, const CompileOptions &options,
                 const SummaryArguments &arguments) {
  auto models = module.getOps<ModelOp>();
  if (models.empty()) {
    llvm::errs() << arguments.model << ": error: there is no nnc.model in it\n";
    return InputWrong;
  }
  FailureOr<ModelWork> work = countOpWork(module, options);
  if (failed(work))
    return InputWrong;
  Contents contents = Collector(module, *models.begin(), *work).run();
  // What fits on a screen is shown whole.
  constexpr size_t kMostRows = 48;
  const size_t numRows = contents.rows.size();
  int64_t depth = arguments.depth;
  if (depth == 0 && !arguments.asJson && numRows > kMostRows)
    depth = 1;
  if (depth > 0)
    contents.rows = fold(std::move(contents.rows), depth);
  if (arguments.asJson) {
    printJson(contents, *work);
    return Done;
  }
  llvm::outs() << printable(contents.model) << ", batch " << work->batch
               << "\n\n";
  printRows(contents);
  if (arguments.depth == 0 && contents.rows.size() < numRows)
    llvm::outs() << llvm::formatv(
        "\n  {0} rows are folded into {1}; --depth 2 shows more\n", numRows,
        contents.rows.size());
  printTotals(contents, *work);
  return Done;
}

static int summarize(const SummaryArguments &arguments) {
  MLIRContext context;
  prepareContext(context);
  if (int exit = loadPlugins(context, arguments.plugins))
    return exit;
  auto target = createTarget(arguments.target, {});
  if (!target) {
    llvm::errs() << "error: " << llvm::toString(target.takeError()) << '\n';
    return CommandLineWrong;
  }
  if (llvm::StringRef(arguments.model).ends_with(".plan")) {
    llvm::errs() << arguments.model
                 << ": error: a plan has kernels and no layers: `nnc inspect` "
                    "shows them, and a summary is of the model\n";
    return InputWrong;
  }
  llvm::SourceMgr sources;
  DiagnosticPrinter printer(sources, &context);
  OwningOpRef<ModuleOp> module =
      loadModel(arguments.model, sources, &context, arguments.settings);
  if (!module)
    return InputWrong;
  CompileOptions options;
  options.target = target->get();
  options.maxBatch = arguments.batch;
  options.memoryBudgetBytes = arguments.memoryBudgetBytes;
  options.passes.freeze = arguments.freeze;
  return print(*module, options, arguments);
}

void addSummaryCommand(CLI::App &app, int &exit) {
  auto arguments = std::make_shared<SummaryArguments>();
  CLI::App *command = app.add_subcommand(
      "summary", "show a model layer by layer: shapes, parameters, FLOP, "
                 "memory");
  command
      ->add_option("MODEL", arguments->model,
                   "a .nn, .graph, .mlir or .mlirbc file")
      ->required();
  command
      ->add_option("--batch", arguments->batch,
                   "samples a step (default: the model's batch)")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 31));
  command
      ->add_option("--depth", arguments->depth,
                   "levels of scopes to show: what is deeper is one row "
                   "(default: all, and 1 where they are many)")
      ->check(CLI::Range(1, 64));
  command
      ->add_option("--target", arguments->target,
                   "what the model is compiled for, as nnc compile has it")
      ->capture_default_str();
  addMemoryBudgetOption(*command, arguments->memoryBudgetBytes);
  addSetOption(*command, arguments->settings);
  addFreezeOption(*command, arguments->freeze);
  addPluginOption(*command, arguments->plugins);
  command->add_flag("--json", arguments->asJson, "one JSON object on one line");
  addHelp(*command,
          "nnc summary net.nn\n"
          "nnc summary net.nn --batch 1 --depth 1\n",
          "one object: model, batch, layers (layer, ops, parts, element_type, "
          "output,\n"
          "parameters, work, source), optimizer, parameters, work,\n"
          "optimizer_state_bytes, training, inference\n");
  command->callback([arguments, &exit] { exit = summarize(*arguments); });
}

} // namespace nnc::tools
