// Goes through a program's tree and notes each name with what it means.
#include "tools/language/Symbols.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <map>

using namespace nnc::dsl;
using llvm::StringRef;

namespace nnc::tools {

/// Twice through the tree: what is declared, then what is used.
class SymbolWalk {
public:
  SymbolWalk(SymbolTable &table, const Program &program)
      : table(table), program(program) {}

  void run();

private:
  using Key = std::pair<const void *, std::string>;

  void visitSettings(llvm::ArrayRef<Setting> settings);
  void walk();
  void declare(const Identifier &name, SymbolKind kind, const void *owner);
  void use(StringRef name, bool isNameToo = false);
  void useIn(const void *owner, StringRef name);
  void label(const Identifier &name, SymbolKind kind, bool isDeclaration);
  void useOfUpdate(const Identifier &name);
  std::optional<size_t> resolve(StringRef name) const;
  void add(StringRef text, size_t symbol, bool isDeclaration, bool isNameToo);

  void visit(const Block &block);
  void visit(const Statement &statement);
  void visit(const Expression *expression);
  void visit(const LoopHead &head);
  void visit(const TypeSpec &type);
  void visit(const NamedValue &item);
  void visit(const Setting &setting);
  void visit(const CallExpr &call);
  void visitParameters(const std::vector<dsl::Parameter> &parameters,
                       SymbolKind kind);
  void visitData(const DataDecl &data);
  const FunctionDecl *findFunction(StringRef name) const;

