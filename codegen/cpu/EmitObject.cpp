// From the LLVM dialect to machine code. Emitters write explicit vector code,
// so that LLVM's part is small: share, hoist, simplify, select instructions.
#include "codegen/cpu/EmitObject.h"

#include "codegen/cpu/LinkImage.h"
#include "codegen/cpu/LowerToLlvm.h"
#include "runtime/abi.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Threading.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace nnc;

/// What every x86-64 has; a model's features come on top.
static constexpr StringRef kBaseCpu = "x86-64";
static constexpr StringRef kTriple = "x86_64-unknown-linux-gnu";

/// Loop strength reduction takes 40 % of the code generator's time on the
/// contractions' loops. Splitting constants off addresses (see `optimize`)
/// finds the same addressing, but the pass can be left out by this option
/// alone.
static void disableStrengthReduction() {
  auto option = llvm::cl::getRegisteredOptions().find("disable-lsr");
  if (option != llvm::cl::getRegisteredOptions().end())
    static_cast<llvm::cl::opt<bool> *>(option->second)->setValue(true);
}

static void initializeLlvm() {
  static const bool done = [] {
    disableStrengthReduction();
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    return true;
  }();
  (void)done;
}

static std::unique_ptr<llvm::TargetMachine>
createTargetMachine(const CpuModel &model) {
  initializeLlvm();
  std::string error;
  llvm::Triple triple(kTriple);
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  assert(target && "the X86 backend was initialized above");
  std::string features;
  for (StringRef feature : model.features)
    features += (features.empty() ? "+" : ",+") + feature.str();
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, kBaseCpu, features, llvm::TargetOptions(), llvm::Reloc::PIC_,
      llvm::CodeModel::Small, llvm::CodeGenOptLevel::Less));
}

/// What explicit vector kernels need of LLVM's optimizer.
static constexpr StringRef kPipeline =
    "function("
    // What emitters write twice, and what does not change in a loop.
    "early-cse,loop-mssa(licm),simplifycfg,"
    // Constants move to the end of addresses, where instructions take them, and
    // what is left in front is shared and hoisted.
    "separate-const-offset-from-gep,early-cse,loop-mssa(licm))";

/// Against LLVM's O2 this takes a third of the time, and kernels are as fast.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  llvm::ModulePassManager passes;
  llvm::cantFail(builder.parsePassPipeline(passes, kPipeline));
  passes.run(module, modules);
}

/// Changes the context, so that it comes before threads start.
static void prepareTranslation(MLIRContext *context) {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  context->appendDialectRegistry(registry);
}

static std::unique_ptr<llvm::Module> translate(ModuleOp phases,
                                               const CpuModel &model,
                                               llvm::TargetMachine &machine,
                                               llvm::LLVMContext &context) {
  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(phases, context, "kernels",
                              /*disableVerification=*/true);
  if (!module)
    return nullptr;
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  for (llvm::Function &function : *module) {
    function.addFnAttr("target-cpu", kBaseCpu);
    function.addFnAttr("target-features", machine.getTargetFeatureString());
    function.addFnAttr("tune-cpu", model.name);
  }
  return module;
}

/// Writes `module` as an object or as assembly.
static llvm::SmallVector<char, 0> generate(llvm::Module &module,
                                           llvm::TargetMachine &machine,
                                           llvm::CodeGenFileType fileType) {
  llvm::SmallVector<char, 0> result;
  llvm::raw_svector_ostream stream(result);
  llvm::legacy::PassManager passes;
  bool cannot = machine.addPassesToEmitFile(passes, stream, nullptr, fileType,
                                            /*DisableVerify=*/true);
  assert(!cannot && "the X86 backend writes objects and assembly");
  (void)cannot;
  passes.run(module);
  return result;
}

namespace {

/// A module on its way through LLVM.
struct Compilation {
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
};

using Output = llvm::SmallVector<char, 0>;

} // namespace

/// Translates a module in the LLVM dialect, and optimizes it.
static FailureOr<Compilation> compile(ModuleOp lowered, const CpuModel &model) {
  Compilation result;
  result.machine = createTargetMachine(model);
  result.context = std::make_unique<llvm::LLVMContext>();
  result.module = translate(lowered, model, *result.machine, *result.context);
  if (!result.module)
    return failure();
  optimize(*result.module, *result.machine);
  return result;
}

static FailureOr<Output> compileTo(ModuleOp lowered, const CpuModel &model,
                                   llvm::CodeGenFileType fileType) {
  FailureOr<Compilation> compilation = compile(lowered, model);
  if (failed(compilation))
    return failure();
  return generate(*compilation->module, *compilation->machine, fileType);
}

//===----------------------------------------------------------------------===//
// Parts, compiled at the same time
//===----------------------------------------------------------------------===//

/// A fixed number, so that the code does not depend on the machine's cores.
static constexpr size_t kMaxParts = 4;

