// Reads log.jsonl and draws a curve a quantity.
#include "tools/plot/TrainingLog.h"

#include "tools/LogLines.h"
#include "tools/Text.h"
#include "tools/plot/Canvas.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>
#include <map>
#include <optional>
#include <vector>

namespace nnc::tools {

using nlohmann::json;

namespace {

struct Series {
  std::string label;
  Colour colour;
  std::vector<std::pair<double, double>> points; // epoch, value
};

/// The step of a round scale with about `count` marks over `span`: 1, 2 or 5
/// times a power of ten.
double roundStep(double span, int count) {
  double raw = span / count;
  double power = std::pow(10, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0})
    if (raw <= factor * power)
      return factor * power;
  return 10 * power;
}

/// Data range to pixels, with the frame, grid and numbers around it.
struct Axes {
  double xLow, xHigh, yLow, yHigh;
  double left = 80, top = 50, width = 660, height = 360;

  double x(double value) const {
    return left + (value - xLow) / (xHigh - xLow) * width;
  }
  double y(double value) const {
    return top + height - (value - yLow) / (yHigh - yLow) * height;
  }

  void draw(Canvas &canvas) const {
    double yStep = roundStep(yHigh - yLow, 6);
    for (double v = std::ceil(yLow / yStep) * yStep; v <= yHigh + 1e-9;
         v += yStep) {
      canvas.colour(kGrid);
      canvas.line(left, y(v), left + width, y(v), 1);
      canvas.colour(kInk);
      canvas.text(left - 8, y(v) + 4, 12, 1,
                  shortNumber(std::abs(v) < 1e-12 ? 0 : v));
    }
    double xStep = std::max(1.0, roundStep(xHigh - xLow, 10));
    for (double v = std::ceil(xLow / xStep) * xStep; v <= xHigh + 1e-9;
         v += xStep)
      canvas.text(x(v), top + height + 20, 12, 0.5, shortNumber(v));
    canvas.line(left, top + height, left + width, top + height, 1.5);
    canvas.text(left + width / 2, top + height + 44, 13, 0.5, "epoch");
  }
};

Axes fitAxes(const std::vector<Series> &series) {
  Axes axes{INFINITY, -INFINITY, INFINITY, -INFINITY};
  for (const Series &one : series)
    for (auto [x, y] : one.points) {
      axes.xLow = std::min(axes.xLow, x), axes.xHigh = std::max(axes.xHigh, x);
      axes.yLow = std::min(axes.yLow, y), axes.yHigh = std::max(axes.yHigh, y);
    }
  if (axes.xLow == axes.xHigh)
    axes.xLow -= 1, axes.xHigh += 1;
  double margin = std::max((axes.yHigh - axes.yLow) * 0.06, 1e-6);
  axes.yLow -= margin, axes.yHigh += margin;
  return axes;
}

bool drawCurves(const std::string &path, const std::string &title,
                const std::vector<Series> &series) {
  Canvas canvas(780, 480);
  Axes axes = fitAxes(series);
  axes.draw(canvas);
  canvas.text(axes.left, 30, 17, 0, title);
  double legend = axes.left + axes.width;
  for (const Series &one : series) {
    canvas.colour(one.colour);
    for (size_t i = 1; i < one.points.size(); ++i)
      canvas.line(axes.x(one.points[i - 1].first),
                  axes.y(one.points[i - 1].second), axes.x(one.points[i].first),
                  axes.y(one.points[i].second), 2);
    for (auto [x, y] : one.points)
      canvas.disc(axes.x(x), axes.y(y), 3);
    canvas.text(legend, 30, 13, 1, one.label);
    legend -= 110;
  }
  return canvas.save(path);
}

/// The names of the classes, where there is one for each; else nothing.
std::vector<std::string> namesOf(const json &classes, size_t count) {
  std::vector<std::string> names;
  if (!classes.is_array() || classes.size() != count)
    return names;
  for (const json &name : classes)
    if (name.is_string())
      names.push_back(printable(name.get<std::string>()));
  return names.size() == count ? names : std::vector<std::string>();
}

bool drawConfusion(const std::string &path, const json &counts,
                   const std::vector<std::string> &names) {
  const size_t classes = counts.size();
  const double cell = classes <= 12 ? 48 : std::max(6.0, 576.0 / classes);
  size_t longest = 0;
  for (const std::string &name : names)
    longest = std::max(longest, std::min<size_t>(name.size(), 40));
  // A letter of this size is some 7 wide.
  const double left = 80 + 7.0 * double(longest), top = 70;
  Canvas canvas(int(left + cell * classes + 30),
                int(top + cell * classes + 60));
  canvas.colour(kInk);
  canvas.text(20, 30, 17, 0, "confusion matrix");
  canvas.text(left + cell * classes / 2, top + cell * classes + 44, 13, 0.5,
              "predicted class");
  canvas.text(20, top - 12, 13, 0, "true class");
  for (size_t row = 0; row < classes; ++row) {
    double sum = 0;
    for (const json &count : counts[row])
      sum += count.get<double>();
    for (size_t column = 0; column < classes; ++column) {
      double count = counts[row][column].get<double>();
      double share = sum > 0 ? count / sum : 0;
      double x = left + column * cell, y = top + row * cell;
      // The square root shows small confusions beside a strong diagonal.
      double tint = std::sqrt(share);
      canvas.colour({1 - tint, 1 - 0.55 * tint, 1 - 0.30 * tint});
      canvas.rectangle(x, y, cell - 1, cell - 1);
      if (classes > 12)
        continue;
      canvas.colour(share > 0.4 ? Colour{1, 1, 1} : kInk);
      canvas.text(x + cell / 2, y + cell / 2 + 4, 12, 0.5, shortNumber(count));
    }
    if (classes > 40)
      continue;
    canvas.colour(kInk);
    canvas.text(left - 10, top + row * cell + cell / 2 + 4, 12, 1,
                (names.empty() ? "" : names[row] + "  ") + std::to_string(row));
    canvas.text(left + row * cell + cell / 2, top + cell * classes + 20, 12,
                0.5, std::to_string(row));
  }
  return canvas.save(path);
}

struct Matrix {
  json counts, classes;
};

/// What a log holds, quantity by quantity.
struct Run {
  std::map<std::string, std::map<std::string, Series>> quantities;
  /// By the names of files: "confusion", "STEP.confusion".
  std::map<std::string, Matrix> matrices;
};

/// The key of what `what` is of, where `key` is `what` or ends with that and a
/// dot before it: "confusion" for "classes", "STEP.confusion" for
/// "STEP.classes". Nothing for another key.
std::optional<std::string> matrixOf(const std::string &key,
                                    const std::string &what) {
  if (key == what)
    return "confusion";
  const std::string end = "." + what;
  if (key.size() <= end.size() ||
      key.compare(key.size() - end.size(), end.size(), end) != 0)
    return std::nullopt;
  return key.substr(0, key.size() - end.size()) + ".confusion";
}

void addPoint(Run &run, const std::string &key, double epoch, double value) {
  struct Split {
    const char *prefix, *label;
    Colour colour;
  };
  static const Split splits[] = {{"validation_", "validation", kVermilion},
                                 {"test_", "test", kGreen},
                                 {"", "training", kBlue}};
  for (const Split &split : splits) {
    if (key.compare(0, std::strlen(split.prefix), split.prefix) != 0)
      continue;
    Series &series =
        run.quantities[key.substr(std::strlen(split.prefix))][split.label];
    series.label = split.label;
    series.colour = split.colour;
    series.points.emplace_back(epoch, value);
    return;
  }
}

void addRecord(Run &run, const json &record) {
  for (auto &[key, value] : record.items()) {
    if (auto name = matrixOf(key, "confusion"); name && value.is_array())
      run.matrices[*name].counts = value;
    if (auto name = matrixOf(key, "classes"); name && value.is_array())
      run.matrices[*name].classes = value;
    bool isMeasure = value.is_number() && key != "epoch" && key != "step" &&
                     key != "fold" && key != "seconds" &&
                     key != "data_seconds" && !isLearningRate(key);
    if (isMeasure && std::isfinite(value.get<double>()))
      addPoint(run, key, record["epoch"].get<double>(), value.get<double>());
  }
}

bool readLog(const std::string &path, Run &run) {
  bool isLog = true;
  runtime::Status status =
      readLogLines(path, [&](const std::string &text, int64_t line) {
        json record = json::parse(text, nullptr, /*allow_exceptions=*/false);
        isLog = record.is_object() && record.value("epoch", json()).is_number();
        if (isLog)
          addRecord(run, record);
        else
          std::cerr << path << ':' << line
                    << ": error: expected a JSON object with \"epoch\"\n";
        return isLog;
      });
  if (!status.isOk())
    std::cerr << "error: " << status.message()
              << "; nnc train --log DIR writes it\n";
  return isLog && status.isOk();
}

bool isCountMatrix(const json &matrix) {
  if (!matrix.is_array() || matrix.empty() || matrix.size() > 1000)
    return false;
  return std::all_of(matrix.begin(), matrix.end(), [&](const json &row) {
    return row.is_array() && row.size() == matrix.size() &&
           std::all_of(row.begin(), row.end(),
                       [](const json &c) { return c.is_number(); });
  });
}

} // namespace

int plotTrainingLog(const std::string &folder) {
  Run run;
  if (!readLog(folder + "/log.jsonl", run))
    return 1;
  bool ok = true;
  for (auto &[name, bySplit] : run.quantities) {
    if (!isFileName(name)) {
      std::cerr << "warning: '" << printable(name)
                << "' is not drawn: its name is none for a file\n";
      continue;
    }
    std::vector<Series> series;
    for (auto &[split, one] : bySplit)
      series.push_back(one);
    ok &= drawCurves(folder + "/" + name + ".png", name, series);
  }
  for (auto &[name, matrix] : run.matrices)
    if (isCountMatrix(matrix.counts) && isFileName(name))
      ok &= drawConfusion(folder + "/" + name + ".png", matrix.counts,
                          namesOf(matrix.classes, matrix.counts.size()));
  return ok ? 0 : 3;
}

} // namespace nnc::tools
