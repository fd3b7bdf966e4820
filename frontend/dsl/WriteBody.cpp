// Statements, in the order of the ops: a value that the next op alone reads
// stands inside of its expression, any other has a name.
#include "frontend/dsl/ProgramWriter.h"

#include "ir/Shapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc::dsl {

constexpr unsigned kAtom = 10, kNegate = 7, kPower = 8;
/// Of an expression; what is longer has a line of its own.
constexpr size_t kLongest = 76;

void BodyWriter::line(const Twine &statement) {
  text += ("  " + statement + "\n").str();
}

void BodyWriter::name(Value value, std::string text) {
  // A function may give its parameters other values; inputs stay what they are.
  if (scope.empty())
    inputNames.insert(text);
  names[value] = std::move(text);
}

/// Without a name, calls of a layer make `dense`, `dense_1` and so on.
void BodyWriter::findNamedLayers(ArrayRef<Item> items) {
  llvm::StringMap<unsigned> numbers;
  for (const Item &item : items) {
    if (!item.layer)
      continue;
    StringRef name = cast<Described>(item.core).getSignature().name;
    unsigned number = numbers[name]++;
    std::string own = name.str() + (number ? "_" + std::to_string(number) : "");
    if (!item.layer->part.empty() && item.layer->part != own)
      namedLayers.insert(name);
  }
}

/// The first of x, y, z, then a to h, then v1 and on, that means nothing now.
std::string BodyWriter::newName(const llvm::StringSet<> &taken) const {
  constexpr StringLiteral kLetters = "xyzabcdefgh";
  for (unsigned number = 0;; ++number) {
    std::string name = number < kLetters.size()
                           ? std::string(1, kLetters[number])
                           : "v" + std::to_string(number - kLetters.size() + 1);
    if (!taken.contains(name) && !declared.contains(name) &&
        !inputNames.contains(name))
      return name;
  }
}

//===-- Names ------------------------------------------------------------===//

void BodyWriter::findUses(ArrayRef<Item> items, ArrayRef<Value> returned) {
  for (const Item &item : items)
    for (Operation *op : item.ops)
      for (Value operand : op->getOperands()) {
        ++usesLeft[operand];
        // A call is given names.
        if (!item.part.empty())
          kept.insert(operand);
      }
  for (Value value : returned) {
    ++usesLeft[value];
    // One alone may be returned as an expression.
    if (returned.size() > 1)
      kept.insert(value);
  }
}

/// What an output is called after; else the name of a value that it is computed
/// from and that nothing reads any more; else a new one. `taken` has those of
/// values that are still read, and receives the name.
std::string BodyWriter::nameFor(Value value, llvm::StringSet<> &taken) {
  auto isFree = [&](StringRef name) {
    return !inputNames.contains(name) && !declared.contains(name) &&
           !taken.contains(name);
  };
  auto take = [&](std::string name) {
    taken.insert(name);
    return name;
  };
  for (Operation *user : value.getUsers())
    if (auto output = dyn_cast<OutputOp>(user))
      if (scope.empty() && isProgramName(output.getName()) &&
          isFree(output.getName()))
        return take(output.getName().str());
  SmallVector<Value> sources;
  if (Operation *op = value.getDefiningOp())
    llvm::append_range(sources, op->getOperands());
  // Through what stands inside of the expression.
  for (size_t i = 0; i < sources.size() && i < 16; ++i) {
    auto found = names.find(sources[i]);
    if (found != names.end() && isFree(found->second))
      return take(found->second);
    if (Operation *op = sources[i].getDefiningOp(); op && found == names.end())
      llvm::append_range(sources, op->getOperands());
  }
  return take(newName(taken));
}

void BodyWriter::assign(ArrayRef<Value> values, const std::string &value,
                        ArrayRef<Value> mentions) {
  for (Value mentioned : mentions)
    --usesLeft[mentioned];
  llvm::StringSet<> taken;
  for (auto &[known, name] : names)
    if (usesLeft.lookup(known) > 0)
      taken.insert(name);
  std::vector<std::string> chosen;
  for (Value one : values)
    chosen.push_back(nameFor(one, taken));
  for (auto [one, name] : llvm::zip_equal(values, chosen))
    names[one] = name;
  line(llvm::join(chosen, ", ") + " = " + value);
}

void BodyWriter::flush() {
  std::vector<Expression> all = std::move(waiting);
  waiting.clear();
  for (Expression &expression : all)
    assign(expression.value, expression.text, expression.mentions);
}

//===-- Operands ---------------------------------------------------------===//

