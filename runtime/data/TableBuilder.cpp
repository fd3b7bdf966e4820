// Reads fields into elements.
#include "runtime/data/TableBuilder.h"

#include "runtime/data/Suggestion.h"
#include "runtime/data/TableColumns.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace nnc::runtime {

/// What goes to the file at once.
static constexpr int64_t pieceBytes = int64_t(1) << 24;
/// How many different names an input may have.
static constexpr size_t mostNames = size_t(1) << 20;

TableBuilder::TableBuilder(const ReadRequest &request, bool spools)
    : request(request), spools(spools) {
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    const TensorInfo &info = *request.inputs[i];
    const TableSteps *steps = request.tableSteps(i);
    const ElementType type = !steps                ? info.elementType
                             : steps->takesNames() ? ElementType::I32
                                                   : ElementType::F64;
    const int64_t numFields =
        steps ? steps->numFields() : *numElements(sampleShapeOf(info));
    inputs.push_back(
        {&info, steps, type, numFields, numFields * sizeBytes(type)});
    rowBytes += isNeeded(i) ? inputs.back().sampleBytes : 0;
  }
}

TableBuilder TableBuilder::ofPiece(const ReadRequest &request) {
  TableBuilder piece(request, /*spools=*/false);
  piece.isPiece = true;
  return piece;
}

/// A row of which the training data have none: to drop, or to refuse.
Status TableBuilder::drop() {
  isDropped = true;
  if (!request.keepsRows)
    return {};
  return {Code::InvalidFile, "the value is missing, and training left out such "
                             "rows: there is no answer for it"};
}

/// Stores the number that a text is as an element; false if it does not fit.
/// Whole numbers of 64 bits go past the double, which has 53.
static bool storeNumber(std::string_view text, double number, ElementType type,
                        uint8_t *element) {
  int64_t whole = 0;
  if (type == ElementType::I64 &&
      parseInteger(text.substr(text.substr(0, 1) == "+"), whole)) {
    std::memcpy(element, &whole, sizeof whole);
    return true;
  }
  // Written as 1e3 or 2.0: below 2^53, a double has every whole number.
  constexpr double beyondExact = 0x1p53;
  if (!fits(type, number) ||
      (type == ElementType::I64 && std::abs(number) >= beyondExact))
    return false;
  fromDouble(type, number, element);
  return std::isfinite(toDouble(type, element));
}

static std::string hintOfMissing(const std::string &input) {
  return concat("; `", input,
                " missing = mean`, `= drop` or a value says what becomes of "
                "it");
}

Status TableBuilder::addPlain(Input &input, std::string_view field) {
  double number = 0;
  const std::string &name = input.info->name;
  if (field.empty())
    return {Code::InvalidFile,
            concat("expected a number, found ''", hintOfMissing(name))};
  if (!parseDecimal(field, number))
    return {Code::InvalidFile,
            concat("expected a number, found ", quote(field),
                   isMissingMark(field)
                       ? hintOfMissing(name)
                       : concat("; `", name, " categories` or `", name,
                                " classes` takes names"))};
  const bool isWord = field.find_first_of("0123456789") == field.npos;
  if (isWord)
    return {Code::InvalidFile,
            concat("expected a finite number, found ", quote(field),
                   isMissingMark(field) ? hintOfMissing(name) : "")};
  const size_t end = input.bytes.size();
  input.bytes.resize(end + size_t(sizeBytes(input.type)));
  if (!storeNumber(field, number, input.type, &input.bytes[end]))
    return {Code::InvalidFile,
            concat(quote(field), " does not fit input ", quote(name),
                   " of type ", runtime::name(input.type))};
  const int64_t limit = input.info->indexLimit;
  if (limit == 0 || (number >= 0 && number < double(limit)))
    return {};
  return {Code::InvalidFile, concat("found ", field, " for input ", quote(name),
                                    ", expected 0 to ", limit - 1)};
}

template <typename T> static void append(std::vector<uint8_t> &bytes, T value) {
  const size_t end = bytes.size();
  bytes.resize(end + sizeof value);
  std::memcpy(&bytes[end], &value, sizeof value);
}

Status TableBuilder::addNumber(Input &input, std::string_view field) {
  double number = 0;
  if (Status status = input.steps->parse(field, number); !status.isOk())
    return status;
  append(input.bytes, number);
  const bool isDrop = input.steps->missing() == TableSteps::Missing::Drop;
  return isDrop && std::isnan(number) ? drop() : Status();
}

Status TableBuilder::addName(Input &input, std::string_view field) {
  std::string name;
  if (Status status = input.steps->parseName(field, name); !status.isOk())
    return status;
  if (name.empty() && input.steps->missing() == TableSteps::Missing::Drop)
    return drop();
  auto [found, isNew] =
      input.numbers.emplace(name, int32_t(input.names.size()));
  append(input.bytes, found->second);
  if (!isNew)
    return {};
  input.names.push_back(name);
  if (const char *problem = problemOfText(name))
    return {Code::InvalidFile, concat("the name ", quote(name), " ", problem)};
  if (input.names.size() > mostNames)
    return {Code::InvalidFile,
            concat("input ", quote(input.info->name),
                   " has more than 2^20 different names; hashing(buckets = "
                   "...) takes any number of them")};
  if (input.steps->open() == TableSteps::Open::Names)
    return {};
  StatusOr<double> number = input.steps->numberOf(name);
  if (number.isOk())
    return {};
  return {Code::InvalidFile,
          number.status().message() + suggestion(name, input.steps->names())};
}

