// Reads explain.jsonl line by line, and draws each.
#include "tools/plot/Explanations.h"

#include "tools/LogLines.h"
#include "tools/Ranking.h"
#include "tools/Text.h"
#include "tools/plot/Pictures.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>

namespace nnc::tools {

using nlohmann::json;

namespace {

/// What a line says of one input: a picture with a map, or a row of features.
struct Input {
  std::string name;
  bool isPicture = false;
  Picture picture;
  HeatMap map;
  std::vector<double> errors;
};

/// A picture on a sheet, and the words below it.
struct Tile {
  std::vector<Colour> pixels;
  int height = 0, width = 0;
  std::string caption;
};

/// What is collected for files of its own.
struct Sheets {
  std::vector<Tile> filters, mistakes;
};

} // namespace

static std::string textOf(const json &object, const char *key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string()
             ? printable(found->get<std::string>())
             : "";
}

/// A number as a label; empty where there is none.
static std::string numberOf(const json &object, const char *key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number())
    return "";
  return found->is_number_integer() ? found->dump()
                                    : shortNumber(found->get<double>());
}

/// The name of the class `key`, or its number where it has none.
static std::string classOf(const json &object, const std::string &key) {
  const std::string name = textOf(object, (key + "_name").c_str());
  return name.empty() ? numberOf(object, key.c_str()) : name;
}

static bool readInput(const json &object, Input &input) {
  if (!object.is_object() ||
      !readNumbers(object, "values", input.picture.values))
    return false;
  input.name = textOf(object, "input");
  input.isPicture = object.contains("picture");
  Picture &picture = input.picture;
  if (!input.isPicture)
    return !picture.values.empty();
  return readPictureSize(object, picture) &&
         picture.values.size() == size_t(picture.height) *
                                      size_t(picture.width) *
                                      size_t(picture.channels);
}

static bool readMap(const json &object, Input &input) {
  HeatMap &map = input.map;
  constexpr int most = 1 << 24;
  if (!readNumbers(object, "attributions", map.values) ||
      !readWhole(object, "rows", 1, most, map.rows) ||
      !readWhole(object, "columns", 1, most, map.columns) ||
      map.values.size() != size_t(map.rows) * size_t(map.columns))
    return false;
  if (object.contains("patch") &&
      !readWhole(object, "patch", 1, most, map.patch))
    return false;
  if (object.contains("errors") &&
      (!readNumbers(object, "errors", input.errors) ||
       input.errors.size() != map.values.size()))
    return false;
  return input.isPicture || map.values.size() == input.picture.values.size();
}

/// How many pixels of the file a pixel of the picture takes, for about `side`.
static int scaleFor(const Picture &picture, int side) {
  return std::max(1, side / std::max(picture.height, picture.width));
}

/// The picture, and beside it what counts in it.
static bool drawOver(const std::string &path, const std::string &title,
                     const Input &input) {
  const int scale = scaleFor(input.picture, 224), margin = 16, top = 44;
  const int width = input.picture.width * scale;
  const int height = input.picture.height * scale;
  Canvas canvas(std::max(2 * width + 3 * margin, 420), top + height + 36);
  canvas.colour(kInk);
  canvas.text(margin, 26, 14, 0, title);
  canvas.picture(margin, top, toPixels(input.picture), input.picture.width,
                 scale);
  const int right = 2 * margin + width;
  canvas.picture(right, top, layOver(input.picture, input.map),
                 input.picture.width, scale);
  auto [least, largest] =
      std::minmax_element(input.map.values.begin(), input.map.values.end());
  canvas.colour(*least < 0 ? kBlue : kInk);
  canvas.text(right, top + height + 20, 12, 0, shortNumber(*least));
  canvas.colour(*largest > 0 ? kVermilion : kInk);
  canvas.text(right + width, top + height + 20, 12, 1, shortNumber(*largest));
  return canvas.save(path);
}

/// The features that count most, a bar each, with their standard errors.
static bool drawBars(const std::string &path, const std::string &title,
                     const Input &input) {
  constexpr size_t most = 20;
  const std::vector<double> &values = input.map.values;
  std::vector<size_t> order = orderByMagnitude(values);
  order.resize(std::min(order.size(), most));
  auto error = [&](size_t i) {
    return input.errors.empty() ? 0.0 : input.errors[i];
  };
  double low = 0, high = 0;
  for (size_t i : order) {
    low = std::min(low, values[i] - error(i));
    high = std::max(high, values[i] + error(i));
  }
  const double span = high > low ? high - low : 1;
  const double left = 210, width = 380, top = 44, step = 24;
  auto x = [&](double value) { return left + (value - low) / span * width; };
  Canvas canvas(int(left + width + 100),
                int(top + step * double(order.size()) + 20));
  canvas.colour(kInk);
  canvas.text(16, 26, 14, 0, title);
  for (size_t place = 0; place < order.size(); ++place) {
    const size_t i = order[place];
    const double y = top + double(place) * step, middle = y + 9;
    canvas.colour(values[i] > 0 ? kVermilion : kBlue);
    canvas.rectangle(std::min(x(0), x(values[i])), y,
                     std::abs(x(values[i]) - x(0)), 18);
    canvas.colour(kInk);
    canvas.text(left - 12, y + 14, 12, 1,
                input.name + "[" + std::to_string(i) +
                    "] = " + shortNumber(input.picture.values[i]));
    canvas.text(left + width + 12, y + 14, 12, 0, shortNumber(values[i]));
    if (error(i) > 0)
      canvas.line(x(values[i] - error(i)), middle, x(values[i] + error(i)),
                  middle, 2);
  }
  canvas.line(x(0), top - 6, x(0), top + step * double(order.size()), 1);
  return canvas.save(path);
}