LogicalResult BodyWriter::takeOperands(Operation *op, ArrayRef<Value> values,
                                       SmallVectorImpl<Operand> &operands) {
  auto isWaiting = [&](Value value) {
    return llvm::any_of(waiting,
                        [&](auto &known) { return known.value == value; });
  };
  SmallVector<Value> needed;
  size_t length = 0;
  for (Value value : values)
    if (value && isWaiting(value))
      needed.push_back(value);
  bool fits = needed.size() <= waiting.size();
  for (size_t i = 0; fits && i < needed.size(); ++i) {
    Expression &one = waiting[waiting.size() - needed.size() + i];
    fits = one.value == needed[i];
    length += one.text.size();
  }
  if (!fits || length > kLongest)
    flush();
  llvm::DenseMap<Value, Expression> taken;
  for (Value value : llvm::reverse(needed))
    if (!waiting.empty() && waiting.back().value == value) {
      taken[value] = std::move(waiting.back());
      waiting.pop_back();
    }
  for (Value value : values) {
    auto constant = value ? value.getDefiningOp<ConstantOp>() : ConstantOp();
    if (!value) {
      operands.push_back({"", kAtom, false, {}});
    } else if (auto found = taken.find(value); found != taken.end()) {
      operands.push_back({found->second.text, found->second.precedence, false,
                          found->second.mentions});
    } else if (constant) {
      std::optional<std::string> text =
          spellElements(cast<DenseElementsAttr>(constant.getValue()));
      if (!text)
        return program.refuse(op->getLoc(), "a constant of more than 65536 "
                                            "elements, or that is no number");
      operands.push_back(
          {*text, text->front() == '-' ? kNegate : kAtom, true, {}});
    } else if (auto known = names.find(value); known != names.end()) {
      operands.push_back({known->second, kAtom, false, {value}});
    } else {
      return program.refuse(op->getLoc(), "a value from elsewhere");
    }
  }
  return success();
}

//===-- Expressions ------------------------------------------------------===//

namespace {
struct Operator {
  StringRef op, text;
  unsigned precedence;
};
} // namespace

static constexpr Operator kOperators[] = {
    {"nnc.logical_or", "or", 1}, {"nnc.logical_and", "and", 2},
    {"nnc.add", "+", 5},         {"nnc.sub", "-", 5},
    {"nnc.mul", "*", 6},         {"nnc.div", "/", 6},
    {"nnc.pow", "**", kPower},
};

static StringRef predicateText(CompareOp op) {
  std::string text;
  llvm::raw_string_ostream(text) << op.getPredicateAttr();
  return llvm::StringSwitch<StringRef>(text)
      .Case("#nnc.predicate<eq>", "==")
      .Case("#nnc.predicate<ne>", "!=")
      .Case("#nnc.predicate<lt>", "<")
      .Case("#nnc.predicate<le>", "<=")
      .Case("#nnc.predicate<gt>", ">")
      .Case("#nnc.predicate<ge>", ">=")
      .Default("");
}

static std::string inParentheses(const std::string &text, bool needed) {
  return needed ? "(" + text + ")" : text;
}

std::optional<BodyWriter::Expression>
BodyWriter::spellOperator(Operation *op, ArrayRef<Operand> operands) {
  StringRef name = op->getName().getStringRef();
  auto unary = [&](StringRef text, unsigned precedence) {
    return Expression{op->getResult(0),
                      text.str() +
                          inParentheses(operands[0].text,
                                        operands[0].precedence <= precedence),
                      precedence,
                      {}};
  };
  if (isa<NegOp>(op) && !operands[0].isLiteral)
    return unary("-", kNegate);
  if (isa<LogicalNotOp>(op) && !operands[0].isLiteral)
    return unary("not ", 3);
  StringRef text;
  unsigned precedence = 0;
  if (auto compare = dyn_cast<CompareOp>(op)) {
    text = predicateText(compare);
    precedence = 4;
  }
  for (const Operator &known : kOperators)
    if (known.op == name) {
      text = known.text;
      precedence = known.precedence;
    }
  if (text.empty() || (operands[0].isLiteral && operands[1].isLiteral))
    return std::nullopt;
  // A literal takes the other's element type.
  if (getElementTypeOrSelf(op->getOperand(0)) !=
      getElementTypeOrSelf(op->getOperand(1)))
    return std::nullopt;
  bool bindsRight = precedence == kPower, chains = precedence != 4;
  unsigned left = operands[0].precedence, right = operands[1].precedence;
  std::string spelled =
      inParentheses(operands[0].text,
                    left < precedence + (bindsRight || !chains)) +
      " " + text.str() + " " +
      inParentheses(operands[1].text,
                    right < precedence + (!bindsRight || !chains));
  return Expression{op->getResult(0), spelled, precedence, {}};
}

