// How a plan asks to be trained: numbers, data, steps of samples and of
// training, plateaus.
#include "runtime/PlanReader.h"

#include "runtime/RecipeNumbers.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace nnc::runtime {

bool PlanReader::readRecipe(const plan::Recipe &from) {
  Recipe &to = result.recipe;
  where = "recipe";
  to.batch = from.batch();
  to.epochs = from.epochs();
  to.validation = from.validation();
  to.seed = from.seed();
  if (!checkNumber("batch", to.batch) || !checkNumber("epochs", to.epochs) ||
      !checkNumber("validation", to.validation) ||
      !checkNumber("seed", to.seed) || !takeTables(from.settings()) ||
      !takeTables(from.data()) || !takeTables(from.sample_steps()) ||
      !takeTables(from.plateaus()))
    return false;
  if (from.settings())
    for (const plan::Setting *setting : *from.settings())
      if (!readSetting(*setting, to.settings.emplace_back()))
        return false;
  if (from.data())
    for (const plan::DataBinding *binding : *from.data())
      if (!readDataBinding(*binding, to.data.emplace_back()))
        return false;
  if (!readPlateaus(from))
    return false;
  if (from.sample_steps() && from.sample_steps()->size() > mostSampleSteps)
    return fail("has ", from.sample_steps()->size(),
                " steps of samples, expected at most ", mostSampleSteps);
  if (from.sample_steps())
    for (const plan::SampleStep *step : *from.sample_steps())
      if (!readSampleStep(*step, to.sampleSteps.emplace_back()))
        return false;
  where.clear();
  return true;
}

template <typename T>
bool PlanReader::checkNumber(std::string_view name, T value) {
  const RecipeNumber *number = findRecipeNumber(name);
  return !number || number->admits(double(value)) ||
         fail(number->refuse(concat(value)));
}

bool PlanReader::readSetting(const plan::Setting &from, Setting &to) {
  if (!readName(from.name(), to.name))
    return false;
  to.integer = from.integer();
  to.real = from.real();
  if (from.text() && !readText(from.text(), to.text))
    return false;
  const RecipeNumber *number = findRecipeNumber(to.name);
  return number && number->isInteger ? checkNumber(to.name, to.integer)
                                     : checkNumber(to.name, to.real);
}

template <typename Table>
bool PlanReader::readArguments(const Table &from, const char *what,
                               StepArguments &to) {
  std::vector<std::string> names, values;
  // A value is what the model says, such as a tab between columns.
  if (!readTexts(*from.argument_names(), names) ||
      !readTexts(*from.argument_values(), values, Lines::Several))
    return false;
  if (values.size() != names.size())
    return fail(what, " has ", names.size(), " argument names and ",
                values.size(), " values");
  for (size_t i = 0; i < names.size(); ++i)
    to.emplace_back(std::move(names[i]), std::move(values[i]));
  return true;
}

bool PlanReader::readDataBinding(const plan::DataBinding &from,
                                 DataBinding &to) {
  return readText(from.split(), to.split) &&
         readText(from.reader(), to.reader) &&
         readText(from.source(), to.source) &&
         readTexts(*from.inputs(), to.inputs) &&
         readArguments(from, "a data binding", to.arguments);
}

bool PlanReader::readSampleStep(const plan::SampleStep &from, SampleStep &to) {
  if (!readName(from.input(), to.input) || !readName(from.step(), to.step) ||
      !readText(from.source(), to.source) ||
      !readArguments(from, "a step of samples", to.arguments))
    return false;
  const std::string problem = explainSampleStep(to.step, to.arguments);
  return problem.empty() || fail(problem);
}

static bool hasLoss(const EntryPoint &entry) {
  return std::any_of(
      entry.outputs.begin(), entry.outputs.end(),
      [](const TensorInfo &output) { return output.kind == "loss"; });
}

bool PlanReader::readTrainingSteps(
    const flatbuffers::Vector<flatbuffers::Offset<plan::TrainingStep>> *from) {
  std::vector<TrainingStep> &to = result.recipe.steps;
  if (!from) {
    const EntryPoint *only = result.findEntryPoint("train_step");
    if (!only || !hasLoss(*only))
      return true;
    to.push_back({only->name});
    return checkAccumulating(*only);
  }
  where = "recipe";
  if (from->size() > mostOrderedSteps)
    return fail("has ", from->size(), " training steps, expected at most ",
                mostOrderedSteps);
  if (!takeTables(from))
    return false;
  for (const plan::TrainingStep *step : *from)
    if (!readTrainingStep(*step, to.emplace_back()))
      return false;
  if (std::all_of(to.begin(), to.end(),
                  [](const TrainingStep &step) { return step.times == 0; }))
    return fail("has training steps, and none in a round");
  where.clear();
  return true;
}

/// What adds to the gradients that wait runs on the batches of its step.
bool PlanReader::checkAccumulating(const EntryPoint &step) {
  const EntryPoint *other = result.findAccumulating(step.name);
  return !other ||
         std::equal(other->inputs.begin(), other->inputs.end(),
                    step.inputs.begin(), step.inputs.end(), isSameInput) ||
         fail("entry point ", quote(other->name), " has other inputs than ",
              quote(step.name));
}

bool PlanReader::readTrainingStep(const plan::TrainingStep &from,
                                  TrainingStep &to) {
  if (!readName(from.entry_point(), to.entryPoint))
    return false;
  to.times = from.times();
  const EntryPoint *found = result.findEntryPoint(to.entryPoint);
  if (!found || !hasLoss(*found))
    return fail("the training step ", quote(to.entryPoint),
                " is no entry point with a loss");
  if (to.times < 0 || to.times > mostTimesInTurn)
    return fail("the training step ", quote(to.entryPoint), " runs ", to.times,
                " times in its turn, expected 0 to ", mostTimesInTurn);
  return checkAccumulating(*found);
}

/// The rates of plateaus are scalars of the state, each of one.
bool PlanReader::readPlateaus(const plan::Recipe &from) {
  constexpr size_t most = 256;
  if (!from.plateaus())
    return true;
  if (from.plateaus()->size() > most)
    return fail("has ", from.plateaus()->size(), " plateaus, expected at most ",
                most);
  std::set<std::string> rates;
  for (const plan::Plateau *plateau : *from.plateaus()) {
    Plateau &to = result.recipe.plateaus.emplace_back();
    if (!readName(plateau->rate(), to.rate) ||
        (plateau->metric() && plateau->metric()->size() > 0 &&
         !readName(plateau->metric(), to.metric)))
      return false;
    to.factor = plateau->factor();
    to.patience = plateau->patience();
    to.leastChange = plateau->least_change();
    to.final = plateau->final();
    const StateTensor *rate = result.findState(to.rate);
    if (!rate || rate->role != Role::Scalar || !rates.insert(to.rate).second)
      return fail("a plateau is of ", quote(to.rate),
                  ", which is no rate of its own");
    const bool isSound = to.factor > 0 && to.factor < 1 && to.patience >= 1 &&
                         to.leastChange >= 0 && std::isfinite(to.leastChange) &&
                         to.final >= 0 && std::isfinite(to.final);
    if (!isSound)
      return fail("the plateau of ", quote(to.rate),
                  " has a number out of range");
  }
  return true;
}

} // namespace nnc::runtime
