// Names, lines and expressions, and a function from its head to its end.
#include "codegen/cuda/FunctionPrinter.h"

#include "codegen/GeneratedText.h"
#include "codegen/cuda/CudaNames.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace nnc;

static constexpr size_t kMaxLineLength = 88;

std::optional<Extent> nnc::toExtent(Attribute attribute) {
  auto array = dyn_cast_or_null<DenseI64ArrayAttr>(attribute);
  if (!array || array.size() != 3)
    return std::nullopt;
  return Extent{array[0], array[1], array[2]};
}

std::optional<Extent> nnc::elementsOf(func::FuncOp function, unsigned i) {
  if (auto extent = toExtent(function.getArgAttr(i, "nnc.elements")))
    return extent;
  auto type = cast<MemRefType>(function.getArgument(i).getType());
  if (type.hasStaticShape())
    return Extent{type.getNumElements(), 0, 1};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Names and types
//===----------------------------------------------------------------------===//

std::string FunctionPrinter::uniqueName(StringRef wanted) {
  std::string stem = toCudaName(wanted), name = stem;
  for (unsigned number = 1;
       isReservedInCuda(name) || !names.insert(name).second; ++number)
    name =
        stem + (llvm::isDigit(stem.back()) ? "_" : "") + std::to_string(number);
  return name;
}

std::string FunctionPrinter::nameFor(Value value) {
  std::string wanted = nameOf(value.getLoc());
  if (Operation *op = value.getDefiningOp(); op && wanted.empty()) {
    if (auto load = dyn_cast<memref::LoadOp>(op))
      wanted = viewOf(load.getMemRef()).base + "_value";
    else if (auto load = dyn_cast<vector::LoadOp>(op))
      wanted = viewOf(load.getBase()).base + "_values";
    else if (auto loop = dyn_cast<scf::ForOp>(op))
      wanted = describeCarried(
          loop.getYieldedValues()[cast<OpResult>(value).getResultNumber()]);
    else
      wanted = describeOp(op);
  }
  if (wanted.empty()) {
    auto argument = dyn_cast<BlockArgument>(value);
    bool isCounter =
        argument && isa<scf::ForOp>(argument.getOwner()->getParentOp());
    wanted = isCounter ? "i" : "value";
  }
  return uniqueName(wanted);
}

/// Whether anything writes through `memref` or a view of it.
static bool isWritten(Value memref) {
  return llvm::any_of(memref.getUsers(), [&](Operation *user) {
    if (isa<memref::LoadOp, vector::LoadOp, vector::TransferReadOp>(user))
      return false;
    if (isa<memref::ReinterpretCastOp, memref::CastOp>(user))
      return isWritten(user->getResult(0));
    if (auto copy = dyn_cast<nvgpu::DeviceAsyncCopyOp>(user))
      return copy.getDst() == memref;
    return true;
  });
}

std::string FunctionPrinter::pointerType(BlockArgument argument) {
  Type element = cast<MemRefType>(argument.getType()).getElementType();
  return (isWritten(argument) ? "" : "const ") +
         scalars.typeName(element).value_or("void") + " *";
}

CudaKernel::Buffer FunctionPrinter::describeBuffer(BlockArgument argument) {
  CudaKernel::Buffer buffer;
  unsigned number = argument.getArgNumber();
  auto given = function.getArgAttrOfType<StringAttr>(number, "nnc.name");
  std::string wanted = given ? given.str() : nameOf(argument.getLoc());
  if (wanted.empty())
    wanted = isWritten(argument) ? "y" : "x";
  buffer.name = uniqueName(wanted);
  buffer.type = pointerType(argument);
  Type element = cast<MemRefType>(argument.getType()).getElementType();
  buffer.elementBytes = (element.getIntOrFloatBitWidth() + 7) / 8;
  buffer.elements = elementsOf(function, number);
  buffer.isFloat = isa<FloatType>(element);
  buffer.isFresh = bool(function.getArgAttr(number, "nnc.fresh"));
  return buffer;
}

FailureOr<std::string> FunctionPrinter::typeOf(Value value) {
  if (std::optional<std::string> name = scalars.typeName(value.getType()))
    return *name;
  return emitError(value.getLoc())
         << "the type " << value.getType() << " has no form in CUDA C++";
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

static FileLineColLoc findSource(Location loc) {
  FileLineColLoc found;
  loc->walk([&](Location part) {
    auto source = dyn_cast<FileLineColLoc>(part);
    if (!source)
      return WalkResult::advance();
    found = source;
    return WalkResult::interrupt();
  });
  return found;
}

/// "model.nn:12", or nothing where it is not known.
static std::string describeSource(Location loc) {
  FileLineColLoc source = findSource(loc);
  // A line 0 is of no text.
  if (!source || source.getLine() == 0)
    return "";
  return toComment(llvm::sys::path::filename(source.getFilename())) + ":" +
         std::to_string(source.getLine());
}

void FunctionPrinter::line(const Twine &text) {
  body.append(2 * depth, ' ');
  body += text.str();
  body += '\n';
}

void FunctionPrinter::open(const Twine &text) {
  line(text + " {");
  ++depth;
}

void FunctionPrinter::close() {
  --depth;
  line("}");
}

/// Says where in the model the next statement comes from, where that is not
/// where the last came from.
void FunctionPrinter::noteSource(Operation *op) {
  std::string source = describeSource(op->getLoc());
  if (source.empty() || source == lastSource)
    return;
  line("// " + source);
  lastSource = source;
}

void FunctionPrinter::printSignature(StringRef head,
                                     ArrayRef<std::string> parameters) {
  std::string whole = (head + "(" + llvm::join(parameters, ", ") + ")").str();
  if (whole.size() <= kMaxLineLength)
    return open(whole);
  line(head + "(");
  for (const std::string &parameter : parameters)
    line("    " + parameter + (&parameter == &parameters.back() ? ") {" : ","));
  ++depth;
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

Expression FunctionPrinter::expressionOf(Value value) {
  auto found = expressions.find(value);
  if (found != expressions.end())
    return found->second;
  isFaulty = true;
  emitError(value.getLoc()) << "a fault of the compiler: a value of type "
                            << value.getType() << " has no expression";
  return {};
}

View FunctionPrinter::viewOf(Value memref) {
  auto found = views.find(memref);
  if (found != views.end())
    return found->second;
  isFaulty = true;
  emitError(memref.getLoc()) << "a fault of the compiler: a buffer of type "
                             << memref.getType() << " has no name";
  return {};
}

/// A pending expression is used once, here.
Expression FunctionPrinter::use(Value value) {
  if (auto *found = llvm::find(pending, value); found != pending.end())
    pending.erase(found);
  return expressionOf(value);
}

std::string FunctionPrinter::text(Value value, int precedence) {
  return use(value).inside(precedence);
}

/// Without using them.
SmallVector<std::string> FunctionPrinter::textsOf(ValueRange values) {
  return llvm::map_to_vector(
      values, [&](Value value) { return expressionOf(value).text; });
}

/// Whether an expression stands where its value is used: once, and in the same
/// block, so that it is computed as often as it was.
bool FunctionPrinter::isInlined(Operation *op) {
  if (op->getNumResults() != 1 || !op->getResult(0).hasOneUse())
    return false;
  if (!nameOf(op->getLoc()).empty())
    return false;
  Operation *user = *op->getResult(0).getUsers().begin();
  return user->getBlock() == op->getBlock() &&
         !isa<scf::ForOp, scf::WhileOp>(user);
}

void FunctionPrinter::define(Value value, Expression expression) {
  expressions[value] = std::move(expression);
}

LogicalResult FunctionPrinter::declare(Value value, Expression expression) {
  FailureOr<std::string> type = typeOf(value);
  if (failed(type))
    return failure();
  std::string name = nameFor(value);
  if (Operation *op = value.getDefiningOp())
    noteSource(op);
  line(*type + " " + name + " = " + expression.text + ";");
  define(value, {name});
  return success();
}

LogicalResult FunctionPrinter::nameReads() {
  SmallVector<Value> reads;
  llvm::copy_if(pending, std::back_inserter(reads),
                [&](Value value) { return expressionOf(value).readsMemory; });
  for (Value value : reads)
    if (failed(declare(value, use(value))))
      return failure();
  return success();
}

/// `name = value`, or `name += rest` where the value is `name + rest`.
void FunctionPrinter::assign(StringRef name, Value value, bool mayAccumulate) {
  Expression expression = use(value);
  if (expression.text == name)
    return;
  StringRef rest = expression.text;
  // The rest of a sum after its first operand is one operand only where the
  // sum is the whole of the expression.
  if (mayAccumulate && expression.isSumOf == name &&
      rest.consume_front((name + " + ").str()))
    line(name + " += " + rest + ";");
  else
    line(name + " = " + expression.text + ";");
}

//===----------------------------------------------------------------------===//
// The whole function
//===----------------------------------------------------------------------===//

FailureOr<CudaKernel> FunctionPrinter::printKernel(int64_t threads) {
  CudaKernel kernel;
  kernel.name = function.getName().str();
  kernel.threads = threads;
  kernel.blocks = toExtent(function->getAttr("nnc.blocks"));
  Block &entry = function.getBody().front();
  SmallVector<std::string> parameters;
  for (BlockArgument argument : entry.getArguments().drop_back()) {
    kernel.buffers.push_back(describeBuffer(argument));
    const CudaKernel::Buffer &buffer = kernel.buffers.back();
    View view;
    view.base = buffer.name;
    views[argument] = view;
    parameters.push_back(buffer.type + buffer.name);
  }
  // 64 bits in every signature; the index type in the body.
  BlockArgument batch = entry.getArguments().back();
  bool isConverted = scalars.hasNarrowIndices && !batch.use_empty();
  std::string parameter = uniqueName(isConverted ? "samples" : "batch");
  parameters.push_back("i64 " + parameter);
  std::string bounds = std::to_string(threads);
  if (auto resident = function->getAttrOfType<IntegerAttr>("nnc.resident"))
    bounds += ", " + std::to_string(resident.getInt());
  printSignature("extern \"C\" __global__ void __launch_bounds__(" + bounds +
                     ") " + kernel.name,
                 parameters);
  std::string name = isConverted ? uniqueName("batch") : parameter;
  if (isConverted)
    line("i32 " + name + " = i32(" + parameter + ");");
  define(batch, {name});
  if (failed(printBlock(entry)))
    return failure();
  close();
  if (isFaulty)
    return failure();
  kernel.text = body;
  kernel.synchronizes = synchronizes;
  return kernel;
}

FailureOr<std::string> FunctionPrinter::printHelper() {
  Block &entry = function.getBody().front();
  SmallVector<std::string> parameters;
  for (BlockArgument argument : entry.getArguments()) {
    if (isa<MemRefType>(argument.getType())) {
      CudaKernel::Buffer buffer = describeBuffer(argument);
      View view;
      view.base = buffer.name;
      views[argument] = view;
      parameters.push_back(buffer.type + buffer.name);
      continue;
    }
    FailureOr<std::string> type = typeOf(argument);
    if (failed(type))
      return failure();
    std::string name = nameFor(argument);
    define(argument, {name});
    parameters.push_back(*type + " " + name);
  }
  if (function.getNumResults() > 1)
    return function.emitOpError("has several results, which has no form in "
                                "CUDA C++"),
           failure();
  std::string result = "void";
  if (function.getNumResults() == 1)
    result = scalars.typeName(function.getResultTypes()[0]).value_or("void");
  printSignature("static __device__ " + result + " " + function.getName().str(),
                 parameters);
  if (failed(printBlock(entry)) || isFaulty)
    return failure();
  close();
  return body;
}