/// `x[:, 1:3]`, where it takes a part at all.
static std::optional<std::string> spellSlice(SliceOp slice,
                                             const std::string &base) {
  auto type = cast<RankedTensorType>(slice.getOperand().getType());
  std::vector<std::string> items;
  size_t numNeeded = 0;
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    int64_t start = slice.getStarts()[axis], size = slice.getSizes()[axis];
    bool isWhole = start == 0 && (size == -1 || size == type.getDimSize(axis));
    items.push_back(isWhole ? ":"
                            : std::to_string(start) + ":" +
                                  (size == -1 ? std::string()
                                              : std::to_string(start + size)));
    numNeeded = isWhole ? numNeeded : axis + 1;
  }
  if (numNeeded == 0)
    return std::nullopt;
  items.resize(numNeeded);
  return base + "[" + llvm::join(items, ", ") + "]";
}

/// `zeros([4])`, where one of these numbers is everywhere.
static std::optional<std::string> spellFill(Operation *op) {
  auto broadcast = dyn_cast<BroadcastOp>(op);
  auto constant =
      broadcast ? broadcast.getX().getDefiningOp<ConstantOp>() : ConstantOp();
  if (!constant || !broadcast.getType().getElementType().isF32() ||
      constant.getType().getRank() != 0 ||
      !broadcast.getType().hasStaticShape())
    return std::nullopt;
  auto number = cast<DenseElementsAttr>(constant.getValue())
                    .getSplatValue<llvm::APFloat>();
  bool isZero = number.isPosZero(), isOne = number.isExactlyValue(1.0);
  if (!isZero && !isOne)
    return std::nullopt;
  auto sizes =
      llvm::map_range(broadcast.getType().getShape(),
                      [](int64_t size) { return std::to_string(size); });
  return std::string(isZero ? "zeros" : "ones") + "([" +
         llvm::join(sizes, ", ") + "])";
}

/// Adds the attributes that are not as by default; `isPlain` where the first
/// may stand without their names.
LogicalResult BodyWriter::spellAttributes(Operation *op,
                                          const Signature &signature,
                                          bool isPlain,
                                          std::vector<std::string> &arguments) {
  DictionaryAttr defaults =
      signature.defaults ? signature.defaults(op->getName()) : DictionaryAttr();
  for (const AttributeInfo &info : signature.attributes) {
    Attribute value = op->getInherentAttr(info.name).value_or(Attribute());
    if (!value || (defaults && defaults.get(info.name) == value))
      continue;
    std::optional<std::string> spelled = spellAttribute(info, value);
    if (!spelled || info.hidden)
      return program.refuse(op->getLoc(), "the attribute '" + info.name + "'");
    // `cast(x, f32)`, `dropout(x, 0.2)`: what must be given, in its order.
    bool isWord = info.kind == AttributeKind::Enum ||
                  info.kind == AttributeKind::Padding ||
                  info.kind == AttributeKind::Dims;
    isPlain &= info.isRequired() && !isWord;
    arguments.push_back(isPlain ? *spelled
                                : (info.name + " = " + *spelled).str());
  }
  return success();
}

FailureOr<BodyWriter::Expression>
BodyWriter::spellCall(const Item &item, ArrayRef<Operand> operands) {
  Operation *op = item.core;
  if (std::optional<std::string> fill = spellFill(op))
    return Expression{op->getResult(0), *fill, kAtom, {}};
  auto slice = dyn_cast<SliceOp>(op);
  if (slice && !operands[0].isLiteral && slice.getStrides().empty())
    if (auto text =
            spellSlice(slice, inParentheses(operands[0].text,
                                            operands[0].precedence < kAtom)))
      return Expression{op->getResult(0), *text, kAtom, {}};
  const Signature &signature = cast<Described>(op).getSignature();
  std::vector<std::string> arguments;
  bool isNamed = false;
  size_t next = 0;
  SmallVector<int32_t> counts = operandCounts(op, signature);
  for (auto [i, info] : llvm::enumerate(signature.operands)) {
    std::vector<std::string> texts;
    for (int32_t j = 0; j < counts[i]; ++j)
      if (const Operand &operand = operands[next++]; !operand.text.empty())
        texts.push_back(operand.text);
    // A number that has no name goes past what need not be given.
    isNamed |= texts.empty() ||
               (info.arity == Arity::Optional && operands[next - 1].isLiteral);
    if (texts.empty())
      continue;
    std::string value = info.arity == Arity::Variadic && isNamed
                            ? "[" + llvm::join(texts, ", ") + "]"
                            : llvm::join(texts, ", ");
    if (info.hidden)
      return program.refuse(op->getLoc(), "an operand that programs cannot "
                                          "give");
    arguments.push_back(isNamed ? (info.name + " = " + value).str() : value);
    // What is next in a layer's call are its own arguments.
    isNamed |= i == 0 && op->getName().hasInterface<Layer>();
    if (i == 0 && item.layer)
      llvm::append_range(arguments, item.layer->arguments);
  }
  if (failed(
          spellAttributes(op, signature, !item.layer && !isNamed, arguments)))
    return failure();
  std::string text =
      signature.name.str() + "(" + llvm::join(arguments, ", ") + ")";
  if (item.layer && !item.layer->part.empty() &&
      namedLayers.contains(signature.name))
    text += " as " + spellScope(item.layer->part);
  return Expression{op->getResult(0), text, kAtom, {}};
}

