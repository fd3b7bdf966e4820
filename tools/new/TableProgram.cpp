// The program for a table: what each column goes through, two hidden layers,
// and a loss that suits the column to be told.
#include "tools/Text.h"
#include "tools/new/Programs.h"
#include "tools/new/TablePlan.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace nnc::tools {

using namespace runtime;
using Kind = TableInput::Kind;

std::string asString(const std::string &text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    if (c == '\t' || c == '\n')
      result += c == '\t' ? "\\t" : "\\n";
    else
      result += c;
  }
  return result + "\"";
}

/// Six digits: what a standardisation needs.
static std::string number(double value) {
  char text[32];
  auto [end, problem] = std::to_chars(text, text + sizeof text, value,
                                      std::chars_format::general, 6);
  return problem == std::errc() ? std::string(text, end) : "0";
}

/// `begin`, the elements and `end`, in lines of at most some 100 columns, each
/// element behind the beginning.
static std::string wrap(const std::string &begin,
                        const std::vector<std::string> &elements,
                        const std::string &end) {
  std::string text, line = begin;
  constexpr size_t widest = 100;
  for (size_t i = 0; i < elements.size(); ++i) {
    const std::string element =
        elements[i] + (i + 1 < elements.size() ? "," : end);
    const bool isFirst = line.size() == begin.size();
    if (!isFirst && line.size() + 1 + element.size() > widest) {
      text += line + "\n";
      line = std::string(begin.size(), ' ');
    }
    line += (line.size() == begin.size() ? "" : " ") + element;
  }
  return text + line;
}

//===-- The heading ------------------------------------------------------===//

static std::string heading(const TablePlan &plan, const NewProgram &wanted) {
  const TableProfile &table = plan.table;
  std::string text = "// " + plan.nameOf(plan.target) + " of " +
                     std::to_string(plan.numColumns()) +
                     (plan.numColumns() == 1 ? " column" : " columns") +
                     ", learned from " + (table.isWhole ? "" : "more than ") +
                     std::to_string(table.numRows) +
                     " rows.\n//\n//   nnc train " + wanted.name + ".nn\n";
  if (!plan.leftOut.empty())
    text += "//\n// Left out:\n";
  constexpr size_t mostNamed = 20;
  for (size_t i = 0; i < plan.leftOut.size() && i < mostNamed; ++i)
    text += "// - " + plan.leftOut[i] + "\n";
  if (plan.leftOut.size() > mostNamed)
    text += "// - and " + std::to_string(plan.leftOut.size() - mostNamed) +
            " more\n";
  return text + "\n";
}

//===-- The model --------------------------------------------------------===//

static std::string inputsOf(const TablePlan &plan, const std::string &model) {
  std::vector<std::string> inputs;
  for (const TableInput &input : plan.inputs) {
    const std::string size = std::to_string(input.columns.size());
    if (input.kind != Kind::Category)
      inputs.push_back(input.name + ": f32[batch, " + size + "]");
    else if (input.isOneHot())
      inputs.push_back(input.name + ": f32[batch, " +
                       std::to_string(input.numNames + 1) + "]");
    else
      inputs.push_back(input.name + ": i32[batch]");
    if (input.kind == Kind::Gaps)
      inputs.push_back(input.name + "_known: f32[batch, " + size + "]");
  }
  const bool isReal =
      plan.task == Task::TwoClasses || plan.task == Task::Number;
  inputs.push_back(std::string("target: ") + (isReal ? "f32" : "i32") +
                   "[batch]");
  return wrap("model " + model + "(", inputs, ") {\n");
}

/// What all inputs are side by side.
static std::string joinInputs(const TablePlan &plan) {
  std::vector<std::string> parts;
  bool hasTable = false, hasGaps = false;
  for (const TableInput &input : plan.inputs) {
    const bool isTable = input.kind == Kind::Category && !input.isOneHot();
    hasTable |= isTable;
    hasGaps |= input.kind == Kind::Gaps;
    parts.push_back(isTable ? "embedding(" + input.name + ", " +
                                  std::to_string(input.numNames + 1) + ", " +
                                  std::to_string(input.embeddingWidth()) + ")"
                            : input.name);
    if (input.kind == Kind::Gaps)
      parts.push_back(input.name + "_known");
  }
  std::string text;
  if (hasTable)
    text +=
        "  // A name of many is a vector of a few numbers, which are learned, "
        "too.\n";
  if (hasGaps)
    text += "  // Whether a number was there at all may tell something by "
            "itself.\n";
  if (parts.size() == 1)
    return text + "  x = " + parts[0] + "\n";
  parts.push_back("axis = 1");
  return text + wrap("  x = concat(", parts, ")\n");
}

