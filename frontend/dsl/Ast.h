// A model file as a tree, exactly as written: no name is resolved yet.
#ifndef NNC_FRONTEND_DSL_AST_H
#define NNC_FRONTEND_DSL_AST_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Casting.h"
#include "llvm/Support/SMLoc.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nnc::dsl {

using llvm::SMLoc;
using llvm::StringRef;

/// A name and its place.
struct Identifier {
  StringRef name;
  SMLoc loc;
};

//===-- Expressions ------------------------------------------------------===//

struct Expression {
  enum class Kind {
    Number,
    String,
    Boolean,
    Name,
    List,
    Comprehension,
    Unary,
    Binary,
    Call,
    Subscript,
    Range,
    Length,
  };

  Expression(Kind kind, SMLoc loc) : kind(kind), loc(loc) {}
  virtual ~Expression() = default;

  const Kind kind;
  SMLoc loc;          // what a message points at: an operator, a callee
  unsigned depth = 1; // of the tree, bounded by the parser
};

using ExpressionPtr = std::unique_ptr<Expression>;

template <Expression::Kind kKind> struct ExpressionOf : Expression {
  explicit ExpressionOf(SMLoc loc) : Expression(kKind, loc) {}
  static bool classof(const Expression *e) { return e->kind == kKind; }
};

struct NumberExpr : ExpressionOf<Expression::Kind::Number> {
  using ExpressionOf::ExpressionOf;
  bool isInteger = false;
  int64_t integer = 0;
  double real = 0.0; // also of an integer
};

struct StringExpr : ExpressionOf<Expression::Kind::String> {
  using ExpressionOf::ExpressionOf;
  std::string value;
};

struct BooleanExpr : ExpressionOf<Expression::Kind::Boolean> {
  using ExpressionOf::ExpressionOf;
  bool value = false;
};

struct NameExpr : ExpressionOf<Expression::Kind::Name> {
  using ExpressionOf::ExpressionOf;
  StringRef name;
};

struct ListExpr : ExpressionOf<Expression::Kind::List> {
  using ExpressionOf::ExpressionOf;
  std::vector<ExpressionPtr> elements;
};

/// `NAME in LOWER..UPPER`, or `NAMES in LIST`.
struct LoopHead {
  std::vector<Identifier> variables;
  ExpressionPtr lower; // the list where there is no upper bound
  ExpressionPtr upper; // excluded; may be null
};

/// `[element for NAME in LIST if condition]`.
struct ComprehensionExpr : ExpressionOf<Expression::Kind::Comprehension> {
  using ExpressionOf::ExpressionOf;
  ExpressionPtr element;
  LoopHead head;
  ExpressionPtr condition; // may be null
};

enum class UnaryOperator { Negate, Not };

struct UnaryExpr : ExpressionOf<Expression::Kind::Unary> {
  using ExpressionOf::ExpressionOf;
  UnaryOperator op;
  ExpressionPtr operand;
};

enum class BinaryOperator {
  Add,
  Subtract,
  Multiply,
  Divide,
  Remainder,
  Power,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  And,
  Or,
};

struct BinaryExpr : ExpressionOf<Expression::Kind::Binary> {
  using ExpressionOf::ExpressionOf;
  BinaryOperator op;
  StringRef spelling;
  ExpressionPtr lhs;
  ExpressionPtr rhs;
};

/// `value` or `name = value` in a call.
struct Argument {
  std::optional<Identifier> name;
  ExpressionPtr value;

  SMLoc loc() const { return name ? name->loc : value->loc; }
};

/// `as NAME` or `as NAME[index]`.
struct ScopeName {
  Identifier name;
  ExpressionPtr index; // may be null
};

struct CallExpr : ExpressionOf<Expression::Kind::Call> {
  using ExpressionOf::ExpressionOf;
  StringRef callee;
  std::vector<Argument> arguments;
  std::optional<ScopeName> scope;
};

/// One position of `x[1:3, 0]`.
struct SubscriptItem {
  bool isRange = false; // `lower:upper`, either may be left out
  ExpressionPtr lower;  // the index where it is no range
  ExpressionPtr upper;
  SMLoc loc;
};

