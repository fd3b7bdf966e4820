// Lowers phases to the LLVM dialect. The function boundary is lowered here, by
// hand, because upstream's bare pointer convention knows no memrefs of dynamic
// size and the runtime's signature is our own; bodies are lowered by upstream's
// patterns.
#include "codegen/cpu/LowerToLlvm.h"

#include "codegen/cpu/HalfTypes.h"
#include "codegen/cpu/MathFunctions.h"
#include "codegen/cpu/Transpose.h"

#include "mlir/Analysis/DataLayoutAnalysis.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/IR/Threading.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// What LLVM lacks: rewritten into ops that it compiles without a library
//===----------------------------------------------------------------------===//

namespace {

/// A fused multiply-add on a machine that has none would call libm.
template <typename FmaOp> struct SplitFma : OpRewritePattern<FmaOp> {
  using OpRewritePattern<FmaOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(FmaOp op,
                                PatternRewriter &rewriter) const override {
    auto [a, b, c] =
        std::tuple(op->getOperand(0), op->getOperand(1), op->getOperand(2));
    Value product = arith::MulFOp::create(rewriter, op.getLoc(), a, b);
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, c);
    return success();
  }
};

/// A square transpose in registers as shuffles within and between lanes.
struct LowerSquareTranspose : OpRewritePattern<vector::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto type = op.getSourceVectorType();
    if (!canTransposeInRegisters(type) ||
        op.getPermutation() != ArrayRef<int64_t>{1, 0})
      return rewriter.notifyMatchFailure(op, "not a square of 4, 8 or 16");
    Location loc = op.getLoc();
    SmallVector<Value> rows;
    for (int64_t row = 0; row < type.getDimSize(0); ++row)
      rows.push_back(
          vector::ExtractOp::create(rewriter, loc, op.getVector(), row));
    Value result = ub::PoisonOp::create(rewriter, loc, type);
    for (auto [index, row] :
         llvm::enumerate(transposeInRegisters(rewriter, loc, rows)))
      result = vector::InsertOp::create(rewriter, loc, row, result,
                                        static_cast<int64_t>(index));
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

static void addVectorPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerSquareTranspose>(patterns.getContext(), /*benefit=*/10);
  vector::populateVectorTransposeLoweringPatterns(
      patterns, vector::VectorTransposeLowering::Shuffle1D);
  vector::populateVectorOuterProductLoweringPatterns(patterns);
  vector::populateVectorBroadcastLoweringPatterns(patterns);
  vector::populateVectorMaskOpLoweringPatterns(patterns);
  vector::populateVectorShapeCastLoweringPatterns(patterns);
  vector::populateVectorGatherLoweringPatterns(patterns);
  vector::populateVectorRankReducingFMAPattern(patterns);
  vector::populateVectorStepLoweringPatterns(patterns);
  vector::populateVectorInsertExtractStridedSliceTransforms(patterns);
  vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
  vector::populateVectorTransferLoweringPatterns(patterns);
  vector::populateVectorMultiReductionLoweringPatterns(
      patterns, vector::VectorMultiReductionLowering::InnerParallel);
}

/// Rewrites what upstream's patterns to the LLVM dialect do not take, or would
/// turn into calls.
static void prepareBody(Operation *function,
                        const FrozenRewritePatternSet &patterns) {
  GreedyRewriteConfig config;
  // Emitters write what they mean; folding is LLVM's work, and faster there.
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  // Not converging only means that something is left for the conversion to
  // report.
  (void)applyPatternsGreedily(function, patterns, config);
}

static FrozenRewritePatternSet preparation(MLIRContext *context,
                                           const CpuModel &model) {
  RewritePatternSet patterns(context);
  addVectorPatterns(patterns);
  populateMathFunctionPatterns(patterns);
  if (!model.hasFma)
    patterns.add<SplitFma<math::FmaOp>, SplitFma<vector::FMAOp>>(context);
  populateHalfTypePatterns(patterns, model);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  memref::populateExpandStridedMetadataPatterns(patterns);
  memref::populateResolveExtractStridedMetadataPatterns(patterns);
  populateAffineToStdConversionPatterns(patterns);
  return patterns;
}

//===----------------------------------------------------------------------===//
// Function boundaries
//===----------------------------------------------------------------------===//

/// Whether a memref is nothing but its address: one dimension, no stride, no
/// offset.
static bool isFlat(MemRefType type) {
  return type.getRank() == 1 && type.getLayout().isIdentity();
}

