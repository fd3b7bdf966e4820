// The program for a table: standardised columns, two hidden layers, and a loss
// that suits the column to be told.
#include "tools/Text.h"
#include "tools/new/Programs.h"
#include "tools/new/TableProfile.h"

#include "runtime/data/Suggestion.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace nnc::tools {

using namespace runtime;

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

/// Lines of at most some 100 columns, each element behind the bracket.
static std::string list(const std::vector<std::string> &elements,
                        size_t indent) {
  std::string text = "[", line;
  constexpr size_t widest = 100;
  for (size_t i = 0; i < elements.size(); ++i) {
    const std::string element =
        elements[i] + (i + 1 < elements.size() ? "," : "");
    if (!line.empty() && indent + line.size() + element.size() > widest) {
      text += line + "\n" + std::string(indent + 1, ' ');
      line.clear();
    }
    line += (line.empty() ? "" : " ") + element;
  }
  return text + line + "]";
}

namespace {
/// What the column to be told is.
enum class Task { TwoClasses, Classes, Number };

struct TablePlan {
  TableProfile table;
  int64_t target = 0;
  Task task = Task::Number;
  int64_t firstClass = 0, numClasses = 0;
  std::vector<int64_t> features;
  std::vector<std::string> leftOut; ///< With the reason.
};
} // namespace

static std::string nameOf(const TableProfile &table, int64_t column) {
  const std::string &name = table.columns[column].name;
  return name.empty() ? "column " + std::to_string(column) : printable(name);
}

/// One of a usual name, or the last.
static StatusOr<int64_t> chooseTarget(const TableProfile &table,
                                      const std::string &wanted) {
  std::vector<std::string> names;
  for (const ColumnProfile &column : table.columns)
    names.push_back(column.name);
  if (!wanted.empty()) {
    int64_t found = table.find(wanted);
    if (found >= 0)
      return found;
    return Status(Code::InvalidArgument, "--target: there is no column '" +
                                             wanted + "'" +
                                             suggestion(wanted, names));
  }
  for (const char *usual : {"target", "label", "class", "y", "outcome"})
    if (int64_t found = table.find(usual); found >= 0)
      return found;
  return static_cast<int64_t>(table.columns.size()) - 1;
}

/// Whole numbers of few values, one after the other, are classes.
static void chooseTask(TablePlan &plan) {
  const ColumnProfile &target = plan.table.columns[plan.target];
  constexpr size_t mostClasses = 50;
  const double span = target.most - target.least + 1;
  bool isClass = target.isWhole && target.values.size() >= 2 &&
                 target.values.size() <= mostClasses &&
                 span <= 2 * static_cast<double>(target.values.size());
  if (!isClass)
    return;
  plan.firstClass = static_cast<int64_t>(target.least);
  plan.numClasses = static_cast<int64_t>(span);
  plan.task = plan.numClasses == 2 ? Task::TwoClasses : Task::Classes;
}

static StatusOr<TablePlan> planTable(const NewProgram &wanted) {
  auto table = profileTable(wanted.data);
  if (!table.isOk())
    return table.status();
  TablePlan plan;
  plan.table = std::move(*table);
  auto target = chooseTarget(plan.table, wanted.target);
  if (!target.isOk())
    return target.status();
  plan.target = *target;
  const ColumnProfile &told = plan.table.columns[plan.target];
  if (!told.isNumeric() || told.numMissing > 0)
    return Status(Code::InvalidFile,
                  wanted.data + ": '" + nameOf(plan.table, plan.target) +
                      "', which is to be told, has " +
                      (told.numMissing > 0 ? "missing values" : "texts") +
                      ": numbers are needed; --target names another column");
  chooseTask(plan);
  for (int64_t i = 0; i < static_cast<int64_t>(plan.table.columns.size());
       ++i) {
    const ColumnProfile &column = plan.table.columns[i];
    if (i == plan.target)
      continue;
    const std::string name = nameOf(plan.table, i);
    if (column.numTexts > 0)
      plan.leftOut.push_back(name + ", which has texts");
    else if (column.numMissing > 0)
      plan.leftOut.push_back(name + ", of which " +
                             std::to_string(column.numMissing) +
                             " are missing");
    else if (column.deviation() == 0)
      plan.leftOut.push_back(name + ", which is always the same");
    else
      plan.features.push_back(i);
  }
  if (plan.features.empty())
    return Status(Code::InvalidFile,
                  wanted.data + ": no column but the one to be told has "
                                "numbers throughout that differ");
  return plan;
}

//===-- Text -------------------------------------------------------------===//

