// Programs for folders of pictures, and for a text.
#include "tools/new/Programs.h"

#include "tools/Text.h"

#include "runtime/data/ByteStream.h"
#include "runtime/data/ImageFile.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace nnc::tools {

using namespace runtime;
namespace fs = std::filesystem;

/// The text with a value in each place `@NAME@`.
static std::string
fill(std::string_view text,
     const std::vector<std::pair<std::string, std::string>> &values) {
  std::string filled;
  while (!text.empty()) {
    const size_t begin = text.find('@');
    filled += text.substr(0, begin);
    if (begin == std::string_view::npos)
      break;
    const size_t end = text.find('@', begin + 1);
    const std::string_view name = text.substr(begin + 1, end - begin - 1);
    for (const auto &[known, value] : values)
      if (known == name)
        filled += value;
    text.remove_prefix(end + 1);
  }
  return filled;
}

static constexpr std::string_view kPictureProgram =
    R"(// Which of @classes@ kinds a picture is of: @named@.
// Learned from @pictures@ pictures of @sizes@.
//
//   nnc train @name@.nn
const side = @side@

// A convolution that sees 3 x 3 places at once, and half as many places after it.
fn stage(x, channels) {
  x = relu(batch_norm(conv2d(x, channels, kernel = 3, padding = same, bias = false)))
  return max_pool(x, 2)
}

model @name@(image: f32[batch, side, side, 3], label: i32[batch]) {
  x = image
  for channels in [16, 32, 64] {
    x = stage(x, channels)
  }
  x = dropout(global_average_pool(x), 0.2)
  logits = dense(x, @classes@)
  loss cross_entropy(logits, label)
  metric accuracy(logits, label)
  output probabilities = softmax(logits)
}

training {
  optimizer adam(learning_rate = 0.001)
  batch @batch@
  epochs @epochs@
@held@  stop when validation_loss rests @patience@ epochs // and keep the best weights
}

data {
  train image, label = images(@train@)
@validation@@test@  // While training: a window anywhere, turned left to right at random (leave out flip where
  // that changes what a picture is of), brighter or darker. Else the middle. Then of mean 0
  // and deviation 1, as measured on the training pictures.
  image @fit@, flip, jitter(0.1, 0.1, 0.1), normalize
}
)";

static constexpr std::string_view kTextProgram =
    R"(// Goes on with text as @path@ has it, a character at a time: a small GPT.
//
//   nnc train @name@.nn
//   nnc generate @name@.nn --weights @name@.safetensors --prompt "It was"
const vocabulary = @vocabulary@, context = 64, layers = 3, heads = 4, width = 96

// Each character looks at those before it, then thinks by itself.
fn block(x) {
  x = x + multi_head_attention(layer_norm(x), heads = heads, causal = true)
  return x + dense(gelu(dense(layer_norm(x), 4 * width)), width)
}

model @name@(tokens: i32[batch, context], next: i32[batch, context]) {
  x = embedding(tokens, vocabulary, width)
  param place: f32[context, width] = normal(0.02)
  x = x + place
  for i in 0..layers {
    x = block(x) as block[i]
  }
  logits = dense(layer_norm(x), vocabulary)
  loss cross_entropy(logits, next)
  metric accuracy(logits, next)
  output logits
}

training {
  optimizer adamw(learning_rate = 0.001)
  batch 16
  epochs @epochs@
  validation 0.1 // of the windows are kept aside
}

data {
  // The text in windows of 64 characters, and each shifted by one.
  train tokens, next = text(@text@, tokenizer = "character", vocabulary = @vocabulary@, window = 64)
}
)";

//===-- Pictures ---------------------------------------------------------===//

/// The names of what lies in a folder, sorted; nothing where it cannot be read.
static std::vector<std::string> namesIn(const fs::path &folder) {
  std::vector<std::string> names;
  std::error_code problem;
  for (fs::directory_iterator it(folder, problem), end; !problem && it != end;
       it.increment(problem))
    if (std::string name = it->path().filename().string(); name[0] != '.')
      names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

namespace {
struct PictureFolder {
  std::vector<std::string> classes;
  std::vector<int64_t> sides;  ///< The shorter side of some pictures.
  PictureSize least{}, most{}; ///< Of these, each side by itself.
  int64_t numPictures = 0;
};
} // namespace

static Status look(const fs::path &folder, PictureFolder &found) {
  constexpr int64_t mostRead = 50;
  for (const std::string &name : namesIn(folder)) {
    std::error_code problem;
    if (!fs::is_directory(folder / name, problem))
      continue;
    found.classes.push_back(name);
    int64_t numRead = 0;
    for (const std::string &picture : namesIn(folder / name)) {
      if (!isPictureName(picture))
        continue;
      ++found.numPictures;
      if (++numRead * static_cast<int64_t>(found.classes.size()) > mostRead)
        continue;
      auto size = readPictureSize((folder / name / picture).string());
      if (!size.isOk())
        return size.status();
      if (found.sides.empty())
        found.least = found.most = *size;
      found.least.height = std::min(found.least.height, size->height);
      found.least.width = std::min(found.least.width, size->width);
      found.most.height = std::max(found.most.height, size->height);
      found.most.width = std::max(found.most.width, size->width);
      found.sides.push_back(std::min(size->height, size->width));
    }
  }
  if (found.classes.size() < 2 || found.sides.empty())
    return {Code::InvalidFile,
            folder.string() + ": expected a folder of PNG or JPEG pictures for "
                              "each of at least two classes"};
  return {};
}

/// Halved by each stage, and no larger than pictures are.
static int64_t chooseSide(std::vector<int64_t> sides) {
  std::sort(sides.begin(), sides.end());
  const int64_t middle = sides[sides.size() / 2];
  for (int64_t side : {96, 64, 48, 32})
    if (middle >= side)
      return side;
  return 16;
}

/// "36 x 40", or from what on and up to what.
static std::string sizesOf(const PictureFolder &found) {
  auto spell = [](const PictureSize &size) {
    return std::to_string(size.height) + " x " + std::to_string(size.width);
  };
  const std::string least = spell(found.least), most = spell(found.most);
  return least == most ? least : least + " to " + most;
}

/// To one size: pictures that have it are moved by a little, others are made
/// a little larger first.
static std::string fitTo(int64_t side, const PictureFolder &found) {
  const bool fits = found.least.height == side && found.least.width == side &&
                    found.most.height == side && found.most.width == side;
  const std::string size = std::to_string(side);
  const std::string margin = std::to_string(side / 8);
  return fits ? "crop(" + size + ", padding = " + margin + ")"
              : "resize(" + std::to_string(side + side / 8) + "), crop(" +
                    size + ")";
}

static std::string joined(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names) {
    text += (text.empty() ? "" : ", ") + printable(name);
    if (text.size() > 70)
      return text + ", ...";
  }
  return text;
}