/// Gives `pointer` the form that the patterns for memref ops expect. The size
/// of a dynamic memref is unknown here, and no op but memref.dim asks for it.
static Value makeMemRef(OpBuilder &b, Location loc,
                        const LLVMTypeConverter &types, MemRefType type,
                        Value pointer) {
  auto descriptor = MemRefDescriptor::poison(b, loc, types.convertType(type));
  descriptor.setAllocatedPtr(b, loc, pointer);
  descriptor.setAlignedPtr(b, loc, pointer);
  descriptor.setConstantOffset(b, loc, 0);
  if (!type.isDynamicDim(0))
    descriptor.setConstantSize(b, loc, 0, type.getDimSize(0));
  descriptor.setConstantStride(b, loc, 0, 1);
  return UnrealizedConversionCastOp::create(b, loc, type, Value(descriptor))
      .getResult(0);
}

static Value castTo(OpBuilder &b, Location loc, Type type, Value value) {
  if (value.getType() == type)
    return value;
  return UnrealizedConversionCastOp::create(b, loc, type, value).getResult(0);
}

/// The LLVM type of an argument or a result at a function's boundary.
static FailureOr<Type> boundaryType(func::FuncOp function, Type type,
                                    const LLVMTypeConverter &types) {
  if (auto memref = dyn_cast<MemRefType>(type)) {
    if (isFlat(memref))
      return Type(LLVM::LLVMPointerType::get(function.getContext()));
  } else if (Type converted = types.convertType(type)) {
    return converted;
  }
  return function.emitOpError("cannot be compiled for the CPU: expected flat "
                              "memrefs, scalars and vectors at its boundary, "
                              "found ")
         << type;
}

static FailureOr<LLVM::LLVMFunctionType>
boundaryType(func::FuncOp function, const LLVMTypeConverter &types) {
  SmallVector<Type> arguments;
  for (Type type : function.getArgumentTypes()) {
    FailureOr<Type> converted = boundaryType(function, type, types);
    if (failed(converted))
      return failure();
    arguments.push_back(*converted);
  }
  Type result = LLVM::LLVMVoidType::get(function.getContext());
  if (function.getNumResults() > 1)
    return function.emitOpError("cannot be compiled for the CPU: expected at "
                                "most one result, found ")
           << function.getNumResults();
  if (function.getNumResults() == 1) {
    FailureOr<Type> converted =
        boundaryType(function, function.getResultTypes().front(), types);
    if (failed(converted))
      return failure();
    result = *converted;
  }
  return LLVM::LLVMFunctionType::get(result, arguments);
}

/// Replaces the entry block's arguments by `types`' and converts them back for
/// the body.
static void convertEntryBlock(func::FuncOp function,
                              LLVM::LLVMFunctionType type,
                              const LLVMTypeConverter &types) {
  Block &entry = function.getBody().front();
  auto b = OpBuilder::atBlockBegin(&entry);
  for (auto [index, newType] : llvm::enumerate(type.getParams())) {
    BlockArgument argument = entry.getArgument(index);
    Type oldType = argument.getType();
    if (oldType == newType)
      continue;
    Location loc = argument.getLoc();
    Value replacement = entry.insertArgument(index, newType, loc);
    BlockArgument old = entry.getArgument(index + 1);
    Value converted =
        isa<MemRefType>(oldType)
            ? makeMemRef(b, loc, types, cast<MemRefType>(oldType), replacement)
            : castTo(b, loc, oldType, replacement);
    old.replaceAllUsesWith(converted);
    entry.eraseArgument(index + 1);
  }
}

static void convertReturn(func::ReturnOp op, LLVM::LLVMFunctionType type) {
  OpBuilder b(op);
  SmallVector<Value> results;
  for (Value operand : op.getOperands())
    results.push_back(castTo(b, op.getLoc(), type.getReturnType(), operand));
  LLVM::ReturnOp::create(b, op.getLoc(), results);
  op.erase();
}

