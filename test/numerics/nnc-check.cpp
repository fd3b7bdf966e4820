// nnc-check: compiles the functions of an MLIR file and compares what they
// compute with what the file says.
//
//   func.func @exp(%x: tensor<?x2xf64> {check.value = dense<…> :
//   tensor<3x2xf64>})
//       -> (tensor<?x2xf64> {check.value = dense<…> : tensor<3x2xf64>})
//       attributes {check.tolerance = 64.0 : f64, check.gradient}
//
// Every function becomes an entry point of one plan. Its results must be within
// `check.tolerance` units of the element type's epsilon, times the largest
// expected magnitude; integers and booleans must be equal. With
// `check.gradient` the gradients of a weighted sum of its results are compared
// with central differences too. The same is done in f32 (values only), and in
// f16 and bf16 where a function has
// `check.narrow`; with `check.only = "f16"` in that alone. Infinities and NaN
// are expected as such.
#include "codegen/Compile.h"
#include "passes/Passes.h"
#include "tools/Compiler.h"
#include "tools/GradientCheck.h"

#include "ir/Dialect.h"
#include "ir/Expr.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace nnc;
namespace cl = llvm::cl;

static cl::opt<std::string> inputFile(cl::Positional, cl::Required,
                                      cl::desc("<tests.mlir>"));
static cl::opt<std::string> target("target", cl::init("cpu"),
                                   cl::desc("what to compile for"));
static cl::opt<bool> reference("reference",
                               cl::desc("every kernel as plain loops"));
static cl::opt<std::string> only("only", cl::desc("the one function to check"));

/// One function under test and the values that belong to it.
struct Case {
  func::FuncOp function;
  SmallVector<DenseElementsAttr> inputs, outputs;
  int64_t batch = 1;
  double tolerance = 64;
  bool isWrong = false;
};

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

/// Names arguments and results as the plan writer wants them.
static void nameValues(func::FuncOp function, StringRef resultKind) {
  Builder b(function.getContext());
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    function.setArgAttr(i, "nnc.name", b.getStringAttr("a" + Twine(i)));
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    function.setResultAttr(i, "nnc.name", b.getStringAttr("y" + Twine(i)));
    function.setResultAttr(i, "nnc.result", b.getStringAttr(resultKind));
  }
}

/// Turns `function` into one that returns sum_i sum(w_i * result_i), with w_i
/// between 0.5 and 1.5 and not all alike, and its gradient by every
/// floating-point argument.
static void makeGradientFunction(func::FuncOp function) {
  Operation *terminator = function.front().getTerminator();
  OpBuilder builder(terminator);
  ImplicitLocOpBuilder b(function.getLoc(), builder);
  Value loss;
  for (auto [i, result] : llvm::enumerate(terminator->getOperands())) {
    auto type = cast<RankedTensorType>(result.getType());
    if (!isa<FloatType>(type.getElementType()))
      continue;
    // cos takes every value once, so that a transposed gradient shows.
    Expr y(b, result);
    Expr term = sum(y * (1.0 + 0.5 * cos(3.0 * y + double(i))));
    loss = loss ? Value(Expr(b, loss) + term) : Value(term);
  }
  SmallVector<Value> variables;
  SmallVector<unsigned> places;
  for (BlockArgument argument : function.getArguments())
    if (isa<FloatType>(
            cast<RankedTensorType>(argument.getType()).getElementType())) {
      variables.push_back(argument);
      places.push_back(argument.getArgNumber());
    }
  SmallVector<Type> types(
      llvm::map_range(variables, [](Value v) { return v.getType(); }));
  auto gradient = GradientOp::create(b, types, loss, variables);
  SmallVector<Value> results{loss};
  llvm::append_range(results, gradient.getResults());
  terminator->setOperands(results);
  types.insert(types.begin(), loss.getType());
  function.setType(FunctionType::get(function.getContext(),
                                     function.getArgumentTypes(), types));
  function.removeResAttrsAttr();
  nameValues(function, "gradient");
  function.setResultAttr(0, "nnc.result", b.getStringAttr("loss"));
  for (auto [i, place] : llvm::enumerate(places))
    function.setResultAttr(i + 1, "nnc.name",
                           b.getStringAttr("a" + Twine(place)));
}

