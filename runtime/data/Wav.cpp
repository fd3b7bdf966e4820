// Lists the sounds, looks at their headers, and reads each when it is needed.
#include "runtime/data/Wav.h"

#include "runtime/data/FindFile.h"
#include "runtime/data/ForAll.h"
#include "runtime/data/Labels.h"
#include "runtime/data/TextColumns.h"
#include "runtime/data/WavFile.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>

namespace nnc::runtime {

namespace fs = std::filesystem;

static constexpr size_t mostSounds = size_t(1) << 26;

namespace {
struct Sound {
  std::string path;
  /// The transcript or the label, and where it stands.
  std::string text, where;
};

/// Samples of an input, read from their files.
class SoundFiles : public StoredSamples {
public:
  SoundFiles(std::vector<Sound> sounds, int64_t places,
             const TextSettings &settings)
      : sounds(std::move(sounds)), places(places), padsLeft(settings.padsLeft),
        cutsBegin(settings.cutsBegin), mayCut(settings.mayCut),
        rate(settings.rate) {}

  /// Looks at all headers.
  Status open(int numThreads);
  const std::vector<Sound> &list() const { return sounds; }
  int64_t lengthOf(size_t index) const {
    return std::min(infos[index].numFrames, places);
  }
  Status write(int64_t index, Workspace &work, uint8_t *to) const override;

private:
  Status openOne(int64_t index);

