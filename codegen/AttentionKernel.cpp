// The attribute of attention's kernels, written and read.
#include "codegen/AttentionKernel.h"

#include "ir/Ops.h"

using namespace mlir;
using namespace nnc;

static constexpr StringLiteral kAttention = "nnc.attention";

/// The kernel's operand that each operand of `op` is, by name.
static DictionaryAttr argumentsOf(Operation *op, const Signature &signature) {
  static constexpr StringRef counterNames[] = {"seed", "step", "stream"};
  Builder b(op->getContext());
  SmallVector<NamedAttribute> arguments;
  ValueRange rest = op->getOperands();
  for (auto [info, count] :
       llvm::zip_equal(signature.operands, operandCounts(op, signature))) {
    for (int32_t i = 0; i < count; ++i) {
      // The batch is the first argument.
      unsigned number = cast<BlockArgument>(rest[i]).getArgNumber() - 1;
      arguments.push_back(b.getNamedAttr(
          info.arity == Arity::Variadic ? counterNames[i] : info.name,
          b.getI64IntegerAttr(number)));
    }
    rest = rest.drop_front(count);
  }
  return b.getDictionaryAttr(arguments);
}

void nnc::setAttentionKernel(func::FuncOp kernel) {
  Operation &op = kernel.getBody().front().front();
  if (!isa<AttendOp, AttendGradientOp>(op))
    return;
  const Signature &signature = cast<Described>(op).getSignature();
  Builder b(kernel.getContext());
  SmallVector<NamedAttribute> description{
      b.getNamedAttr("arguments", argumentsOf(&op, signature)),
      b.getNamedAttr("gradient", b.getBoolAttr(isa<AttendGradientOp>(op)))};
  for (const AttributeInfo &info : signature.attributes)
    if (Attribute value = op.getInherentAttr(info.name).value_or(Attribute()))
      description.push_back(b.getNamedAttr(info.name, value));
  kernel->setAttr(kAttention, b.getDictionaryAttr(description));
}

namespace {
/// What the attribute says, and whether all of it could be read.
class Description {
public:
  explicit Description(DictionaryAttr attributes) : attributes(attributes) {}

  std::optional<unsigned> argument(StringRef name) {
    auto arguments = attributes.getAs<DictionaryAttr>("arguments");
    auto number =
        arguments ? arguments.getAs<IntegerAttr>(name) : IntegerAttr();
    return number ? std::optional<unsigned>(number.getInt()) : std::nullopt;
  }
  bool flag(StringRef name) {
    return read<BoolAttr>(name, [](BoolAttr a) { return a.getValue(); });
  }
  int64_t integer(StringRef name) {
    return read<IntegerAttr>(name, [](IntegerAttr a) { return a.getInt(); });
  }
  double number(StringRef name) {
    return read<FloatAttr>(name,
                           [](FloatAttr a) { return a.getValueAsDouble(); });
  }
  bool isWhole() const { return whole; }

private:
  template <typename Attr, typename Function>
  auto read(StringRef name, Function get)
      -> decltype(get(std::declval<Attr>())) {
    if (auto attribute = attributes.getAs<Attr>(name))
      return get(attribute);
    whole = false;
    return {};
  }

  DictionaryAttr attributes;
  bool whole = true;
};
} // namespace

FailureOr<AttentionKernel> nnc::analyzeAttention(func::FuncOp kernel,
                                                 Refusal &refusal) {
  auto attributes = kernel->getAttrOfType<DictionaryAttr>(kAttention);
  if (!attributes)
    return refusal.because("it is no attention");
  Description description(attributes);
  AttentionKernel attention{};
  attention.isGradient = description.flag("gradient");
  attention.causal = description.flag("causal");
  attention.window = description.integer("window");
  attention.softCap = description.number("soft_cap");
  attention.scale = description.number("scale");
  attention.dropout = description.number("dropout");
  for (auto [operand, name] : {std::pair(&attention.q, "q"),
                               {&attention.k, "k"},
                               {&attention.v, "v"},
                               {&attention.lse, "lse"},
                               {&attention.delta, "delta"},
                               {&attention.dy, "dy"},
                               {&attention.lengths, "lengths"},
                               {&attention.bias, "bias"},
                               {&attention.slopes, "slopes"},
                               {&attention.mask, "mask"},
                               {&attention.seed, "seed"},
                               {&attention.step, "step"},
                               {&attention.stream, "stream"}})
    *operand = description.argument(name);
  auto typeOf = [&](std::optional<unsigned> operand) {
    return operand
               ? cast<RankedTensorType>(kernel.getArgumentTypes()[*operand + 1])
               : RankedTensorType();
  };
  if (!attention.q || !description.isWhole())
    return refusal.because("its description is incomplete");
  FailureOr<AttentionSizes> sizes = resolveAttention(
      OpSite(kernel.getLoc(), "attend"),
      {typeOf(attention.q), typeOf(attention.k), typeOf(attention.v)},
      description.integer("heads"), description.integer("kv_heads"));
  if (failed(sizes) || !description.isWhole())
    return refusal.because("its description does not fit its operands");
  attention.sizes = *sizes;
  attention.elementType = typeOf(attention.q).getElementType();
  return attention;
}

double nnc::shareSeen(const AttentionKernel &attention) {
  constexpr int64_t kMostQueries = 4096;
  const AttentionSizes &sizes = attention.sizes;
  int64_t step = std::max<int64_t>(1, sizes.time / kMostQueries);
  double seen = 0, all = 0;
  for (int64_t query = 0; query < sizes.time; query += step) {
    int64_t position = query + sizes.keys - sizes.time;
    int64_t first = 0, last = sizes.keys - 1;
    if (attention.window) {
      first = std::max(first, position - attention.window + 1);
      last = std::min(last, position + attention.window - 1);
    }
    if (attention.causal)
      last = std::min(last, position);
    seen += double(std::max<int64_t>(0, last - first + 1));
    all += double(sizes.keys);
  }
  return seen / all;
}