FailureOr<BodyWriter::Expression> BodyWriter::spell(const Item &item) {
  Operation *op = item.core;
  bool isLoop = isa<ScanOp>(op);
  if (!isLoop &&
      (!isa<Described>(op) || op->getNumRegions() || !op->getNumResults()))
    return program.refuse(op->getLoc(),
                          "'" + op->getName().getStringRef() + "'");
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    return program.refuse(op->getLoc(), "the attribute '" +
                                            attribute.getName().strref() + "'");
  SmallVector<Value> values =
      isLoop ? listLoopOperands(item, scope, program.module)
             : SmallVector<Value>(op->getOperands());
  for (Value &value : values)
    if (Value given = item.given.lookup(value))
      value = given;
  if (item.layer && !item.layer->part.empty()) {
    // What it makes is not given.
    for (Value &value : values)
      if (ParameterOp parameter = parameterOf(value, program.module))
        if (isBelow(parameter.getSymName(), scope) &&
            splitPath(parameter.getSymName(), scope).part == item.layer->part) {
          --usesLeft[value];
          program.written.insert(parameter.getSymName());
          value = {};
        }
  }
  SmallVector<Operand> operands;
  if (failed(takeOperands(op, values, operands)))
    return failure();
  std::optional<Expression> spelled =
      isLoop ? std::nullopt : spellOperator(op, operands);
  if (!spelled) {
    FailureOr<Expression> call =
        isLoop ? spellLoop(item, operands) : spellCall(item, operands);
    if (failed(call))
      return failure();
    spelled = std::move(*call);
    spelled->value = item.results().front();
  }
  for (const Operand &operand : operands)
    llvm::append_range(spelled->mentions, operand.mentions);
  return *spelled;
}

//===-- Parameters -------------------------------------------------------===//

LogicalResult BodyWriter::declare(ParameterOp parameter) {
  std::string name = splitPath(parameter.getSymName(), scope).rest;
  std::optional<std::string> initializer =
      spellInitializer(parameter.getInitializer());
  if (!isProgramName(name) || parameter.getRole() != Role::parameter ||
      !initializer || !parameter->getDiscardableAttrs().empty())
    return program.refuse(parameter.getLoc(),
                          "the parameter '" + parameter.getSymName() +
                              "', which no layer that stands there makes,");
  flush();
  line("param " + name + ": " + spellType(parameter.getType()) + " = " +
       *initializer);
  declared.insert(name);
  declaredPaths.insert(parameter.getSymName());
  program.written.insert(parameter.getSymName());
  return success();
}

bool uses(const Item &item, ParameterOp parameter, ModuleOp module) {
  return llvm::any_of(item.ops, [&](Operation *op) {
    return llvm::any_of(op->getOperands(), [&](Value operand) {
      return parameterOf(operand, module) == parameter;
    });
  });
}

/// Those of this scope that stand before the first that the item uses; in a
/// step, where what is declared is not known later, those that it uses.
LogicalResult BodyWriter::writeParameters(const Item &item) {
  ParameterOp last;
  for (Operation *op : item.ops)
    for (Value operand : op->getOperands())
      if (ParameterOp parameter = parameterOf(operand, program.module))
        if (isBelow(parameter.getSymName(), scope) &&
            (!last || last->isBeforeInBlock(parameter)))
          last = parameter;
  if (!last)
    return success();
  // What follows them is declared too, up to what is of another scope.
  bool isPast = false;
  for (auto parameter : program.module.getOps<ParameterOp>()) {
    StringRef path = parameter.getSymName();
    bool isOwn = isBelow(path, scope) && splitPath(path, scope).part.empty();
    if (isPast && (isInPart || !isOwn))
      break;
    bool isMeant = !isInPart || uses(item, parameter, program.module);
    if (isOwn && isMeant && !declaredPaths.contains(path) &&
        failed(declare(parameter)))
      return failure();
    isPast |= parameter == last;
    // Behind those that a layer makes come others only when it has.
    if (isPast && !isOwn)
      break;
  }
  for (Operation *op : item.ops)
    for (Value operand : op->getOperands())
      if (ParameterOp parameter = parameterOf(operand, program.module))
        if (isBelow(parameter.getSymName(), scope))
          if (PathBelow path = splitPath(parameter.getSymName(), scope);
              path.part.empty())
            names[operand] = path.rest;
  return success();
}