static LogicalResult convertCall(func::CallOp op,
                                 const LLVMTypeConverter &types) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  SmallVector<Value> arguments;
  for (Value operand : op.getOperands()) {
    Type converted = types.convertType(operand.getType());
    if (auto memref = dyn_cast<MemRefType>(operand.getType())) {
      if (!isFlat(memref))
        return op.emitOpError("cannot be compiled for the CPU: expected flat "
                              "memrefs as arguments, found ")
               << memref;
      MemRefDescriptor descriptor(castTo(b, loc, converted, operand));
      arguments.push_back(descriptor.alignedPtr(b, loc));
      continue;
    }
    arguments.push_back(castTo(b, loc, converted, operand));
  }
  SmallVector<Type> results;
  for (Type type : op.getResultTypes())
    results.push_back(types.convertType(type));
  auto call = LLVM::CallOp::create(b, loc, results, op.getCallee(), arguments);
  for (auto [oldResult, newResult] :
       llvm::zip(op.getResults(), call.getResults()))
    oldResult.replaceAllUsesWith(
        castTo(b, loc, oldResult.getType(), newResult));
  op.erase();
  return success();
}

/// What every function says to LLVM. No calls to libc, and no jump tables,
/// whose entries would need relocations; no unwinding, whose tables nobody
/// reads.
static void setTargetAttributes(LLVM::LLVMFuncOp function,
                                const CpuModel &model) {
  Builder b(function.getContext());
  auto pair = [&](StringRef name, const Twine &value) -> Attribute {
    return b.getStrArrayAttr({name, value.str()});
  };
  function.setPassthroughAttr(b.getArrayAttr(
      {b.getStringAttr("nounwind"), b.getStringAttr("no-builtins"),
       pair("no-jump-tables", "true"),
       pair("prefer-vector-width", Twine(model.vectorBytes * 8))}));
}

/// Exports `body` with the signature of nnc_kernel_fn. The body stays a
/// function of its own because only arguments can be `noalias`.
static void wrapPhase(LLVM::LLVMFuncOp body, StringRef name,
                      const CpuModel &model) {
  OpBuilder b(body);
  Location loc = body.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(body.getContext());
  Type i64 = b.getI64Type();
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(body.getContext()),
                                  {pointer, i64, i64, i64, pointer});
  auto wrapper = LLVM::LLVMFuncOp::create(b, loc, name, type);
  wrapper.setDsoLocal(true);
  setTargetAttributes(wrapper, model);
  b.setInsertionPointToStart(wrapper.addEntryBlock(b));
  SmallVector<Value> arguments;
  int64_t numBuffers = static_cast<int64_t>(body.getNumArguments()) - 4;
  for (int64_t index = 0; index < numBuffers; ++index) {
    Value slot =
        LLVM::GEPOp::create(b, loc, pointer, pointer, wrapper.getArgument(0),
                            ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(index)});
    arguments.push_back(LLVM::LoadOp::create(b, loc, pointer, slot));
  }
  llvm::append_range(arguments, wrapper.getArguments().drop_front());
  LLVM::CallOp::create(b, loc, body, arguments);
  LLVM::ReturnOp::create(b, loc, ValueRange());
}

static LogicalResult verifyPhase(func::FuncOp function) {
  ArrayRef<Type> types = function.getArgumentTypes();
  bool hasForm = function.getNumResults() == 0 && types.size() >= 4 &&
                 llvm::all_of(types.drop_back(4), llvm::IsaPred<MemRefType>) &&
                 llvm::all_of(types.take_back(4).drop_back(),
                              [](Type type) { return type.isIndex(); }) &&
                 isa<MemRefType>(types.back());
  if (hasForm)
    return success();
  return function.emitOpError("is not a phase: expected (memref..., index, "
                              "index, index, memref) -> (), found ")
         << function.getFunctionType();
}

static void copyNoAlias(func::FuncOp from, LLVM::LLVMFuncOp to) {
  StringRef noAlias = LLVM::LLVMDialect::getNoAliasAttrName();
  for (unsigned index = 0; index < from.getNumArguments(); ++index)
    if (from.getArgAttr(index, noAlias))
      to.setArgAttr(index, noAlias, UnitAttr::get(to.getContext()));
}