  SymbolTable &table;
  const Program &program;
  const void *owner = nullptr;
  bool isDeclaring = true;
  std::map<Key, size_t> known;
  size_t order = 0; // in which the program is evaluated
  std::map<Key, size_t> firstOrders;
};

void SymbolWalk::add(StringRef text, size_t symbol, bool isDeclaration,
                     bool isNameToo) {
  if (!isDeclaring)
    table.occurrences.push_back(
        {text, symbol, order, isDeclaration, isNameToo});
}

void SymbolWalk::declare(const Identifier &name, SymbolKind kind,
                         const void *owner) {
  ++order;
  Key key(owner, name.name.str());
  auto [entry, isNew] = known.try_emplace(key, table.symbols.size());
  if (isNew)
    table.symbols.push_back({name.name.str(), kind, owner});
  firstOrders.try_emplace(key, order);
  add(name.name, entry->second, /*isDeclaration=*/true, false);
}

/// A name of the function before one of the file, unless it stands before the
/// function gives it a meaning.
std::optional<size_t> SymbolWalk::resolve(StringRef name) const {
  for (const void *where : {owner, static_cast<const void *>(nullptr)}) {
    Key key(where, name.str());
    auto found = known.find(key);
    if (found == known.end())
      continue;
    bool isBefore = where && order < firstOrders.at(key) &&
                    known.count(Key(nullptr, name.str()));
    if (!isBefore)
      return found->second;
  }
  return std::nullopt;
}

void SymbolWalk::use(StringRef name, bool isNameToo) {
  ++order;
  if (isDeclaring)
    return;
  if (std::optional<size_t> symbol = resolve(name))
    add(name, *symbol, /*isDeclaration=*/false, isNameToo);
}

void SymbolWalk::useIn(const void *where, StringRef name) {
  auto found = known.find(Key(where, name.str()));
  if (found != known.end())
    add(name, found->second, /*isDeclaration=*/false, false);
}

/// Scopes and steps have names of their own, which no variable can have. Steps
/// are known in the whole file.
void SymbolWalk::label(const Identifier &name, SymbolKind kind,
                       bool isDeclaration) {
  bool isStep = kind == SymbolKind::Step;
  const void *where = isStep ? nullptr : owner;
  Key key(where, (isStep ? "step " : "as ") + name.name.str());
  auto [entry, isNew] = known.try_emplace(key, table.symbols.size());
  if (isNew)
    table.symbols.push_back({name.name.str(), kind, where});
  ++order;
  add(name.name, entry->second, isDeclaration, false);
}

/// What an update names: a parameter that is declared so, or a scope.
void SymbolWalk::useOfUpdate(const Identifier &name) {
  auto found = known.find(Key(owner, name.name.str()));
  bool isWeights = found != known.end() &&
                   table.symbols[found->second].kind == SymbolKind::Weights;
  if (isWeights)
    useIn(owner, name.name);
  else
    label(name, SymbolKind::Scope, /*isDeclaration=*/false);
}

const FunctionDecl *SymbolWalk::findFunction(StringRef name) const {
  for (const FunctionDecl &function : program.functions)
    if (function.name.name == name)
      return &function;
  return nullptr;
}

//===-- Expressions ------------------------------------------------------===//

void SymbolWalk::visit(const CallExpr &call) {
  const FunctionDecl *function = findFunction(call.callee);
  if (function)
    useIn(nullptr, call.callee);
  for (const Argument &argument : call.arguments) {
    if (argument.name && function)
      useIn(function, argument.name->name);
    visit(argument.value.get());
  }
  if (!call.scope)
    return;
  label(call.scope->name, SymbolKind::Scope, /*isDeclaration=*/true);
  visit(call.scope->index.get());
}

void SymbolWalk::visit(const LoopHead &head) {
  visit(head.lower.get());
  visit(head.upper.get());
  for (const Identifier &variable : head.variables)
    declare(variable, SymbolKind::Variable, owner);
}

void SymbolWalk::visit(const Expression *expression) {
  if (!expression)
    return;
  llvm::TypeSwitch<const Expression *>(expression)
      .Case<NameExpr>([&](auto *e) { use(e->name); })
      .Case<ListExpr>([&](auto *e) {
        for (const ExpressionPtr &element : e->elements)
          visit(element.get());
      })
      .Case<ComprehensionExpr>([&](auto *e) {
        visit(e->head);
        visit(e->element.get());
        visit(e->condition.get());
      })
      .Case<UnaryExpr>([&](auto *e) { visit(e->operand.get()); })
      .Case<BinaryExpr>([&](auto *e) {
        visit(e->lhs.get());
        visit(e->rhs.get());
      })
      .Case<RangeExpr>([&](auto *e) {
        visit(e->lower.get());
        visit(e->upper.get());
      })
      .Case<LengthExpr>([&](auto *e) { visit(e->amount.get()); })
      .Case<CallExpr>([&](auto *e) { visit(*e); })
      .Case<SubscriptExpr>([&](auto *e) {
        visit(e->base.get());
        for (const SubscriptItem &item : e->items) {
          visit(item.lower.get());
          visit(item.upper.get());
        }
      });
}

void SymbolWalk::visit(const TypeSpec &type) {
  use(type.element.name);
  for (const Dimension &dimension : type.shape) {
    if (dimension.binding)
      declare(*dimension.binding, SymbolKind::Dimension, nullptr);
    visit(dimension.size.get());
  }
}

//===-- Statements -------------------------------------------------------===//

/// `output logits` is an output called logits.
void SymbolWalk::visit(const NamedValue &item) {
  auto *name = llvm::dyn_cast<NameExpr>(item.value.get());
  if (name && !item.name)
    use(name->name, /*isNameToo=*/true);
  else
    visit(item.value.get());
}

void SymbolWalk::visit(const Statement &statement) {
  auto visitItems = [&](auto *s) {
    for (const NamedValue &item : s->items)
      visit(item);
  };
  llvm::TypeSwitch<const Statement *>(&statement)
      .Case<AssignStmt>([&](auto *s) {
        visit(s->value.get());
        for (const Identifier &name : s->names)
          declare(name, SymbolKind::Variable, owner);
      })
      .Case<ParamStmt>([&](auto *s) {
        declare(s->name, SymbolKind::Weights, owner);
        visit(s->type);
        visit(s->initializer.get());
      })
      .Case<ForStmt>([&](auto *s) {
        visit(s->head);
        visit(s->body);
      })
      .Case<IfStmt>([&](auto *s) {
        visit(s->condition.get());
        visit(s->thenBody);
        visit(s->elseBody);
      })
      .Case<ReturnStmt>([&](auto *s) { visit(s->value.get()); })
      .Case<LossStmt>(visitItems)
      .Case<MetricStmt>(visitItems)
      .Case<OutputStmt>(visitItems)
      .Case<OutputGroupStmt>([&](auto *s) { visit(s->body); })
      .Case<StepStmt>([&](auto *s) {
        label(s->name, SymbolKind::Step, /*isDeclaration=*/true);
        visit(s->body);
      })
      .Case<SettingStmt>([&](auto *s) { visit(s->setting); })
      .Case<UpdateStmt>([&](auto *s) {
        // Names among them are those of scopes and parameters.
        for (const ExpressionPtr &pattern : s->patterns)
          if (auto *name = llvm::dyn_cast<NameExpr>(pattern.get()))
            useOfUpdate({name->name, name->loc});
          else
            visit(pattern.get());
        visit(s->optimizer.get());
      });
}

void SymbolWalk::visit(const Block &block) {
  for (const std::unique_ptr<Statement> &statement : block)
    visit(*statement);
}

//===-- Declarations -----------------------------------------------------===//

void SymbolWalk::visitParameters(const std::vector<dsl::Parameter> &parameters,
                                 SymbolKind kind) {
  for (const dsl::Parameter &parameter : parameters) {
    declare(parameter.name, kind, owner);
    if (parameter.type)
      visit(*parameter.type);
    visit(parameter.defaultValue.get());
  }
}

void SymbolWalk::visit(const Setting &setting) {
  visit(setting.value.get());
  visit(setting.from.get());
  visit(setting.within.get());
  // `validation 0.2 stratified by label`: an input of the model.
  if (setting.subject && setting.name.name == kValidation &&
      !program.models.empty())
    useIn(&program.models.front(), setting.subject->name);
  for (const Turn &turn : setting.order) {
    label(turn.step, SymbolKind::Step, /*isDeclaration=*/false);
    visit(turn.times.get());
  }
}

void SymbolWalk::visitData(const DataDecl &data) {
  visit(data.folder.get());
  for (const DataSplit &split : data.splits)
    for (const DataBinding &binding : split.bindings) {
      for (const Identifier &input : binding.inputs)
        useIn(owner, input.name);
      visit(binding.reader.get());
    }
  for (const DataSteps &line : data.steps) {
    useIn(owner, line.input.name);
    for (const ExpressionPtr &step : line.steps)
      visit(step.get());
  }
}

void SymbolWalk::visitSettings(llvm::ArrayRef<Setting> settings) {
  for (const Setting &setting : settings)
    visit(setting);
}

void SymbolWalk::walk() {
  owner = nullptr;
  order = 0;
  for (const ConstDecl &constant : program.constants) {
    declare(constant.name, SymbolKind::Constant, nullptr);
    visit(constant.value.get());
  }
  for (const FunctionDecl &function : program.functions) {
    declare(function.name, SymbolKind::Function, nullptr);
    owner = &function;
    visitParameters(function.parameters, SymbolKind::Parameter);
    visit(function.body);
    owner = nullptr;
  }
  for (const ModelDecl &model : program.models) {
    owner = &model;
    visitParameters(model.inputs, SymbolKind::Input);
    visit(model.body);
    for (const DataDecl &data : program.datas)
      if (&model == &program.models.front())
        visitData(data);
    owner = nullptr;
  }
  for (const TrainingDecl &training : program.trainings) {
    visitSettings(training.settings);
    for (const BucketDecl &bucket : training.buckets) {
      visit(bucket.constant.get());
      visit(bucket.sizes.get());
    }
    for (const GroupDecl &group : training.groups) {
      visit(group.patterns.get());
      visitSettings(group.settings);
    }
  }
}

void SymbolWalk::run() {
  walk();
  isDeclaring = false;
  walk();
  llvm::sort(table.occurrences, [](auto &a, auto &b) {
    return std::pair(a.text.data(), a.order) <
           std::pair(b.text.data(), b.order);
  });
}

//===-- The table --------------------------------------------------------===//

SymbolTable::SymbolTable(const Program &program) {
  SymbolWalk(*this, program).run();
}

llvm::ArrayRef<Occurrence>
SymbolTable::occurrencesIn(llvm::StringRef part) const {
  auto isBefore = [](const Occurrence &occurrence, const char *place) {
    return occurrence.text.begin() < place;
  };
  auto first = llvm::lower_bound(occurrences, part.begin(), isBefore);
  auto last = std::lower_bound(first, occurrences.end(), part.end(), isBefore);
  return getOccurrences().slice(first - occurrences.begin(), last - first);
}

const Occurrence *SymbolTable::find(const char *place) const {
  for (const Occurrence &occurrence : occurrences)
    if (occurrence.text.begin() <= place && place <= occurrence.text.end())
      return &occurrence;
  return nullptr;
}

const Occurrence *SymbolTable::findDeclaration(const Occurrence &use) const {
  const Occurrence *found = nullptr;
  for (const Occurrence &occurrence : occurrences) {
    if (occurrence.symbol != use.symbol || !occurrence.isDeclaration)
      continue;
    bool isLater = found && found->order < occurrence.order;
    if (!found || (isLater && occurrence.order <= use.order))
      found = &occurrence;
  }
  return found;
}

std::vector<const Symbol *> SymbolTable::visibleIn(const void *owner) const {
  std::vector<const Symbol *> visible;
  for (const Symbol &symbol : symbols)
    if (symbol.kind != SymbolKind::Scope && symbol.kind != SymbolKind::Step &&
        (!symbol.owner || symbol.owner == owner))
      visible.push_back(&symbol);
  return visible;
}

} // namespace nnc::tools