  const std::vector<Sound> sounds;
  const int64_t places;
  const bool padsLeft, cutsBegin, mayCut;
  const int64_t rate;
  std::vector<WavInfo> infos;
};
} // namespace

Status SoundFiles::openOne(int64_t index) {
  const Sound &sound = sounds[size_t(index)];
  StatusOr<WavInfo> info = readWavInfo(sound.path);
  if (!info.isOk())
    return {info.status().code(), sound.where + info.status().message()};
  if (info->rate != rate)
    return {Code::InvalidFile,
            concat(sound.path, ": ", info->rate,
                   " samples a second, the model takes ", rate)};
  if (info->numFrames > places && !mayCut)
    return {Code::InvalidFile,
            concat(sound.path, ": ", info->numFrames,
                   " samples, the input takes ", places,
                   "; truncate = \"end\" leaves the others out")};
  infos[size_t(index)] = *info;
  return {};
}

Status SoundFiles::open(int numThreads) {
  ThreadPool pool(numThreads);
  infos.resize(sounds.size());
  return forAll(pool, int64_t(sounds.size()), 1,
                [&](int64_t i, int) { return openOne(i); });
}

Status SoundFiles::write(int64_t index, Workspace &, uint8_t *to) const {
  const WavInfo &info = infos[size_t(index)];
  const int64_t count = lengthOf(size_t(index));
  std::vector<float> samples(size_t(places), 0.0f);
  float *begin = samples.data() + (padsLeft ? places - count : 0);
  Status status = readWav(sounds[size_t(index)].path, info,
                          cutsBegin ? info.numFrames - count : 0, count, begin);
  // A sample may stand at any byte of a batch.
  std::memcpy(to, samples.data(), samples.size() * sizeof(float));
  return status;
}

//===----------------------------------------------------------------------===//
// Which sounds there are
//===----------------------------------------------------------------------===//

static bool isSoundName(const std::string &name) {
  const std::string ending = fs::path(name).extension().string();
  return ending == ".wav" || ending == ".WAV";
}

static Status addFolder(const std::string &folder, const std::string &label,
                        std::vector<Sound> &sounds) {
  StatusOr<FolderListing> listing = listFolder(folder);
  if (!listing.isOk())
    return listing.status();
  const size_t before = sounds.size();
  for (const std::string &name : listing->files)
    if (isSoundName(name))
      sounds.push_back({concat(folder, "/", name), label, ""});
  if (sounds.size() == before)
    return {Code::InvalidFile,
            concat(folder, ": no sounds, which are files whose names end in "
                           ".wav")};
  return {};
}

static Status addClasses(const std::string &path, std::vector<Sound> &sounds) {
  StatusOr<FolderListing> listing = listFolder(path);
  if (!listing.isOk())
    return listing.status();
  if (listing->folders.empty())
    return {Code::InvalidFile,
            concat(path, ": no folders in it, expected one of each class with "
                         "its sounds")};
  for (const std::string &name : listing->folders)
    if (Status status = addFolder(concat(path, "/", name), name, sounds);
        !status.isOk())
      return status;
  return {};
}

/// Files beside the table that names them.
static Status addTable(const ReadRequest &request, const TextSettings &settings,
                       std::vector<Sound> &sounds) {
  TextSettings table = settings;
  table.form = TextForm::Table;
  // Names and transcripts are UTF-8, whatever is made of them.
  table.tokenizer = TokenizerChoice();
  table.parts = {TextPart::Tokens};
  if (settings.has(TextPart::Label) || settings.has(TextPart::Tokens))
    table.parts.push_back(TextPart::Label);
  const fs::path folder = fs::path(request.path).parent_path();
  return readTexts(request, table, [&](const Text &row) -> StatusOr<bool> {
    const std::string path = (folder / std::string(row.text)).string();
    sounds.push_back({path, std::string(row.label), row.where});
    return int64_t(sounds.size()) < request.mostSamples &&
           sounds.size() < mostSounds;
  });
}

static StatusOr<std::vector<Sound>> listSounds(const ReadRequest &request,
                                               const TextSettings &settings) {
  std::vector<Sound> sounds;
  std::error_code error;
  Status status;
  const bool isFolder = fs::is_directory(request.path, error);
  if (settings.has(TextPart::Label) && settings.has(TextPart::Tokens))
    status = {Code::InvalidArgument,
              "wav: a sound has a transcript or a label, not both"};
  else if (settings.has(TextPart::Tokens) && isFolder)
    status = {Code::InvalidArgument,
              concat(request.path,
                     ": a folder has no transcripts; give a table "
                     "of files and transcripts")};
  else if (isSoundName(request.path))
    sounds.push_back({request.path, "", ""});
  else if (!isFolder)
    status = addTable(request, settings, sounds);
  else if (settings.has(TextPart::Label))
    status = addClasses(request.path, sounds);
  else
    status = addFolder(request.path, "", sounds);
  if (!status.isOk())
    return status;
  if (int64_t(sounds.size()) > request.mostSamples)
    sounds.resize(size_t(request.mostSamples));
  return sounds;
}

//===----------------------------------------------------------------------===//
// As columns
//===----------------------------------------------------------------------===//

static Status checkInput(const ReadRequest &request,
                         const TextSettings &settings, size_t index) {
  const TensorInfo &input = *request.inputs[index];
  const TextPart part = settings.parts[index];
  const bool isSamples = part == TextPart::Samples;
  const bool isRow = isSamples || part == TextPart::Tokens;
  const bool isOfType = isSamples ? input.elementType == ElementType::F32
                                  : !isRow || isInteger(input.elementType);
  const bool isFitting = isOfType && input.shape.size() == (isRow ? 2 : 1) &&
                         !(isRow && request.isOpen[index]);
  if (isFitting && part != TextPart::Targets)
    return {};
  return {Code::InvalidArgument,
          concat("wav fills samples such as f32[batch, 16000] and tokens such "
                 "as i32[batch, 40], which have no steps, and lengths and "
                 "labels such as i32[batch]; input ",
                 quote(input.name), " is ",
                 describe(input.elementType, input.shape))};
}

static StatusOr<Column> lengthsColumn(const ReadRequest &request, size_t index,
                                      const SoundFiles &files) {
  Column column;
  column.name = request.inputs[index]->name;
  column.elementType = ElementType::I32;
  column.numSamples = int64_t(files.list().size());
  column.data = AlignedBytes(files.list().size() * sizeof(int32_t));
  for (size_t i = 0; i < files.list().size(); ++i) {
    const auto length = int32_t(files.lengthOf(i));
    std::memcpy(column.data.data() + i * sizeof length, &length, sizeof length);
  }
  return request.fit(index, std::move(column));
}

static Column samplesColumn(const TensorInfo &input,
                            std::shared_ptr<const SoundFiles> files) {
  Column column;
  column.name = input.name;
  column.elementType = ElementType::F32;
  column.sampleShape = sampleShapeOf(input);
  column.numSamples = int64_t(files->list().size());
  column.stored = std::move(files);
  return column;
}

/// Adds the tokens of all transcripts to `columns`, by the tokenizer that they
/// teach.
static Status readTranscripts(const ReadRequest &request,
                              const TextSettings &settings,
                              const std::vector<Sound> &sounds,
                              std::optional<TextColumns> &columns) {
  const TensorInfo &input =
      *request.inputs[size_t(settings.find(TextPart::Tokens))];
  const ForEachText texts = [&](const TakeText &take) -> Status {
    for (const Sound &sound : sounds) {
      Text text;
      text.text = sound.text;
      text.where = sound.where;
      StatusOr<bool> goesOn = take(text);
      if (!goesOn.isOk() || !*goesOn)
        return goesOn.status();
    }
    return {};
  };
  auto tokenizer = chooseTokenizer(request, settings, input, texts);
  if (!tokenizer.isOk())
    return tokenizer.status();
  columns.emplace(request, settings, *tokenizer, input.shape[1],
                  !settings.mayCut);
  return texts([&](const Text &text) -> StatusOr<bool> {
    Status added = columns->add(text);
    if (!added.isOk())
      return added;
    return true;
  });
}

static StatusOr<Column> readLabels(const ReadRequest &request, size_t index,
                                   const std::vector<Sound> &sounds) {
  std::error_code error;
  Labels labels(request, index, fs::is_directory(request.path, error));
  for (const Sound &sound : sounds)
    if (Status status = labels.add(
            sound.text, sound.where.empty() ? sound.path + ": " : sound.where);
        !status.isOk())
      return status;
  return labels.finish(true);
}

StatusOr<std::vector<Column>> readWavs(const ReadRequest &request) {
  StatusOr<TextSettings> settings = readTextSettings(request.binding);
  if (!settings.isOk())
    return settings.status();
  for (size_t i = 0; i < request.inputs.size(); ++i)
    if (Status status = checkInput(request, *settings, i); !status.isOk())
      return status;
  StatusOr<std::vector<Sound>> sounds = listSounds(request, *settings);
  if (!sounds.isOk())
    return sounds.status();
  const TensorInfo &input =
      *request.inputs[size_t(settings->find(TextPart::Samples))];
  auto files = std::make_shared<SoundFiles>(std::move(*sounds), input.shape[1],
                                            *settings);
  if (Status status = files->open(request.numThreads); !status.isOk())
    return status;
  std::optional<TextColumns> transcripts;
  if (settings->has(TextPart::Tokens))
    if (Status status =
            readTranscripts(request, *settings, files->list(), transcripts);
        !status.isOk())
      return status;
  std::vector<Column> columns;
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    const TextPart part = settings->parts[i];
    StatusOr<Column> column =
        part == TextPart::Samples ? samplesColumn(*request.inputs[i], files)
        : part == TextPart::SampleLengths ? lengthsColumn(request, i, *files)
        : part == TextPart::Label ? readLabels(request, i, files->list())
                                  : transcripts->finish(i);
    if (!column.isOk())
      return column.status();
    if (part == TextPart::Samples)
      column->padding.isLeft = settings->padsLeft;
    columns.push_back(std::move(*column));
  }
  return columns;
}

} // namespace nnc::runtime