struct SubscriptExpr : ExpressionOf<Expression::Kind::Subscript> {
  using ExpressionOf::ExpressionOf;
  ExpressionPtr base;
  std::vector<SubscriptItem> items;
};

/// `lower..upper`, the upper bound excluded.
struct RangeExpr : ExpressionOf<Expression::Kind::Range> {
  using ExpressionOf::ExpressionOf;
  ExpressionPtr lower;
  ExpressionPtr upper;
};

/// `2 epochs`, `0.1 run`, `500 steps`: the length of a part of a schedule.
struct LengthExpr : ExpressionOf<Expression::Kind::Length> {
  using ExpressionOf::ExpressionOf;
  ExpressionPtr amount;
  Identifier unit;
};

/// One dimension of a type: `784`, `width`, `4 * width`, `batch`, `time =
/// 1024`.
struct Dimension {
  std::optional<Identifier> binding; // `time` of `time = 1024`
  ExpressionPtr size;
};

/// `f32[batch, 784]`.
struct TypeSpec {
  Identifier element;
  std::vector<Dimension> shape;
};

//===-- Statements -------------------------------------------------------===//

struct Statement {
  enum class Kind {
    Assign,
    Param,
    For,
    If,
    Return,
    Loss,
    Metric,
    Layout,
    Output,
    OutputGroup,
    Step,
    Update,
    Setting,
  };

  Statement(Kind kind, SMLoc loc) : kind(kind), loc(loc) {}
  virtual ~Statement() = default;

  const Kind kind;
  SMLoc loc;
};

using Block = std::vector<std::unique_ptr<Statement>>;

template <Statement::Kind kKind> struct StatementOf : Statement {
  explicit StatementOf(SMLoc loc) : Statement(kKind, loc) {}
  static bool classof(const Statement *s) { return s->kind == kKind; }
};

/// `name = value`, or `first, second = value` where that is several.
struct AssignStmt : StatementOf<Statement::Kind::Assign> {
  using StatementOf::StatementOf;
  std::vector<Identifier> names;
  ExpressionPtr value;
};

struct ParamStmt : StatementOf<Statement::Kind::Param> {
  using StatementOf::StatementOf;
  Identifier name;
  TypeSpec type;
  ExpressionPtr initializer;
};

struct ForStmt : StatementOf<Statement::Kind::For> {
  using StatementOf::StatementOf;
  LoopHead head;
  Block body;
};

struct IfStmt : StatementOf<Statement::Kind::If> {
  using StatementOf::StatementOf;
  ExpressionPtr condition;
  Block thenBody;
  Block elseBody; // holds one IfStmt for `else if`
};

struct ReturnStmt : StatementOf<Statement::Kind::Return> {
  using StatementOf::StatementOf;
  ExpressionPtr value;
};

/// `value` or `name = value`, of a loss, a metric or an output.
struct NamedValue {
  std::optional<Identifier> name;
  ExpressionPtr value;
};

struct LossStmt : StatementOf<Statement::Kind::Loss> {
  using StatementOf::StatementOf;
  std::vector<NamedValue> items;
};

struct MetricStmt : StatementOf<Statement::Kind::Metric> {
  using StatementOf::StatementOf;
  std::vector<NamedValue> items;
};

struct OutputStmt : StatementOf<Statement::Kind::Output> {
  using StatementOf::StatementOf;
  std::vector<NamedValue> items;
};

struct LayoutStmt : StatementOf<Statement::Kind::Layout> {
  using StatementOf::StatementOf;
  Identifier layout;
};

/// `output encode { ... }`, with outputs in the body.
struct OutputGroupStmt : StatementOf<Statement::Kind::OutputGroup> {
  using StatementOf::StatementOf;
  Identifier name;
  Block body;
};

struct StepStmt : StatementOf<Statement::Kind::Step> {
  using StatementOf::StatementOf;
  Identifier name;
  Block body;
};

/// `update d, "g.*" with adam(0.001)`: names of scopes and parameters, and
/// patterns of names as strings. None: all that the step's losses depend on.
struct UpdateStmt : StatementOf<Statement::Kind::Update> {
  using StatementOf::StatementOf;
  std::vector<ExpressionPtr> patterns;
  ExpressionPtr optimizer;
};

