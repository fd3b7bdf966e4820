// Lists the pictures of a folder; reads them at once where they fit into
// memory, and one by one, when they are needed, where they do not.
#include "runtime/data/Images.h"

#include "runtime/PlanNames.h"
#include "runtime/data/Array.h"
#include "runtime/data/FindFile.h"
#include "runtime/data/ForAll.h"
#include "runtime/data/ImageFile.h"
#include "runtime/data/TableColumns.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

namespace nnc::runtime {

namespace fs = std::filesystem;

static constexpr size_t mostPictures = size_t(1) << 26;

//===----------------------------------------------------------------------===//
// Which pictures there are
//===----------------------------------------------------------------------===//

namespace {
/// A folder and what is in it, sorted by name.
struct Listing {
  std::vector<std::string> folders, pictures;
};

struct PictureList {
  std::vector<std::string> paths;
  std::vector<int32_t> labels;
  std::vector<std::string> classes;
};
} // namespace

// What is no picture by its name is passed over.
static StatusOr<Listing> list(const std::string &path) {
  StatusOr<FolderListing> found = listFolder(path);
  if (!found.isOk())
    return found.status();
  Listing listing;
  listing.folders = std::move(found->folders);
  for (std::string &name : found->files)
    if (isPictureName(name))
      listing.pictures.push_back(std::move(name));
  return listing;
}

static Status noPictures(const std::string &path) {
  return {Code::InvalidFile,
          concat(path, ": no pictures, which are files whose names end in "
                       ".png, .jpg or .jpeg")};
}

/// The number of a class, which the classes of the training data say where they
/// are known.
static StatusOr<int32_t> labelOf(const std::string &path,
                                 const std::string &name,
                                 const std::vector<std::string> &classes) {
  auto found = std::find(classes.begin(), classes.end(), name);
  if (found != classes.end())
    return int32_t(found - classes.begin());
  return Status(Code::InvalidFile,
                concat(path, ": the training data has no class ", quote(name),
                       ", it has ", listNames(classes)));
}

static Status addPictures(const std::string &folder, const Listing &listing,
                          int32_t label, PictureList &pictures) {
  if (listing.pictures.empty())
    return noPictures(folder);
  for (const std::string &name : listing.pictures) {
    pictures.paths.push_back(concat(folder, "/", name));
    pictures.labels.push_back(label);
  }
  if (pictures.paths.size() <= mostPictures)
    return {};
  return {Code::InvalidFile, concat(folder, ": more than 2^26 pictures")};
}

static Status addClass(const std::string &path, const std::string &name,
                       PictureList &pictures) {
  const std::string folder = concat(path, "/", name);
  if (const char *problem = problemOfText(name))
    return {Code::InvalidFile,
            concat(path, ": the name of folder ", quote(name), " ", problem)};
  StatusOr<int32_t> label = labelOf(folder, name, pictures.classes);
  if (!label.isOk())
    return label.status();
  StatusOr<Listing> listing = list(folder);
  if (!listing.isOk())
    return listing.status();
  return addPictures(folder, *listing, *label, pictures);
}

/// Pictures of classes where there are folders; else those of the folder
/// itself, which have no labels.
static StatusOr<PictureList>
findPictures(const ReadRequest &request,
             const std::vector<std::string> *knownClasses) {
  const std::string &path = request.path;
  PictureList pictures;
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    pictures.paths = {path};
    return pictures;
  }
  StatusOr<Listing> listing = list(path);
  if (!listing.isOk())
    return listing.status();
  if (listing->folders.empty() && request.inputs.size() == 1) {
    Status status = addPictures(path, *listing, 0, pictures);
    if (!status.isOk())
      return status;
    return pictures;
  }
  if (listing->folders.empty())
    return Status(Code::InvalidFile,
                  concat(path, ": no folders in it, expected one of each class "
                               "with its pictures"));
  if (!listing->pictures.empty())
    return Status(Code::InvalidFile,
                  concat(path, ": ", quote(listing->pictures[0]),
                         " lies beside the folders of the classes"));
  pictures.classes = knownClasses ? *knownClasses : listing->folders;
  for (const std::string &name : listing->folders)
    if (Status status = addClass(path, name, pictures); !status.isOk())
      return status;
  return pictures;
}

//===----------------------------------------------------------------------===//
// Reading them
//===----------------------------------------------------------------------===//

namespace {
/// Pictures in files, of any sizes.
class PictureFiles : public Samples {
public:
  PictureFiles(std::vector<std::string> paths, int64_t channels)
      : paths(std::move(paths)), channels(channels) {}

  /// Reads their sizes and, where they are at most `mostKeptBytes` together,
  /// all of them.
  Status open(int numThreads, int64_t mostKeptBytes);

  PictureSize extent(int64_t index) const override {
    return {sizes[index].height, sizes[index].width, channels};
  }
  Status read(int64_t index, Workspace &work) const override;
  std::string nameOf(int64_t index) const override { return paths[index]; }

private:
  struct Size {
    int32_t height = 0, width = 0;
  };
  Status readSize(int64_t index);
  Status keep(int64_t index);

  std::vector<std::string> paths;
  int64_t channels;
  std::vector<Size> sizes;
  /// The pixels of each; empty where they are read when they are needed.
  std::vector<std::vector<uint8_t>> kept;
};
} // namespace