static std::string answersOf(const TablePlan &plan) {
  const ColumnProfile &told = plan.told();
  const std::string shifted =
      plan.firstClass == 0
          ? ""
          : "  target = target - " + std::to_string(plan.firstClass) + "\n";
  const std::string classes = "  loss cross_entropy(logits, target)\n"
                              "  metric accuracy(logits, target)\n"
                              "  output probabilities = softmax(logits)\n";
  switch (plan.task) {
  case Task::Names:
    return "  // A number for each class: the largest is the answer.\n"
           "  logits = dense(x, " +
           std::to_string(told.values.size()) + ")\n" + classes;
  case Task::TwoClasses:
    return "  // One number: above 0 it is " + number(told.most) + ", else " +
           number(told.least) +
           ".\n"
           "  logit = reshape(dense(x, 1), [batch])\n" +
           shifted +
           "  loss bce_logits(logit, target)\n"
           "  metric accuracy(logit, target)\n"
           "  output probability = sigmoid(logit)\n";
  case Task::Classes:
    return "  // A number for each class, from " + number(told.least) + " to " +
           number(told.most) +
           ": the largest is the answer.\n"
           "  logits = dense(x, " +
           std::to_string(plan.numClasses) + ")\n" + shifted + classes;
  case Task::Number:
    break;
  }
  const std::string deviation = number(std::max(told.deviation(), 1e-6));
  return "  // What is learned is how many deviations the answer is from the "
         "mean.\n"
         "  guess = reshape(dense(x, 1), [batch])\n"
         "  loss mse(guess, (target - " +
         number(told.mean) + ") / " + deviation +
         ")\n"
         "  answer = guess * " +
         deviation + " + " + number(told.mean) +
         "\n"
         "  metric mae(answer, target), r2(answer, target)\n"
         "  output answer\n";
}

static std::string modelOf(const TablePlan &plan, const std::string &name) {
  return inputsOf(plan, name) + joinInputs(plan) +
         "  x = dropout(relu(dense(x, 64)), 0.1)\n"
         "  x = relu(dense(x, 32))\n" +
         answersOf(plan) + "}\n\n";
}

//===-- The data ---------------------------------------------------------===//

/// By its name where that is one, else by its place.
static std::string spellColumn(const TablePlan &plan, int64_t column) {
  const std::vector<ColumnProfile> &columns = plan.table.columns;
  const std::string &name = columns[column].name;
  bool isOnly = std::count_if(columns.begin(), columns.end(),
                              [&](const ColumnProfile &other) {
                                return other.name == name;
                              }) == 1;
  // A string of the language has no other control characters.
  bool isText = std::none_of(name.begin(), name.end(), [](unsigned char c) {
    return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
  });
  return name.empty() || !isOnly || !isText ? std::to_string(column)
                                            : asString(name);
}

static std::string readerOf(const TablePlan &plan, const std::string &split,
                            const std::string &path, char delimiter) {
  std::vector<std::string> inputs, columns;
  for (const TableInput &input : plan.inputs) {
    inputs.push_back(input.name);
    for (int64_t column : input.columns)
      columns.push_back(spellColumn(plan, column));
  }
  inputs.push_back("target");
  columns.push_back(spellColumn(plan, plan.target));
  const std::string word = split + " ";
  std::string text = wrap("  " + word, inputs, " =\n");
  text += "    csv(" + asString(path) +
          ", header = " + (plan.table.hasHeader ? "true" : "false");
  if (delimiter != ',')
    text += ", delimiter = " +
            asString(delimiter == '\t' ? "tab" : std::string(1, delimiter));
  return text + ",\n" + wrap("        columns = [", columns, "])\n");
}

/// The name of an input, behind which the steps of all stand in one column.
static std::string nameInColumn(const TablePlan &plan,
                                const std::string &name) {
  const bool hasTarget = plan.task == Task::Names || plan.told().numMissing > 0;
  size_t width = hasTarget ? std::string_view("target").size() : 0;
  for (const TableInput &input : plan.inputs)
    width = std::max(width, input.name.size());
  return "  " + name + std::string(width - name.size() + 1, ' ');
}

/// Names in quotes, on lines of their own where they are many.
static std::string classesOf(const TablePlan &plan) {
  std::vector<std::string> names;
  for (const std::string &name : plan.told().values)
    names.push_back(asString(name));
  return wrap(nameInColumn(plan, "target") + "classes = [", names, "]");
}