/// `discriminate 5` of an order.
struct Turn {
  Identifier step;
  ExpressionPtr times; // may be null
};

/// A line of `training` or of a step: `batch 128`, `memory_budget 40 GiB`,
/// `order discriminate 5, generate`,
/// `stop when validation_loss rests 5 epochs within 0.01`,
/// `validation 0.2 stratified by label`.
struct Setting {
  Identifier name;
  ExpressionPtr value; // null of an order; of a stop, its epochs
  std::optional<Identifier> unit;
  std::vector<Turn> order;
  ExpressionPtr from; // of `average 0.999 from 0.1 run`; may be null
  std::optional<Identifier> subject; // a stop's metric, what stratifies
  ExpressionPtr within;              // of a stop; may be null
};

/// `group ["*.bias"] { weight_decay 0 }` of a training block.
struct GroupDecl {
  SMLoc loc;
  ExpressionPtr patterns;
  std::vector<Setting> settings;
};

/// The settings whose value may have a unit, that has turns, and that may say
/// from when on it holds.
inline constexpr llvm::StringLiteral kMemoryBudget = "memory_budget";
inline constexpr llvm::StringLiteral kOrder = "order";
inline constexpr llvm::StringLiteral kAverage = "average";
inline constexpr llvm::StringLiteral kStop = "stop";
inline constexpr llvm::StringLiteral kValidation = "validation";
/// The line of a training block that is no setting: it is about constants.
inline constexpr llvm::StringLiteral kBuckets = "buckets";

/// A setting within a step.
struct SettingStmt : StatementOf<Statement::Kind::Setting> {
  using StatementOf::StatementOf;
  Setting setting;
};

//===-- Declarations -----------------------------------------------------===//

struct ConstDecl {
  Identifier name;
  ExpressionPtr value;
};

/// `name`, `name: type`, `name = default` of a function; `name: type` of a
/// model.
struct Parameter {
  Identifier name;
  std::optional<TypeSpec> type;
  ExpressionPtr defaultValue;
};

struct FunctionDecl {
  Identifier name;
  std::vector<Parameter> parameters;
  Block body;
};

struct ModelDecl {
  Identifier name;
  std::vector<Parameter> inputs;
  Block body;
};

/// `time = [25, 50]` of a line `buckets`: sizes that a constant has in short
/// steps.
struct BucketDecl {
  std::unique_ptr<NameExpr> constant;
  ExpressionPtr sizes;
};

struct TrainingDecl {
  SMLoc loc;
  std::vector<Setting> settings;
  std::vector<GroupDecl> groups;
  std::vector<BucketDecl> buckets;
};

/// `image = idx("...")`, or `words, positive = text("...")` of a data block.
struct DataBinding {
  std::vector<Identifier> inputs;
  ExpressionPtr reader;
};

/// A line of `data`.
struct DataSplit {
  Identifier name; // train, validation, test
  std::vector<DataBinding> bindings;
};

/// A line of `data`: `image crop(32, padding = 4), flip`.
struct DataSteps {
  Identifier input;
  std::vector<ExpressionPtr> steps;
};

struct DataDecl {
  SMLoc loc;
  /// Where the files are by default; null if not said.
  ExpressionPtr folder;
  std::vector<Setting> settings; // `validation 0.2`
  std::vector<DataSplit> splits;
  std::vector<DataSteps> steps;
};

/// A line of `weights`: `"embedding.table" = "wte.weight"`, as the text that
/// runtime/WeightNames.h reads.
struct NameTableLine {
  SMLoc loc;
  std::string text;
};

struct NameTableDecl {
  Identifier name;
  std::vector<NameTableLine> lines;
};

/// A file. Names and strings in it point into the source.
struct Program {
  std::vector<ConstDecl> constants;
  std::vector<FunctionDecl> functions;
  std::vector<ModelDecl> models;
  std::vector<TrainingDecl> trainings;
  std::vector<DataDecl> datas;
  std::vector<NameTableDecl> nameTables;
  SMLoc end;
  /// How often each name stands in the file.
  llvm::StringMap<unsigned> mentions;
};

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_AST_H
