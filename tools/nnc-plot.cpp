// Draws what a training run logged, and what explains a model. Its own program,
// so that the driver does not carry a drawing library in memory while it
// trains.
#include "tools/plot/Explanations.h"
#include "tools/plot/Rates.h"
#include "tools/plot/TrainingLog.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <string>

using namespace nnc::tools;

static bool exists(const std::string &path) {
  return access(path.c_str(), F_OK) == 0;
}

int main(int argc, char **argv) {
  if (argc != 2 || std::string(argv[1]) == "--help") {
    (argc == 2 ? std::cout : std::cerr)
        << "usage: nnc plot DIR\n\n"
           "Draws DIR/log.jsonl, which `nnc train --log DIR` wrote: a PNG a "
           "quantity\n"
           "(loss.png, accuracy.png, ...) and confusion.png, beside it. Draws "
           "DIR/explain.jsonl,\n"
           "which `nnc explain --out DIR` wrote: a PNG an explanation, "
           "filters.png and\n"
           "misclassified.png. Draws DIR/rates.jsonl, which `nnc find-rate "
           "--log DIR`\n"
           "wrote: rates.png.\n\n"
           "Examples:\n"
           "  nnc train net.nn --log run && nnc plot run\n";
    return argc == 2 ? 0 : 2;
  }
  const std::string folder = argv[1];
  const bool hasExplanations = exists(folder + "/explain.jsonl");
  const bool hasRates = exists(folder + "/rates.jsonl");
  int exit = 0;
  if ((!hasExplanations && !hasRates) || exists(folder + "/log.jsonl"))
    exit = plotTrainingLog(folder);
  if (hasExplanations)
    exit = std::max(exit, plotExplanations(folder));
  if (hasRates)
    exit = std::max(exit, plotRates(folder));
  if (!std::cout.flush()) {
    std::cerr << "error: standard output could not be written\n";
    exit = 3;
  }
  return exit;
}