Status PictureFiles::readSize(int64_t index) {
  StatusOr<PictureSize> extent = readPictureSize(paths[index]);
  if (!extent.isOk())
    return extent.status();
  sizes[index] = {int32_t(extent->height), int32_t(extent->width)};
  return {};
}

Status PictureFiles::keep(int64_t index) {
  return readPicture(paths[index], extent(index), kept[index]);
}

Status PictureFiles::open(int numThreads, int64_t mostKeptBytes) {
  ThreadPool pool(numThreads);
  sizes.resize(paths.size());
  const auto count = int64_t(paths.size());
  Status status =
      forAll(pool, count, 1, [&](int64_t i, int) { return readSize(i); });
  if (!status.isOk())
    return status;
  int64_t bytes = 0;
  for (size_t i = 0; i < paths.size() && bytes <= mostKeptBytes; ++i)
    bytes += extent(int64_t(i)).numValues();
  if (bytes > mostKeptBytes)
    return {};
  kept.resize(paths.size());
  return forAll(pool, count, 1, [&](int64_t i, int) { return keep(i); });
}

Status PictureFiles::read(int64_t index, Workspace &work) const {
  const std::vector<uint8_t> *pixels = kept.empty() ? nullptr : &kept[index];
  if (!pixels) {
    Status status = readPicture(paths[index], extent(index), work.pixels);
    if (!status.isOk())
      return status;
    pixels = &work.pixels;
  }
  work.picture.resize(extent(index));
  std::copy(pixels->begin(), pixels->end(), work.picture.values.begin());
  return {};
}

//===----------------------------------------------------------------------===//
// As columns
//===----------------------------------------------------------------------===//

/// How many channels the input takes, or 0 if it takes no pictures.
static int64_t channelsOf(const ReadRequest &request) {
  const Shape shape = sampleShapeOf(*request.inputs[0]);
  std::optional<PictureSize> extent = extentOf(shape, request.channelsFirst);
  const bool isPicture = shape.size() == 2 || shape.size() == 3;
  const bool isKnown =
      isPicture && (extent->channels == 1 || extent->channels == 3);
  return isKnown ? extent->channels : 0;
}

static StatusOr<Column> readPictures(const ReadRequest &request,
                                     const PictureList &pictures) {
  const TensorInfo &input = *request.inputs[0];
  const int64_t channels = channelsOf(request);
  if (channels == 0)
    return Status(
        Code::InvalidArgument,
        concat("images fills inputs such as u8[batch, 32, 32, 3] or u8[batch, "
               "28, 28], with order = \"chw\" u8[batch, 3, 32, 32]; input ",
               quote(input.name), " is ",
               describe(input.elementType, input.shape)));
  auto files = std::make_shared<PictureFiles>(pictures.paths, channels);
  if (Status status = files->open(request.numThreads, request.mostKeptBytes);
      !status.isOk())
    return status;
  Column column;
  column.name = input.name;
  column.elementType = ElementType::U8;
  column.numSamples = int64_t(pictures.paths.size());
  column.samples = std::move(files);
  return column;
}

static StatusOr<Column> makeLabels(const ReadRequest &request,
                                   const PictureList &pictures) {
  const TensorInfo &input = *request.inputs[1];
  const auto numClasses = int64_t(pictures.classes.size());
  if (input.indexLimit > 0 && numClasses > input.indexLimit)
    return Status(Code::InvalidFile,
                  concat(request.path, ": ", numClasses, " classes, input ",
                         quote(input.name), " takes at most ",
                         input.indexLimit));
  Column labels;
  labels.name = input.name;
  labels.elementType = ElementType::I32;
  labels.numSamples = int64_t(pictures.labels.size());
  labels.data = AlignedBytes(pictures.labels.size() * sizeof(int32_t));
  std::memcpy(labels.data.data(), pictures.labels.data(), labels.data.size());
  if (Status status = checkSampleShape(request.path, input, ElementType::I32,
                                       {labels.numSamples});
      !status.isOk())
    return status;
  StatusOr<Column> column =
      convertColumn(std::move(labels), input, request.path, false);
  if (column.isOk())
    column->classes = pictures.classes;
  return column;
}

StatusOr<std::vector<Column>> readImages(const ReadRequest &request) {
  Status status = request.checkArguments({"order"});
  if (!status.isOk())
    return status;
  const size_t numInputs = request.inputs.size();
  if (numInputs > 2)
    return Status(Code::InvalidArgument,
                  concat("images fills one input with pictures and perhaps one "
                         "with their classes, the binding names ",
                         numInputs));
  const std::vector<std::string> *classes =
      numInputs == 2 ? request.classesOf(request.inputs[1]->name) : nullptr;
  StatusOr<PictureList> pictures = findPictures(request, classes);
  if (!pictures.isOk())
    return pictures.status();
  if (int64_t(pictures->paths.size()) > request.mostSamples) {
    pictures->paths.resize(size_t(request.mostSamples));
    pictures->labels.resize(size_t(request.mostSamples));
  }
  std::vector<Column> columns;
  StatusOr<Column> read = readPictures(request, *pictures);
  if (read.isOk())
    columns.push_back(std::move(*read));
  if (read.isOk() && numInputs == 2) {
    read = makeLabels(request, *pictures);
    if (read.isOk())
      columns.push_back(std::move(*read));
  }
  if (!read.isOk())
    return read.status();
  return columns;
}

} // namespace nnc::runtime