static std::string stepsOf(const TablePlan &plan, const TableInput &input) {
  const std::string line = nameInColumn(plan, input.name);
  switch (input.kind) {
  case Kind::Numbers:
    return line + "standardize // (x - mean) / deviation: numbers near 0 train "
                  "best\n";
  case Kind::Gaps:
    return line + "standardize, missing = mean, mask = " + input.name +
           "_known\n";
  case Kind::Dates: {
    const bool isDay = input.dateFormat == "%d/%m/%Y";
    return (isDay
                ? "  // The day is taken to be before the month; if it is not: "
                  "\"%m/%d/%Y\".\n"
                : std::string()) +
           line + "date(days" +
           (input.dateFormat.empty()
                ? ""
                : ", format = " + asString(std::string(input.dateFormat))) +
           "), standardize" + (input.hasMissing ? ", missing = mean" : "") +
           "\n";
  }
  case Kind::Category:
    break;
  }
  return line + "categories" + (input.isOneHot() ? ", one_hot" : "") +
         (input.hasMissing ? ", missing = \"missing\"" : "") + "\n";
}

static std::string dataOf(const TablePlan &plan, const NewProgram &wanted,
                          char validationDelimiter, char testDelimiter) {
  std::string text =
      "data {\n" + readerOf(plan, "train", wanted.path, plan.table.delimiter);
  if (!wanted.validation.empty())
    text += readerOf(plan, "validation", wanted.validationPath,
                     validationDelimiter);
  if (!wanted.test.empty())
    text += readerOf(plan, "test", wanted.testPath, testDelimiter);
  text +=
      "  // What is measured here (means, deviations, names) is measured on "
      "the training rows,\n"
      "  // kept with the weights, and used by eval and predict.\n";
  for (const TableInput &input : plan.inputs)
    text += stepsOf(plan, input);
  const bool isMissing = plan.told().numMissing > 0;
  if (plan.task == Task::Names)
    text += classesOf(plan) + (isMissing ? ", missing = drop\n" : "\n");
  else if (isMissing)
    text += nameInColumn(plan, "target") + "missing = drop\n";
  return text + "}\n";
}

/// Some 2000 steps, and every row seen at least 5 times.
static std::string trainingOf(const TablePlan &plan, bool hasValidation) {
  const int64_t numRows = plan.table.numRows;
  const int64_t batch = numRows < 1000 ? 16 : numRows < 20000 ? 32 : 128;
  const int64_t perEpoch = std::max<int64_t>(1, numRows / batch);
  const int64_t epochs = std::clamp<int64_t>(2000 / perEpoch, 5, 100);
  std::string text = "training {\n"
                     "  optimizer adam(learning_rate = 0.001)\n"
                     "  batch " +
                     std::to_string(batch) + "\n  epochs " +
                     std::to_string(epochs) + "\n";
  const bool isSplit = !hasValidation && numRows >= 20;
  if (isSplit)
    text +=
        "  // A tenth of the rows is kept aside, and tells what was only "
        "learned by heart.\n"
        "  validation 0.1" +
        std::string(plan.task == Task::Number ? "" : " stratified by target") +
        "\n";
  if (isSplit || hasValidation)
    text += "  stop when validation_loss rests " +
            std::to_string(std::max<int64_t>(3, epochs / 5)) +
            " epochs // and keep the best weights\n";
  return text + "}\n\n";
}

/// The delimiter of another table of the same columns; InvalidFile where they
/// are others.
static StatusOr<char> checkAlike(const TablePlan &plan,
                                 const NewProgram &wanted,
                                 const std::string &path) {
  constexpr int64_t mostRows = 100;
  auto other = profileTable(path, mostRows);
  if (!other.isOk())
    return other.status();
  if (plan.table.hasHeader) {
    for (const ColumnProfile &column : plan.table.columns)
      if (other->find(column.name) < 0)
        return Status(Code::InvalidFile, path + ": there is no column '" +
                                             printable(column.name) + "', as " +
                                             wanted.data + " has one");
  } else if (other->columns.size() != plan.table.columns.size()) {
    return Status(Code::InvalidFile,
                  path + ": this table has " +
                      std::to_string(other->columns.size()) + " columns, and " +
                      wanted.data + " has " +
                      std::to_string(plan.table.columns.size()));
  }
  return char(other->delimiter);
}

StatusOr<std::string> programForTable(const NewProgram &wanted) {
  auto plan = planTable(wanted);
  if (!plan.isOk())
    return plan.status();
  char delimiters[2] = {',', ','};
  const std::string *others[] = {&wanted.validation, &wanted.test};
  for (int i = 0; i < 2; ++i) {
    if (others[i]->empty())
      continue;
    auto delimiter = checkAlike(*plan, wanted, *others[i]);
    if (!delimiter.isOk())
      return delimiter.status();
    delimiters[i] = *delimiter;
  }
  return heading(*plan, wanted) + modelOf(*plan, wanted.name) +
         trainingOf(*plan, !wanted.validation.empty()) +
         dataOf(*plan, wanted, delimiters[0], delimiters[1]);
}

} // namespace nnc::tools
