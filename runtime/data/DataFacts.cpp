// Measures the values of samples, and writes what came of it as notes.
#include "runtime/data/DataFacts.h"

#include "runtime/data/ForAll.h"
#include "runtime/data/Moments.h"
#include "runtime/data/TableSamples.h"
#include "runtime/text/Json.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace nnc::runtime {

static constexpr std::string_view vocabularyNote = "vocabulary";

TableFacts DataFacts::tableFactsOf(const std::string &input) const {
  TableFacts facts;
  if (auto known = tables.find(input); known != tables.end())
    facts = known->second;
  if (auto known = classes.find(input);
      known != classes.end() && facts.names.empty())
    facts.names = known->second;
  if (auto known = normalization.find(input); known != normalization.end()) {
    facts.mean = known->second.mean;
    facts.deviation = known->second.deviation;
  }
  return facts;
}

void DataFacts::learn(const TableSteps &steps, const TableFacts &found) {
  const std::string &input = steps.input().name;
  TableFacts &table = tables[input];
  if (steps.kind() == TableSteps::Kind::Classes)
    classes[input] = steps.names();
  else if (steps.takesNames())
    table.names = steps.names();
  if (!found.mean.empty())
    normalization[input] = {found.mean, found.deviation};
  // What was known before is not among what was found.
  if (!found.fill.empty())
    table.fill = found.fill;
  if (!found.least.empty()) {
    table.least = found.least;
    table.most = found.most;
  }
}

void DataFacts::takeNames(DataFacts other) {
  vocabularies = std::move(other.vocabularies);
  for (auto &[input, table] : other.tables)
    if (!table.names.empty())
      tables[input].names = std::move(table.names);
}

void DataFacts::save(Metadata &notes) const {
  for (const auto &[input, names] : classes)
    notes[noteKey(input, classesNote)] = namesNote(names);
  for (const auto &[input, vocabulary] : vocabularies)
    notes[noteKey(input, vocabularyNote)] = vocabulary;
  for (const auto &[input, numbers] : normalization) {
    notes[noteKey(input, meanNote)] = numbersNote(numbers.mean);
    notes[noteKey(input, deviationNote)] = numbersNote(numbers.deviation);
  }
  for (const auto &[input, table] : tables) {
    if (!table.names.empty())
      notes[noteKey(input, categoriesNote)] = namesNote(table.names);
    const std::pair<std::string_view, const std::vector<double> *> lists[] = {
        {missingNote, &table.fill},
        {leastNote, &table.least},
        {mostNote, &table.most}};
    for (auto [what, numbers] : lists)
      if (!numbers->empty())
        notes[noteKey(input, what)] = numbersNote(*numbers);
  }
}

/// Those that earlier versions wrote may be a list of JSON's.
static std::vector<std::string> splitNames(const std::string &text) {
  if (text.substr(0, 1) != "[")
    return namesOfNote(text);
  StatusOr<nlohmann::json> list = parseJson(text, "");
  const bool isList = list.isOk() && std::all_of(list->begin(), list->end(),
                                                 [](const auto &name) {
                                                   return name.is_string();
                                                 });
  return isList ? list->get<std::vector<std::string>>() : namesOfNote(text);
}

StatusOr<DataFacts> DataFacts::restore(const Metadata &notes,
                                       const std::string &path) {
  DataFacts facts;
  std::set<std::string> inputs;
  for (const auto &[key, text] : notes) {
    if (auto input = inputOfNote(key, classesNote))
      facts.classes[*input] = splitNames(text);
    if (auto input = inputOfNote(key, vocabularyNote))
      facts.vocabularies[*input] = text;
    for (std::string_view what : {categoriesNote, meanNote, deviationNote,
                                  missingNote, leastNote, mostNote})
      if (auto input = inputOfNote(key, what))
        inputs.insert(*input);
  }
  for (const std::string &input : inputs) {
    StatusOr<TableFacts> table = TableFacts::restore(notes, input, path);
    if (!table.isOk())
      return table.status();
    if (!table->mean.empty())
      facts.normalization[input] = {std::move(table->mean),
                                    std::move(table->deviation)};
    if (notes.count(noteKey(input, categoriesNote)) == 0)
      table->names.clear();
    facts.tables[input] = {
        std::move(table->names), std::move(table->fill), {}, {},
        std::move(table->least), std::move(table->most)};
  }
  return facts;
}

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

static Moments momentsOf(const Picture &picture) {
  const auto channels = size_t(picture.extent.channels);
  const size_t places = channels ? picture.values.size() / channels : 0;
  Moments own(channels);
  for (size_t channel = 0; channel < channels && places > 0; ++channel) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < places; ++i)
      sum += picture.values[i * channels + channel];
    const double middle = sum / double(places);
    for (size_t i = 0; i < places; ++i) {
      const double distance = picture.values[i * channels + channel] - middle;
      squares += distance * distance;
    }
    own.count[channel] = double(places);
    own.mean[channel] = middle;
    own.squares[channel] = squares;
  }
  return own;
}