/// Tiles of one size in rows, about as many as there are columns.
static bool drawSheet(const std::string &path, const std::string &title,
                      const std::vector<Tile> &tiles) {
  const Tile &first = tiles.front();
  const int scale = std::max(1, 56 / std::max(first.height, first.width));
  const int below = first.caption.empty() ? 0 : 18, gap = 8, top = 44;
  size_t letters = 0;
  for (const Tile &tile : tiles)
    letters = std::max(letters, std::min(tile.caption.size(), size_t(40)));
  // A letter is some 6.5 pixels wide.
  const int width = std::max(first.width * scale, int(letters) * 13 / 2) + gap;
  const int height = first.height * scale + below + gap;
  constexpr int mostPixels = 6000; // a side, so that the canvas stays small
  const int columns =
      std::max(1, std::min(int(std::ceil(std::sqrt(double(tiles.size())))),
                           mostPixels / width));
  const int rows =
      std::max(1, std::min((int(tiles.size()) + columns - 1) / columns,
                           mostPixels / height));
  const int shown = std::min(int(tiles.size()), rows * columns);
  if (size_t(shown) < tiles.size())
    std::cerr << "warning: " << path << " shows " << shown << " of "
              << tiles.size() << '\n';
  Canvas canvas(std::max(columns * width + gap, 360),
                top + rows * height + gap);
  canvas.colour(kInk);
  canvas.text(gap, 26, 14, 0, title);
  for (int i = 0; i < shown; ++i) {
    const Tile &tile = tiles[size_t(i)];
    const int x = gap + i % columns * width, y = top + i / columns * height;
    canvas.picture(x, y, tile.pixels, tile.width, scale);
    canvas.colour(kInk);
    canvas.text(x, y + tile.height * scale + 14, 11, 0, tile.caption);
  }
  return canvas.save(path);
}

/// False, after a message, where the line is none of an explanation; `ok` is
/// false after a file could not be written.
static bool drawExplanation(const json &line, const std::string &folder,
                            bool &ok) {
  const auto inputs = line.find("inputs");
  const std::string method = textOf(line, "method");
  const std::string sample = numberOf(line, "sample");
  if (!isFileName(method) || sample.empty() || inputs == line.end() ||
      !inputs->is_array())
    return false;
  const std::string title =
      method + "  sample " + sample + "  " + textOf(line, "output") + "[" +
      classOf(line, "class") + "] = " + numberOf(line, "score");
  for (const json &object : *inputs) {
    Input input;
    if (!readInput(object, input) || !readMap(object, input))
      return false;
    std::string stem = method + "-" + sample;
    if (inputs->size() > 1) {
      if (!isFileName(input.name))
        return false;
      stem += "-" + input.name;
    }
    const std::string path = folder + "/" + stem + ".png";
    ok &= input.isPicture ? drawOver(path, title, input)
                          : drawBars(path, title, input);
  }
  return true;
}

static bool addFilters(const json &line, Sheets &sheets) {
  Picture size;
  const auto filters = line.find("filters");
  if (!readPictureSize(line, size) || filters == line.end() ||
      !filters->is_array())
    return false;
  for (const json &values : *filters) {
    Picture filter = size;
    filter.values.clear();
    if (!readNumbers({{"values", values}}, "values", filter.values) ||
        filter.values.size() !=
            size_t(size.height) * size_t(size.width) * size_t(size.channels))
      return false;
    sheets.filters.push_back(
        {filterPixels(filter), filter.height, filter.width, ""});
  }
  return true;
}

static bool addMistake(const json &line, Sheets &sheets) {
  const auto inputs = line.find("inputs");
  if (inputs == line.end() || !inputs->is_array())
    return false;
  for (const json &object : *inputs) {
    Input input;
    if (!readInput(object, input))
      return false;
    if (!input.isPicture)
      continue;
    sheets.mistakes.push_back(
        {toPixels(input.picture), input.picture.height, input.picture.width,
         classOf(line, "label") + " as " + classOf(line, "predicted") + " (" +
             numberOf(line, "score") + ")"});
    break;
  }
  return true;
}

static bool drawLine(const json &line, const std::string &folder,
                     Sheets &sheets, bool &ok) {
  if (!line.is_object())
    return false;
  const std::string kind = textOf(line, "kind");
  if (kind == "explanation")
    return drawExplanation(line, folder, ok);
  if (kind == "filters")
    return addFilters(line, sheets);
  return kind == "misclassified" && addMistake(line, sheets);
}

int plotExplanations(const std::string &folder) {
  const std::string path = folder + "/explain.jsonl";
  Sheets sheets;
  bool ok = true, isDrawn = true;
  runtime::Status status =
      readLogLines(path, [&](const std::string &text, int64_t number) {
        json line = json::parse(text, nullptr, /*allow_exceptions=*/false);
        isDrawn = drawLine(line, folder, sheets, ok);
        if (!isDrawn)
          std::cerr << path << ':' << number
                    << ": error: expected an explanation, filters or a "
                       "misclassified sample, as `nnc explain` writes them\n";
        return isDrawn;
      });
  if (!status.isOk())
    std::cerr << "error: " << status.message() << '\n';
  if (!status.isOk() || !isDrawn)
    return 1;
  if (!sheets.filters.empty())
    ok &= drawSheet(folder + "/filters.png", "filters of the first layer",
                    sheets.filters);
  if (!sheets.mistakes.empty())
    ok &= drawSheet(folder + "/misclassified.png",
                    "misclassified: label as prediction (score)",
                    sheets.mistakes);
  return ok ? 0 : 3;
}

} // namespace nnc::tools