static FailureOr<std::shared_ptr<const runtime::Plan>>
compile(ModuleOp module, int64_t batch, StringRef elementType) {
  auto compilationTarget = createTarget(target, {reference});
  if (!compilationTarget)
    return emitError(module.getLoc())
           << llvm::toString(compilationTarget.takeError());
  CompileOptions options;
  options.target = compilationTarget->get();
  options.maxBatch = batch;
  if (!elementType.empty()) {
    PassManager pm(module.getContext());
    pm.addPass(createConvertElementTypePass({"f64", elementType.str()}));
    if (failed(pm.run(module)))
      return failure();
  }
  FailureOr<CompiledPlan> compiled = compileToPlan(module, options);
  if (failed(compiled))
    return failure();
  auto plan =
      runtime::Plan::fromMemory(compiled->bytes.data(), compiled->bytes.size());
  if (!plan.isOk()) {
    llvm::errs() << "error: " << plan.status().message() << '\n';
    return failure();
  }
  return *plan;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static SmallVector<double> toDoubles(DenseElementsAttr values) {
  if (isa<FloatType>(values.getElementType()))
    return llvm::map_to_vector(
        values.getValues<APFloat>(),
        [](const APFloat &v) { return v.convertToDouble(); });
  bool isUnsigned = values.getElementType().isUnsignedInteger() ||
                    values.getElementType().isInteger(1);
  return llvm::map_to_vector(values.getValues<APInt>(), [&](const APInt &v) {
    return isUnsigned ? double(v.getZExtValue()) : double(v.getSExtValue());
  });
}

/// The inputs of a case as an entry point wants them.
static tools::Columns makeInputs(const Case &test,
                                 const runtime::EntryPoint &entry) {
  tools::Columns columns;
  for (auto [values, info] : llvm::zip(test.inputs, entry.inputs)) {
    SmallVector<double> numbers = toDoubles(values);
    int64_t size = runtime::sizeBytes(info.elementType);
    runtime::Column column;
    column.numSamples = test.batch;
    column.data = runtime::AlignedBytes(numbers.size() * size);
    for (auto [i, number] : llvm::enumerate(numbers))
      runtime::fromDouble(info.elementType, number,
                          column.data.data() + i * size);
    columns.push_back(std::move(column));
  }
  return columns;
}

static double epsilon(runtime::ElementType type) {
  if (type == runtime::ElementType::F64)
    return std::numeric_limits<double>::epsilon();
  switch (type) {
  case runtime::ElementType::F32:
    return std::numeric_limits<float>::epsilon();
  case runtime::ElementType::F16:
    return 0x1p-10;
  case runtime::ElementType::BF16:
    return 0x1p-7;
  default:
    return 0;
  }
}

/// Compares one output; prints what differs.
static bool isClose(const Case &test, runtime::Session &session,
                    const runtime::TensorInfo &output,
                    DenseElementsAttr wanted) {
  SmallVector<double> expected = toDoubles(wanted);
  runtime::StatusOr<const void *> data = session.outputData(output);
  if (!data.isOk()) {
    llvm::errs() << "  " << data.status().message() << '\n';
    return false;
  }
  const auto *found = static_cast<const char *>(*data);
  double largest = 0;
  for (double value : expected)
    if (std::isfinite(value))
      largest = std::max(largest, std::abs(value));
  double allowed =
      test.tolerance * epsilon(output.elementType) * std::max(largest, 1e-3);
  for (auto [i, value] : llvm::enumerate(expected)) {
    double actual = runtime::toDouble(
        output.elementType, found + i * runtime::sizeBytes(output.elementType));
    if (std::abs(actual - value) <= allowed || actual == value ||
        (std::isnan(actual) && std::isnan(value)))
      continue;
    llvm::errs() << "  " << runtime::name(output.elementType) << " result "
                 << output.name << '[' << i << "] is "
                 << llvm::format("%.17g", actual) << ", expected "
                 << llvm::format("%.17g", value)
                 << llvm::format(" within %.1e\n", allowed);
    return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

using Cases = ArrayRef<Case *>;

static bool checkValues(const Case &test, runtime::Session &session,
                        const runtime::EntryPoint &entry) {
  tools::Columns columns = makeInputs(test, entry);
  runtime::Status status =
      session.run(entry, tools::pointersAt(columns, 0).data(), test.batch);
  if (!status.isOk()) {
    llvm::errs() << "  " << status.message() << '\n';
    return false;
  }
  bool ok = true;
  for (auto [output, wanted] : llvm::zip(entry.outputs, test.outputs))
    ok &= isClose(test, session, output, wanted);
  return ok;
}

static bool checkGradient(const Case &test, runtime::Session &session,
                          const runtime::EntryPoint &entry) {
  tools::Columns columns = makeInputs(test, entry);
  std::vector<tools::Verdict> verdicts;
  runtime::Status status =
      tools::checkGradients(session, entry, columns, test.batch, 24, verdicts);
  if (!status.isOk())
    llvm::errs() << "  " << status.message() << '\n';
  bool ok = status.isOk();
  for (const tools::Verdict &verdict : verdicts) {
    if (tools::isGood(verdict))
      continue;
    ok = false;
    llvm::errs() << "  gradient of " << verdict.name << " is wrong in "
                 << verdict.wrong << " of " << verdict.checked
                 << " elements, worst relative error "
                 << llvm::format("%.1e\n", verdict.worst);
  }
  return ok;
}

namespace {

/// What is done with cases: how the function becomes an entry point, in which
/// element type, and how what it computes is checked.
struct Check {
  void (*prepare)(func::FuncOp);
  StringRef elementType;
  bool (*run)(const Case &, runtime::Session &, const runtime::EntryPoint &);
};

} // namespace

/// Compiles the functions of all cases into one plan.
static FailureOr<std::shared_ptr<const runtime::Plan>>
compileTogether(Cases cases, const Check &check) {
  OwningOpRef<ModuleOp> module =
      ModuleOp::create(cases.front()->function.getLoc());
  int64_t maxBatch = 1;
  for (Case *test : cases) {
    func::FuncOp function = test->function.clone();
    module->getBody()->push_back(function);
    check.prepare(function);
    maxBatch = std::max(maxBatch, test->batch);
  }
  return compile(*module, maxBatch, check.elementType);
}

/// Marks those that fail. Where one cannot be compiled, each is compiled alone.
static void run(Cases cases, const Check &check) {
  if (cases.empty())
    return;
  auto plan = compileTogether(cases, check);
  if (failed(plan) && cases.size() > 1) {
    for (Case *test : cases)
      run(test, check);
    return;
  }
  if (failed(plan)) {
    cases.front()->isWrong = true;
    return;
  }
  auto session = runtime::Session::create(*plan, {});
  for (Case *test : cases) {
    if (!session.isOk()) {
      llvm::errs() << "  " << session.status().message() << '\n';
      test->isWrong = true;
      continue;
    }
    const runtime::EntryPoint *entry =
        (*plan)->findEntryPoint(test->function.getName().str());
    if (check.run(*test, **session, *entry))
      continue;
    llvm::errs() << "  in @" << test->function.getName() << '\n';
    test->isWrong = true;
  }
}

/// The values that the attributes give, and the batch that the shapes imply.
static FailureOr<Case> readCase(func::FuncOp function) {
  Case test;
  test.function = function;
  if (auto tolerance = function->getAttrOfType<FloatAttr>("check.tolerance"))
    test.tolerance = tolerance.getValueAsDouble();
  auto read = [&](Attribute attr, Type type,
                  SmallVector<DenseElementsAttr> &values) -> LogicalResult {
    auto dense = dyn_cast_or_null<DenseElementsAttr>(attr);
    if (!dense)
      return function.emitError("every argument and result needs check.value");
    auto shape = cast<RankedTensorType>(type).getShape();
    for (auto [axis, size] : llvm::enumerate(shape))
      if (ShapedType::isDynamic(size))
        test.batch = dense.getType().getShape()[axis];
    values.push_back(dense);
    return success();
  };
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (failed(read(function.getArgAttr(i, "check.value"),
                    function.getArgument(i).getType(), test.inputs)))
      return failure();
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (failed(read(function.getResultAttr(i, "check.value"),
                    function.getResultTypes()[i], test.outputs)))
      return failure();
  return test;
}

/// Whether the values of a case are checked in element type `type`.
static bool runsIn(func::FuncOp function, StringRef type) {
  if (auto only = function->getAttrOfType<StringAttr>("check.only"))
    return only == type;
  return type == "f64" || type == "f32" || function->hasAttr("check.narrow");
}

/// In f64, f32 and narrower types, and the gradients.
static void checkAll(Cases cases) {
  auto select = [&](llvm::function_ref<bool(Case *)> isWanted) {
    return llvm::to_vector(llvm::make_filter_range(cases, isWanted));
  };
  auto asOutputs = [](func::FuncOp function) {
    nameValues(function, "output");
  };
  for (StringRef type : {"f64", "f32", "f16", "bf16"})
    run(select([&](Case *test) { return runsIn(test->function, type); }),
        {asOutputs, type == "f64" ? "" : type, checkValues});
  run(select(
          [](Case *test) { return test->function->hasAttr("check.gradient"); }),
      {makeGradientFunction, "", checkGradient});
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "checks what functions compute\n");
  MLIRContext context;
  tools::prepareContext(context);
  context.allowUnregisteredDialects(); // the check.* attributes
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(inputFile, sources, &context);
  if (!module)
    return 1;
  std::vector<std::unique_ptr<Case>> cases;
  SmallVector<Case *> readable;
  for (auto function : module->getOps<func::FuncOp>()) {
    if (!only.empty() && function.getName() != only)
      continue;
    // What nnc says of its own products; a GPU's library adds up as it likes.
    if (function->hasAttr("check.own") && StringRef(target).starts_with("cuda"))
      continue;
    FailureOr<Case> test = readCase(function);
    cases.push_back(std::make_unique<Case>());
    cases.back()->function = function;
    cases.back()->isWrong = failed(test);
    if (failed(test))
      continue;
    *cases.back() = *test;
    readable.push_back(cases.back().get());
  }
  checkAll(readable);
  unsigned numWrong = 0;
  for (const auto &test : cases) {
    if (!test->isWrong)
      continue;
    ++numWrong;
    llvm::errs() << "FAILED @" << test->function.getName() << '\n';
  }
  llvm::outs() << cases.size() - numWrong << " passed, " << numWrong
               << " failed\n";
  return numWrong || cases.empty();
}