Status TableBuilder::add(size_t index, std::string_view field) {
  Input &input = inputs[index];
  if (!input.steps)
    return addPlain(input, field);
  return input.steps->takesNames() ? addName(input, field)
                                   : addNumber(input, field);
}

void TableBuilder::keepRow() {
  ++count;
  for (Input &input : inputs)
    input.numKeptNames = input.names.size();
}

/// Its elements, and the names that no row before it has.
void TableBuilder::forgetRow() {
  for (Input &input : inputs) {
    if (!input.bytes.empty())
      input.bytes.resize(size_t((count - numSpooled) * input.sampleBytes));
    for (; input.names.size() > input.numKeptNames; input.names.pop_back())
      input.numbers.erase(input.names.back());
  }
}

/// Bytes of rows at which these go to the file. A compressed file may hold any
/// number, whatever its own size is; of another a field has two bytes and more,
/// and eight as a number.
int64_t TableBuilder::mostWaiting() const {
  constexpr int64_t growth = 4;
  return spools || file ? std::min(pieceBytes, request.mostKeptBytes)
                        : request.mostKeptBytes * growth;
}

Status TableBuilder::endRow() {
  isDropped ? forgetRow() : keepRow();
  isDropped = false;
  return spoolIfFull();
}

Status TableBuilder::spoolIfFull() {
  const bool isFull = (count - numSpooled) * rowBytes >= mostWaiting();
  return isFull && count > numSpooled && !isPiece ? spool() : Status();
}

bool TableBuilder::canTake(const TableBuilder &piece) const {
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].names.size() + piece.inputs[i].names.size() > mostNames)
      return false;
  return true;
}

/// Numbers the names of `more` as they follow those of `input`.
void TableBuilder::takeNames(Input &input, const Input &more) {
  std::vector<int32_t> numbers;
  for (const std::string &name : more.names) {
    auto [found, isNew] =
        input.numbers.emplace(name, int32_t(input.names.size()));
    if (isNew)
      input.names.push_back(name);
    numbers.push_back(found->second);
  }
  const size_t begin = input.bytes.size();
  input.bytes.resize(begin + more.bytes.size());
  for (size_t at = 0; at < more.bytes.size(); at += sizeof(int32_t)) {
    int32_t number;
    std::memcpy(&number, &more.bytes[at], sizeof number);
    std::memcpy(&input.bytes[begin + at], &numbers[size_t(number)],
                sizeof number);
  }
}

Status TableBuilder::take(const TableBuilder &piece) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    Input &input = inputs[i];
    const Input &more = piece.inputs[i];
    if (input.steps && input.steps->takesNames())
      takeNames(input, more);
    else
      input.bytes.insert(input.bytes.end(), more.bytes.begin(),
                         more.bytes.end());
  }
  count += piece.count;
  for (Input &input : inputs)
    input.numKeptNames = input.names.size();
  return spoolIfFull();
}

/// Writes the rows that are in memory, the inputs of each side by side.
Status TableBuilder::spool() {
  if (!file) {
    StatusOr<RowSpool> made = RowSpool::create(rowBytes);
    if (!made.isOk())
      return made.status();
    file = std::move(*made);
  }
  const int64_t atOnce =
      std::max<int64_t>(1, pieceBytes / std::max<int64_t>(1, rowBytes));
  for (int64_t first = 0, number = 0; numSpooled < count; first += number) {
    number = std::min(atOnce, count - numSpooled);
    if (Status status = spoolRows(first, number); !status.isOk())
      return status;
    numSpooled += number;
  }
  for (Input &input : inputs)
    std::vector<uint8_t>().swap(input.bytes);
  return {};
}

/// Of those in memory.
Status TableBuilder::spoolRows(int64_t first, int64_t number) {
  std::vector<uint8_t> rows(size_t(number * rowBytes));
  int64_t offset = 0;
  for (const Input &input : inputs) {
    if (input.bytes.empty())
      continue;
    for (int64_t row = 0; row < number; ++row)
      std::memcpy(rows.data() + row * rowBytes + offset,
                  input.bytes.data() + (first + row) * input.sampleBytes,
                  size_t(input.sampleBytes));
    offset += input.sampleBytes;
  }
  return file->append(rows);
}

StatusOr<std::vector<Column>> TableBuilder::finish() {
  std::shared_ptr<const RowFile> rows;
  if (file) {
    if (Status status = spool(); !status.isOk())
      return status;
    rows = file->finish(request.path);
  }
  std::vector<Column> columns;
  int64_t offset = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!isNeeded(i))
      continue;
    Input &input = inputs[i];
    Column &column = columns.emplace_back();
    column.name = input.info->name;
    column.elementType = input.type;
    column.sampleShape =
        input.steps ? Shape{input.numFields} : sampleShapeOf(*input.info);
    column.numSamples = count;
    column.classes = std::move(input.names);
    if (rows) {
      column.stored =
          std::make_shared<RowParts>(rows, offset, input.sampleBytes);
      offset += input.sampleBytes;
      continue;
    }
    column.data = AlignedBytes(input.bytes.size());
    std::copy(input.bytes.begin(), input.bytes.end(), column.data.data());
    std::vector<uint8_t>().swap(input.bytes);
  }
  return columns;
}

} // namespace nnc::runtime