//===-- Items ------------------------------------------------------------===//

LogicalResult BodyWriter::writeCallOfScope(const Item &item) {
  SmallVector<Value> inputs, outputs;
  FailureOr<ProgramWriter::FunctionCall> function =
      program.writeFunction(item, scope, inputs, outputs);
  if (failed(function))
    return failure();
  flush();
  std::vector<std::string> arguments;
  for (Value input : inputs) {
    auto known = names.find(input);
    if (known == names.end())
      return program.refuse(input.getLoc(), "a value from elsewhere");
    arguments.push_back(known->second);
  }
  if (!function->form.empty())
    arguments.push_back(function->form);
  for (Operation *op : item.ops)
    for (Value operand : op->getOperands())
      --usesLeft[operand];
  assign(outputs,
         function->name + "(" + llvm::join(arguments, ", ") + ") as " +
             spellScope(item.part),
         {});
  return success();
}

LogicalResult BodyWriter::writeOp(const Item &item) {
  FailureOr<Expression> spelled = spell(item);
  if (failed(spelled))
    return failure();
  // Of several results, all up to the last that is used have names.
  SmallVector<Value> all = item.results(), results;
  for (auto [i, result] : llvm::enumerate(all))
    if (usesLeft.lookup(result) > 0)
      results.assign(all.begin(), all.begin() + i + 1);
  // A loop gives a list, which only names take apart.
  bool isLoop = isa<ScanOp>(item.core);
  if (isLoop)
    results = all;
  bool isAlone = !isLoop && results.size() == 1 &&
                 usesLeft.lookup(results[0]) == 1 &&
                 !kept.contains(results[0]) && spelled->text.size() <= kLongest;
  if (isAlone) {
    waiting.push_back(std::move(*spelled));
    return success();
  }
  flush();
  if (results.empty())
    results.push_back(all.front());
  assign(results, spelled->text, spelled->mentions);
  return success();
}

/// The expression of a value that a statement takes.
std::string BodyWriter::takeOne(Value value) {
  if (!waiting.empty() && waiting.back().value == value) {
    Expression taken = std::move(waiting.back());
    waiting.pop_back();
    flush();
    for (Value mentioned : taken.mentions)
      --usesLeft[mentioned];
    return taken.text;
  }
  flush();
  --usesLeft[value];
  return names.lookup(value);
}

LogicalResult BodyWriter::writeItem(const Item &item) {
  if (failed(writeParameters(item)))
    return failure();
  if (!item.part.empty())
    return writeCallOfScope(item);
  if (isa<LossOp, MetricOp, OutputOp>(item.core))
    return writeStatement(item.core);
  return writeOp(item);
}

/// A constant by itself is f32.
static std::optional<std::string> spellConstant(ConstantOp constant) {
  auto elements = cast<DenseElementsAttr>(constant.getValue());
  return elements.getElementType().isF32() ? spellElements(elements)
                                           : std::nullopt;
}

LogicalResult BodyWriter::write(ArrayRef<Operation *> ops,
                                ArrayRef<Value> returned) {
  FailureOr<std::vector<Item>> items = program.groupByScope(ops, scope);
  if (failed(items))
    return failure();
  findUses(*items, returned);
  findNamedLayers(*items);
  if (failed(writeItems(*items)))
    return failure();
  if (returned.size() == 1 && !waiting.empty() &&
      waiting.back().value == returned[0]) {
    line("return " + takeOne(returned[0]));
    return success();
  }
  flush();
  std::vector<std::string> results;
  for (Value value : returned) {
    auto constant = value.getDefiningOp<ConstantOp>();
    results.push_back(constant ? spellConstant(constant).value_or("")
                               : names.lookup(value));
    if (results.back().empty())
      return program.refuse(value.getLoc(), "a value that a function returns "
                                            "and does not compute");
  }
  if (!returned.empty())
    line("return " + llvm::join(results, ", "));
  return success();
}

} // namespace nnc::dsl
