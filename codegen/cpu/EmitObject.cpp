// From the LLVM dialect to machine code. Emitters write explicit vector code,
// so that LLVM's part is small: share, hoist, simplify, select instructions.
#include "codegen/cpu/EmitObject.h"

#include "codegen/cpu/LinkImage.h"
#include "codegen/cpu/LowerToLlvm.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace nnc;

/// What every x86-64 has; a model's features come on top.
static constexpr StringRef kBaseCpu = "x86-64";
static constexpr StringRef kTriple = "x86_64-unknown-linux-gnu";

static void initializeLlvm() {
  static const bool done = [] {
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
      llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
}

/// Runs what explicit vector kernels need of LLVM's optimizer. Loop
/// vectorization, unrolling and the rest cost three times the time and gain
/// nothing there (docs/performance.md).
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
  llvm::cantFail(builder.parsePassPipeline(
      passes, "function(early-cse,loop-mssa(licm),simplifycfg)"));
  passes.run(module, modules);
}

static std::unique_ptr<llvm::Module> translate(ModuleOp phases,
                                               const CpuModel &model,
                                               llvm::TargetMachine &machine,
                                               llvm::LLVMContext &context) {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  phases.getContext()->appendDialectRegistry(registry);
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

} // namespace

/// Everything before the code generator.
static FailureOr<Compilation> compile(ModuleOp phases, const CpuModel &model) {
  if (failed(lowerToLlvm(phases, model)))
    return failure();
  Compilation result;
  result.machine = createTargetMachine(model);
  result.context = std::make_unique<llvm::LLVMContext>();
  result.module = translate(phases, model, *result.machine, *result.context);
  if (!result.module)
    return failure();
  optimize(*result.module, *result.machine);
  return result;
}

static FailureOr<llvm::SmallVector<char, 0>>
compileTo(ModuleOp phases, const CpuModel &model,
          llvm::CodeGenFileType fileType) {
  FailureOr<Compilation> compilation = compile(phases, model);
  if (failed(compilation))
    return failure();
  return generate(*compilation->module, *compilation->machine, fileType);
}

FailureOr<CodeImage> nnc::emitCode(ModuleOp phases, const CpuModel &model) {
  SmallVector<std::pair<std::string, Location>> names;
  for (auto function : phases.getOps<func::FuncOp>())
    if (function.isPublic())
      names.emplace_back(function.getName().str(), function.getLoc());
  auto object = compileTo(phases, model, llvm::CodeGenFileType::ObjectFile);
  if (failed(object))
    return failure();
  FailureOr<CodeImage> image = linkImage(*object, names, phases.getLoc());
  if (failed(image))
    return failure();
  image->features.assign(model.features.begin(), model.features.end());
  return image;
}

FailureOr<std::vector<uint8_t>> nnc::emitObject(ModuleOp phases,
                                                const CpuModel &model) {
  auto object = compileTo(phases, model, llvm::CodeGenFileType::ObjectFile);
  if (failed(object))
    return failure();
  return std::vector<uint8_t>(object->begin(), object->end());
}

FailureOr<std::string> nnc::emitAssembly(ModuleOp phases,
                                         const CpuModel &model) {
  auto text = compileTo(phases, model, llvm::CodeGenFileType::AssemblyFile);
  if (failed(text))
    return failure();
  return std::string(text->begin(), text->end());
}

FailureOr<std::string> nnc::emitLlvmIr(ModuleOp phases, const CpuModel &model) {
  FailureOr<Compilation> compilation = compile(phases, model);
  if (failed(compilation))
    return failure();
  std::string text;
  llvm::raw_string_ostream stream(text);
  compilation->module->print(stream, nullptr);
  return text;
}