static std::string heading(const TablePlan &plan, const NewProgram &wanted) {
  const TableProfile &table = plan.table;
  std::string text = "// " + nameOf(table, plan.target) + " of " +
                     std::to_string(plan.features.size()) +
                     " columns of numbers, learned from " +
                     (table.isWhole ? "" : "the first of more than ") +
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

static std::string constants(const TablePlan &plan) {
  std::vector<std::string> means, deviations;
  for (int64_t column : plan.features) {
    means.push_back(number(plan.table.columns[column].mean));
    deviations.push_back(number(plan.table.columns[column].deviation()));
  }
  const std::string meansHead = "const means = ";
  const std::string deviationsHead = "const deviations = ";
  return "// Of each column as it is in the file: inputs near 0 and of a "
         "spread "
         "near 1 train best.\n" +
         meansHead + list(means, meansHead.size()) + "\n" + deviationsHead +
         list(deviations, deviationsHead.size()) + "\n\n";
}

static std::string body(const TablePlan &plan) {
  const ColumnProfile &target = plan.table.columns[plan.target];
  const std::string shift = plan.firstClass == 0
                                ? "target"
                                : "target - " + std::to_string(plan.firstClass);
  std::string text = "  x = (x - means) / deviations\n"
                     "  x = dropout(relu(dense(x, 64)), 0.1)\n"
                     "  x = relu(dense(x, 32))\n";
  switch (plan.task) {
  case Task::TwoClasses:
    text += "  // One number: above 0 it is " + number(target.most) +
            ", else " + number(target.least) + ".\n";
    text += "  logit = reshape(dense(x, 1), [batch])\n";
    if (plan.firstClass != 0)
      text += "  target = " + shift + "\n";
    return text + "  loss bce_logits(logit, target)\n"
                  "  metric accuracy(logit, target)\n"
                  "  output probability = sigmoid(logit)\n";
  case Task::Classes:
    text += "  // A number a class, from " + number(target.least) + " to " +
            number(target.most) + ": the largest is the answer.\n";
    text += "  logits = dense(x, " + std::to_string(plan.numClasses) + ")\n";
    if (plan.firstClass != 0)
      text += "  target = " + shift + "\n";
    return text + "  loss cross_entropy(logits, target)\n"
                  "  metric accuracy(logits, target)\n"
                  "  output probabilities = softmax(logits)\n";
  case Task::Number:
    break;
  }
  const std::string deviation = number(std::max(target.deviation(), 1e-6));
  return text +
         "  // What is learned is how many deviations the answer is from the "
         "mean.\n"
         "  guess = reshape(dense(x, 1), [batch])\n"
         "  loss mse(guess, (target - " +
         number(target.mean) + ") / " + deviation +
         ")\n"
         "  answer = guess * " +
         deviation + " + " + number(target.mean) +
         "\n"
         "  metric mae(answer, target)\n"
         "  output answer\n";
}

static std::string data(const TablePlan &plan, const NewProgram &wanted) {
  const TableProfile &table = plan.table;
  std::vector<std::string> columns;
  auto name = [&](int64_t column) {
    const ColumnProfile &profile = table.columns[column];
    bool isOnly = std::count_if(table.columns.begin(), table.columns.end(),
                                [&](const ColumnProfile &other) {
                                  return other.name == profile.name;
                                }) == 1;
    // A string of the language has no other control characters.
    bool isText = std::none_of(
        profile.name.begin(), profile.name.end(), [](unsigned char c) {
          return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
        });
    return profile.name.empty() || !isOnly || !isText ? std::to_string(column)
                                                      : asString(profile.name);
  };
  for (int64_t column : plan.features)
    columns.push_back(name(column));
  columns.push_back(name(plan.target));
  const std::string begin = "  train x, target = csv(" + asString(wanted.path);
  std::string rest =
      std::string(", header = ") + (table.hasHeader ? "true" : "false");
  if (table.delimiter != ',')
    rest += ", delimiter = " + asString(table.delimiter == '\t'
                                            ? "tab"
                                            : std::string(1, table.delimiter));
  const std::string head = begin + rest + ",";
  const std::string second =
      std::string(std::string("  train x, target = csv(").size(), ' ') +
      "columns = ";
  return "data {\n" + head + "\n" + second + list(columns, second.size()) +
         ")\n}\n";
}

/// Some 2000 steps, and every row seen at least 5 times.
static std::string training(int64_t numRows) {
  const int64_t batch = numRows < 1000 ? 16 : numRows < 20000 ? 32 : 128;
  const int64_t perEpoch = std::max<int64_t>(1, numRows / batch);
  const int64_t epochs = std::clamp<int64_t>(2000 / perEpoch, 5, 100);
  std::string text = "training {\n"
                     "  optimizer adam(learning_rate = 0.001)\n"
                     "  batch " +
                     std::to_string(batch) + "\n  epochs " +
                     std::to_string(epochs) + "\n";
  if (numRows >= 20)
    text += "  validation 0.1 // of the rows are kept aside, and tell what was "
            "only learned by heart\n";
  return text + "}\n\n";
}

StatusOr<std::string> programForTable(const NewProgram &wanted) {
  auto plan = planTable(wanted);
  if (!plan.isOk())
    return plan.status();
  const char *type = plan->task == Task::Classes ? "i32" : "f32";
  return heading(*plan, wanted) + constants(*plan) + "model " + wanted.name +
         "(x: f32[batch, " + std::to_string(plan->features.size()) +
         "], target: " + type + "[batch]) {\n" + body(*plan) + "}\n\n" +
         training(plan->table.numRows) + data(*plan, wanted);
}

} // namespace nnc::tools