/// A part of the samples at a time: what each of them has is kept until it is
/// added in their order.
static StatusOr<Moments> measureColumn(const Column &column,
                                       const std::vector<int64_t> &samples,
                                       ThreadPool &pool) {
  Moments total;
  if (samples.empty())
    return total;
  // Of a table's row every number is a channel.
  constexpr int64_t mostSamples = 4096, mostChannels = int64_t(1) << 20;
  const int64_t channels = column.samples->extent(samples[0]).channels;
  const auto piece = size_t(std::clamp<int64_t>(
      mostChannels / std::max<int64_t>(channels, 1), 1, mostSamples));
  std::vector<Workspace> work(size_t(pool.numThreads()));
  std::vector<Moments> parts(std::min(piece, samples.size()));
  for (size_t first = 0; first < samples.size(); first += piece) {
    const size_t count = std::min(piece, samples.size() - first);
    Status status =
        forAll(pool, int64_t(count), 8, [&](int64_t i, int thread) -> Status {
          Workspace &space = work[size_t(thread)];
          Status read = column.samples->read(samples[first + size_t(i)], space);
          if (!read.isOk())
            return read;
          column.preparation->applyToOpen(space);
          parts[size_t(i)] = momentsOf(space.picture);
          return {};
        });
    if (!status.isOk())
      return status;
    if (first == 0)
      total = Moments(parts[0].mean.size());
    for (size_t i = 0; i < count; ++i)
      total.add(parts[i]);
  }
  return total;
}

static Status checkFinite(const Column &column, const Normalization &found) {
  for (size_t channel = 0; channel < found.mean.size(); ++channel)
    if (!std::isfinite(found.mean[channel]) ||
        !std::isfinite(found.deviation[channel]))
      return {Code::InvalidFile,
              concat("the data of input ", quote(column.name),
                     " cannot be measured: not all of their numbers are "
                     "finite")};
  return {};
}

static Status measureTable(TableSamples &table,
                           const std::vector<int64_t> &samples,
                           ThreadPool &pool, DataFacts &facts) {
  if (table.steps().open() == TableSteps::Open::Nothing)
    return {};
  StatusOr<TableFacts> found = table.measure(samples, pool);
  if (!found.isOk())
    return found.status();
  facts.learn(table.steps(), *found);
  return {};
}

Status measure(std::vector<Column> &columns,
               const std::vector<int64_t> &samples, int numThreads,
               DataFacts &facts) {
  return guardMemory([&]() -> Status {
    ThreadPool pool(numThreads);
    for (const Column &column : columns) {
      if (column.table)
        if (Status status = measureTable(*column.table, samples, pool, facts);
            !status.isOk())
          return status;
      if (!column.preparation || !column.preparation->isOpen() ||
          facts.normalization.count(column.name))
        continue;
      StatusOr<Moments> moments = measureColumn(column, samples, pool);
      if (!moments.isOk())
        return moments.status();
      Normalization found;
      found.mean = moments->mean;
      for (size_t channel = 0; channel < found.mean.size(); ++channel)
        found.deviation.push_back(moments->deviation(channel));
      if (Status status = checkFinite(column, found); !status.isOk())
        return status;
      facts.normalization[column.name] = std::move(found);
    }
    return settle(columns, facts);
  });
}

/// Does the steps of tables once for all samples, where all is known and in
/// memory.
static Status finishTables(std::vector<Column> &columns) {
  for (Column &column : columns) {
    const bool isOpen = column.table && column.table->steps().open() !=
                                            TableSteps::Open::Nothing;
    if (isOpen || !column.stored || !column.stored->isInMemory())
      continue;
    StatusOr<Column> finished = inMemory(std::move(column));
    if (!finished.isOk())
      return finished.status();
    column = std::move(*finished);
  }
  return {};
}

Status settle(std::vector<Column> &columns, const DataFacts &facts) {
  for (Column &column : columns) {
    if (column.table)
      if (Status status = column.table->settle(facts.tableFactsOf(column.name));
          !status.isOk())
        return status;
    auto known = facts.normalization.find(column.name);
    if (!column.preparation || !column.preparation->isOpen() ||
        known == facts.normalization.end())
      continue;
    column.preparation->settle(known->second);
    for (int64_t i = 0; i < std::min<int64_t>(column.numSamples, 1); ++i)
      if (Status status =
              column.preparation->check(column.samples->extent(i), nullptr);
          !status.isOk())
        return {Code::InvalidFile,
                concat("the measured numbers of input ", quote(column.name),
                       " are of other data: ", status.message())};
  }
  return finishTables(columns);
}

Status checkSettled(const std::vector<Column> &columns,
                    const std::string &weights) {
  for (const Column &column : columns) {
    if (column.table &&
        column.table->steps().open() != TableSteps::Open::Nothing)
      return {Code::InvalidArgument,
              concat(weights, ": nothing of what the steps of input ",
                     quote(column.name),
                     " measure: it comes with weights that nnc train has "
                     "saved")};
    if (column.preparation && column.preparation->isOpen())
      return {Code::InvalidArgument,
              concat(weights, ": no measured mean and deviation of input ",
                     quote(column.name),
                     ", which its step normalize needs: they come with weights "
                     "that nnc train has saved; else give the step its "
                     "numbers")};
  }
  return {};
}

} // namespace nnc::runtime