static size_t countOps(Operation *op) {
  size_t count = 0;
  op->walk([&](Operation *) { ++count; });
  return count;
}

/// Distributes the functions of a lowered module over modules of about the same
/// size. A phase is a body and the wrapper before or after it, which calls it;
/// functions and tables that are shared keep everything in one part.
static SmallVector<OwningOpRef<ModuleOp>> splitIntoParts(ModuleOp lowered) {
  llvm::MapVector<StringRef, SmallVector<LLVM::LLVMFuncOp, 2>> phases;
  bool isShared = !lowered.getOps<LLVM::GlobalOp>().empty();
  for (auto function : lowered.getOps<LLVM::LLVMFuncOp>()) {
    StringRef name = function.getName();
    bool isBody = name.consume_back(kBodySuffix);
    isShared |= !isBody && function.getLinkage() == LLVM::Linkage::Internal;
    phases[name].push_back(function);
  }
  size_t numParts = isShared ? 1 : std::min<size_t>(kMaxParts, phases.size());
  SmallVector<OwningOpRef<ModuleOp>> parts;
  SmallVector<size_t> sizes(std::max<size_t>(numParts, 1));
  for (size_t part = 0; part < sizes.size(); ++part)
    parts.push_back(ModuleOp::create(lowered.getLoc()));
  if (isShared) {
    parts[0]->getBody()->getOperations().splice(
        parts[0]->getBody()->end(), lowered.getBody()->getOperations());
    return parts;
  }
  for (auto &[name, functions] : phases) {
    size_t smallest = llvm::min_element(sizes) - sizes.begin();
    for (LLVM::LLVMFuncOp function : functions) {
      sizes[smallest] += countOps(function);
      function->remove();
      parts[smallest]->push_back(function);
    }
  }
  return parts;
}

FailureOr<CodeImage> nnc::emitCode(ModuleOp phases, const CpuModel &model) {
  SmallVector<std::pair<std::string, Location>> names;
  for (auto function : phases.getOps<func::FuncOp>())
    if (function.isPublic())
      names.emplace_back(function.getName().str(), function.getLoc());
  if (failed(lowerToLlvm(phases, model)))
    return failure();
  prepareTranslation(phases.getContext());
  SmallVector<OwningOpRef<ModuleOp>> parts = splitIntoParts(phases);
  SmallVector<Output> objects(parts.size());
  auto compilePart = [&](size_t part) -> LogicalResult {
    FailureOr<Output> object =
        compileTo(*parts[part], model, llvm::CodeGenFileType::ObjectFile);
    if (succeeded(object))
      objects[part] = std::move(*object);
    return object;
  };
  if (failed(failableParallelForEachN(phases.getContext(), 0, parts.size(),
                                      compilePart)))
    return failure();
  FailureOr<CodeImage> image = linkImage(objects, names, phases.getLoc());
  if (failed(image))
    return failure();
  image->features.assign(model.features.begin(), model.features.end());
  return image;
}

static llvm::GlobalVariable *addConstant(llvm::Module &module,
                                         llvm::Constant *value,
                                         const llvm::Twine &name) {
  return new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                  llvm::GlobalValue::ExternalLinkage, value,
                                  name);
}

std::vector<uint8_t> nnc::emitDataObject(ArrayRef<uint8_t> bytes,
                                         StringRef name) {
  // Of the machine it matters only whose object format it is.
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine({});
  llvm::LLVMContext context;
  llvm::Module module(name, context);
  module.setTargetTriple(machine->getTargetTriple());
  module.setDataLayout(machine->createDataLayout());
  addConstant(module, llvm::ConstantDataArray::get(context, bytes), name)
      ->setAlignment(llvm::Align(NNC_ALIGNMENT_BYTES));
  addConstant(
      module,
      llvm::ConstantInt::get(llvm::Type::getInt64Ty(context), bytes.size()),
      name + "_size");
  Output object = generate(module, *machine, llvm::CodeGenFileType::ObjectFile);
  return {object.begin(), object.end()};
}

FailureOr<std::string> nnc::emitAssembly(ModuleOp phases,
                                         const CpuModel &model) {
  if (failed(lowerToLlvm(phases, model)))
    return failure();
  prepareTranslation(phases.getContext());
  FailureOr<Output> text =
      compileTo(phases, model, llvm::CodeGenFileType::AssemblyFile);
  if (failed(text))
    return failure();
  return std::string(text->begin(), text->end());
}

FailureOr<std::string> nnc::emitLlvmIr(ModuleOp phases, const CpuModel &model) {
  if (failed(lowerToLlvm(phases, model)))
    return failure();
  prepareTranslation(phases.getContext());
  FailureOr<Compilation> compilation = compile(phases, model);
  if (failed(compilation))
    return failure();
  std::string text;
  llvm::raw_string_ostream stream(text);
  compilation->module->print(stream, nullptr);
  return text;
}