/// Turns the function into an llvm.func whose body is still to be lowered, and
/// returns that.
static FailureOr<LLVM::LLVMFuncOp>
convertBoundary(func::FuncOp function, const LLVMTypeConverter &types,
                const CpuModel &model) {
  bool isPhase = function.isPublic();
  if (function.isExternal())
    return function.emitOpError("has no body: kernel code can call nothing "
                                "from outside");
  if (isPhase && failed(verifyPhase(function)))
    return failure();
  FailureOr<LLVM::LLVMFunctionType> type = boundaryType(function, types);
  if (failed(type))
    return failure();

  OpBuilder b(function);
  std::string name = function.getName().str();
  auto result = LLVM::LLVMFuncOp::create(
      b, function.getLoc(), isPhase ? name + kBodySuffix.str() : name, *type,
      LLVM::Linkage::Internal);
  result.setDsoLocal(true);
  setTargetAttributes(result, model);
  copyNoAlias(function, result);
  convertEntryBlock(function, *type, types);
  function.walk([&](func::ReturnOp op) { convertReturn(op, *type); });
  WalkResult calls = function.walk(
      [&](func::CallOp op) { return WalkResult(convertCall(op, types)); });
  if (calls.wasInterrupted())
    return failure();
  result.getBody().takeBody(function.getBody());
  function.erase();
  if (isPhase)
    wrapPhase(result, name, model);
  return result;
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

static FrozenRewritePatternSet bodyPatterns(const LLVMTypeConverter &types) {
  RewritePatternSet patterns(&types.getContext());
  cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
  arith::populateArithToLLVMConversionPatterns(types, patterns);
  index::populateIndexToLLVMConversionPatterns(types, patterns);
  populateMathToLLVMConversionPatterns(types, patterns);
  populateFinalizeMemRefToLLVMConversionPatterns(types, patterns);
  populateVectorToLLVMConversionPatterns(types, patterns);
  ub::populateUBToLLVMConversionPatterns(types, patterns);
  return patterns;
}

static FrozenRewritePatternSet controlFlowPatterns(MLIRContext *context) {
  RewritePatternSet patterns(context);
  populateSCFToControlFlowConversionPatterns(patterns);
  return patterns;
}

static LogicalResult
flattenControlFlow(Operation *function,
                   const FrozenRewritePatternSet &patterns) {
  ConversionTarget target(*function->getContext());
  target.addIllegalDialect<scf::SCFDialect>();
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  return applyPartialConversion(function, target, patterns);
}

static LogicalResult convertToLlvm(Operation *op,
                                   const FrozenRewritePatternSet &patterns) {
  LLVMConversionTarget target(*op->getContext());
  target.addLegalOp<UnrealizedConversionCastOp, ModuleOp>();
  return applyFullConversion(op, target, patterns);
}

static void reconcileCasts(Operation *op) {
  SmallVector<UnrealizedConversionCastOp> casts;
  op->walk([&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
  reconcileUnrealizedCasts(casts);
}

static void loadDialects(MLIRContext *context) {
  context
      ->loadDialect<affine::AffineDialect, arith::ArithDialect,
                    cf::ControlFlowDialect, index::IndexDialect,
                    LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect,
                    scf::SCFDialect, ub::UBDialect, vector::VectorDialect>();
}

/// Tables of constants stand beside the functions.
static LogicalResult convertGlobals(ModuleOp phases,
                                    const FrozenRewritePatternSet &patterns) {
  auto globals =
      llvm::to_vector_of<Operation *>(phases.getOps<memref::GlobalOp>());
  if (globals.empty())
    return success();
  LLVMConversionTarget target(*phases.getContext());
  return applyFullConversion(globals, target, patterns);
}

LogicalResult nnc::lowerToLlvm(ModuleOp phases, const CpuModel &model) {
  MLIRContext *context = phases.getContext();
  loadDialects(context);
  LowerToLLVMOptions options(context);
  options.useBarePtrCallConv = true;
  options.allocLowering = LowerToLLVMOptions::AllocLowering::None;
  LLVMTypeConverter types(context, options);

  // Functions are independent of each other, but for their boundaries, which
  // are added to and taken from the module.
  FrozenRewritePatternSet prepare = preparation(context, model);
  SmallVector<func::FuncOp> sources(phases.getOps<func::FuncOp>());
  parallelForEach(context, sources, [&](func::FuncOp function) {
    prepareBody(function, prepare);
    replaceHalfTypes(function, model);
  });
  SmallVector<LLVM::LLVMFuncOp> functions;
  for (func::FuncOp function : sources) {
    FailureOr<LLVM::LLVMFuncOp> converted =
        convertBoundary(function, types, model);
    if (failed(converted))
      return failure();
    functions.push_back(*converted);
  }
  FrozenRewritePatternSet controlFlow = controlFlowPatterns(context);
  FrozenRewritePatternSet body = bodyPatterns(types);
  auto convertBody = [&](LLVM::LLVMFuncOp function) -> LogicalResult {
    if (failed(flattenControlFlow(function, controlFlow)) ||
        failed(convertToLlvm(function, body)))
      return failure();
    reconcileCasts(function);
    return success();
  };
  if (failed(failableParallelForEach(context, functions, convertBody)))
    return failure();
  return convertGlobals(phases, body);
}