StatusOr<std::string> programForImages(const NewProgram &wanted) {
  const fs::path folder = wanted.data;
  std::error_code problem;
  const bool isSplit = fs::is_directory(folder / "train", problem);
  const bool hasTest = isSplit && fs::is_directory(folder / "test", problem);
  PictureFolder found;
  if (Status status = look(isSplit ? folder / "train" : folder, found);
      !status.isOk())
    return status;
  std::string validation;
  for (const char *name : {"validation", "valid", "val"})
    if (isSplit && validation.empty() &&
        fs::is_directory(folder / name, problem))
      validation = wanted.path + "/" + name;
  const int64_t side = chooseSide(found.sides);
  const std::string classes = std::to_string(found.classes.size());
  std::string train = isSplit ? wanted.path + "/train" : wanted.path;
  const int64_t batch = found.numPictures < 500 ? 16 : 32;
  const int64_t epochs = std::clamp<int64_t>(
      60000 / std::max<int64_t>(1, found.numPictures), 5, 40);
  std::string held, test;
  if (validation.empty())
    held = "  // A tenth is kept aside, and tells what was only learned by "
           "heart.\n"
           "  validation 0.1 stratified by label\n";
  else
    validation =
        "  validation image, label = images(" + asString(validation) + ")\n";
  if (hasTest)
    test = "  test  image, label = images(" + asString(wanted.path + "/test") +
           ")\n";
  return fill(kPictureProgram,
              {{"classes", classes},
               {"named", joined(found.classes)},
               {"name", wanted.name},
               {"side", std::to_string(side)},
               {"pictures", std::to_string(found.numPictures)},
               {"sizes", sizesOf(found)},
               {"fit", fitTo(side, found)},
               {"held", held},
               {"validation", validation},
               {"patience", std::to_string(std::max<int64_t>(3, epochs / 5))},
               {"batch", std::to_string(batch)},
               {"epochs", std::to_string(epochs)},
               {"train", asString(train)},
               {"test", test}});
}

//===-- Text -------------------------------------------------------------===//

/// How many different characters of UTF-8 a text begins with, and how long it
/// is, as far as it is looked at.
static Status countCharacters(const std::string &path, size_t &numDifferent,
                              int64_t &numBytes) {
  auto stream = ByteStream::open(path);
  if (!stream.isOk())
    return stream.status();
  constexpr int64_t most = int64_t(4) << 20;
  std::string text(most, '\0');
  auto read = stream->readSome(text.data(), most);
  if (!read.isOk())
    return read.status();
  numBytes = *read;
  std::set<std::string> seen;
  for (int64_t i = 0; i < numBytes;) {
    int64_t end = i + 1;
    while (end < numBytes && end < i + 4 && (text[end] & 0xC0) == 0x80)
      ++end;
    seen.insert(text.substr(i, end - i));
    i = end;
  }
  numDifferent = seen.size();
  return {};
}

StatusOr<std::string> programForText(const NewProgram &wanted) {
  size_t numDifferent = 0;
  int64_t numBytes = 0;
  if (Status status = countCharacters(wanted.data, numDifferent, numBytes);
      !status.isOk())
    return status;
  constexpr int64_t context = 64;
  if (numBytes < 40 * context)
    return Status(Code::InvalidFile,
                  wanted.data + ": a text of at least " +
                      std::to_string(40 * context) +
                      " bytes is needed to learn from, this one has " +
                      std::to_string(numBytes));
  // Two ids are the padding and what was not seen.
  const std::string vocabulary = std::to_string(
      std::clamp<size_t>((numDifferent + 2 + 31) / 32 * 32, 32, 512));
  const int64_t windows = numBytes / context;
  const int64_t epochs =
      std::clamp<int64_t>(2000 * 16 / std::max<int64_t>(1, windows), 2, 50);
  return fill(kTextProgram, {{"path", wanted.path},
                             {"name", wanted.name},
                             {"vocabulary", vocabulary},
                             {"epochs", std::to_string(epochs)},
                             {"text", asString(wanted.path)}});
}

} // namespace nnc::tools
